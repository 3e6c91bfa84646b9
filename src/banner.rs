//! What a newcomer sees once everything runs: one table, log-ins, and a query to paste.

use std::fmt::Write;

use crate::Stack;
use crate::demo::logins::Login;

/// A first query: two services answer it.
pub const QUERY: &str = r#"query ProductPage {
  product(sku: "KIT-004") {
    title
    price { decimal currency }
    stock { available inStock }
    ratingSummary { average count }
    reviews(first: 3) { edges { node { rating title author { displayName } } } }
  }
}"#;

/// The text for standard output.
pub fn render(stack: &Stack) -> String {
    let mut text = String::from("\n  service    URL                              state\n");
    for (name, url) in stack.urls() {
        let _ = writeln!(text, "  {name:<10} {url:<32} ready");
    }
    let _ = writeln!(text, "\n  GraphiQL   {}", stack.gateway_url());
    let _ = writeln!(
        text,
        "  Mails      {0}/dev/inbox\n  Data       {1}",
        stack.users_url(),
        stack.data_dir().display()
    );
    let logins = stack.logins();
    if !logins.is_empty() {
        text.push_str("\n  Sign in as\n");
        for login in shown(logins) {
            let _ = writeln!(text, "  {:<10} {:<40} {}", login.role, login.email, login.password);
        }
        let _ = writeln!(text, "  More in {}", stack.data_dir().join("demo-logins.json").display());
        text.push_str("\n  Paste this into GraphiQL\n\n");
        for line in QUERY.lines() {
            let _ = writeln!(text, "    {line}");
        }
    }
    text.push_str("\n  Ctrl-C stops everything.\n\n");
    text
}

/// One customer, one merchant, one administrator.
fn shown(logins: &[Login]) -> impl Iterator<Item = &Login> {
    ["CUSTOMER", "MERCHANT", "ADMIN"]
        .into_iter()
        .filter_map(|role| logins.iter().find(|login| login.role == role))
}
