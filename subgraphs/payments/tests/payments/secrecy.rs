//! Card numbers are nowhere but in the vault's hands.

use std::fmt::Write;

use kit::Database;
use sea_orm::{ConnectionTrait, Statement};

use crate::support::{APPROVES, DECLINES_CHARGE, NEEDS_3DS, Shop};

const AMEX: &str = "378282246310005";

/// Every value of every table as text.
async fn dump(database: &Database) -> String {
    let tables: &[&str] = &[
        "payment_methods",
        "vault_tokens",
        "payments",
        "payment_attempts",
        "refunds",
        "orders",
        "outbox",
        "events",
        "idempotency",
        "sandbox_cards",
        "sandbox_operations",
        "ledger_transactions",
        "ledger_entries",
    ];
    let mut text = String::new();
    for table in tables {
        let statement =
            Statement::from_string(database.backend(), format!("SELECT * FROM {table}"));
        for row in database.read().query_all_raw(statement).await.unwrap() {
            writeln!(text, "{row:?}").unwrap();
            for column in row.column_names() {
                if let Ok(Some(value)) = row.try_get::<Option<String>>("", &column) {
                    text.push_str(&value);
                }
                if let Ok(Some(bytes)) = row.try_get::<Option<Vec<u8>>>("", &column) {
                    text.push_str(&String::from_utf8_lossy(&bytes));
                }
                text.push('\n');
            }
        }
    }
    text
}

#[tokio::test]
async fn no_number_and_no_security_code_is_stored() {
    let shop = Shop::open().await;
    let lamp = shop.product(1000, 5).await;
    let customer = shop.customer();
    shop.paid(&customer, &[(&lamp, 1)]).await;
    for number in [AMEX, DECLINES_CHARGE, NEEDS_3DS, "4000000000000002"] {
        shop.attach_payload(&customer, number).await;
    }
    let text = dump(&shop.app.database).await;
    assert!(text.contains("4242"), "the dump has the last four digits");
    for secret in [APPROVES, AMEX, DECLINES_CHARGE, NEEDS_3DS, "4000000000000002", "sbxcard_"] {
        let stored_by_us = text.contains(secret) && secret != "sbxcard_";
        assert!(!stored_by_us, "{secret} is stored");
    }
    assert!(!format!("{:?}", shop.app).contains("concord-development-payments-secret"));
}

#[tokio::test]
async fn f39_no_secret_reaches_the_log_of_a_running_service() {
    use crate::process::Site;
    use serde_json::json;

    const CVC: &str = "739";
    let site = Site::new("").await;
    let shop = Shop::with_clock(site.database().await, kit::Clock::system(), |_| {});
    let customer = shop.customer();
    let process = site.start(None);
    let client = reqwest::Client::new();
    let mut tokens = Vec::new();
    for number in [APPROVES, DECLINES_CHARGE, "4242424242424241"] {
        let card = json!({ "number": number, "expMonth": 12, "expYear": 2031, "cvc": CVC });
        let sent = client.post(format!("{}/vault/v1/tokens", process.url)).json(&card).send();
        let answer: serde_json::Value = sent.await.unwrap().json().await.unwrap();
        tokens.extend(answer["token"].as_str().map(str::to_owned));
    }
    assert_eq!(tokens.len(), 2);
    let attach = "mutation($input: PaymentMethodAttachInput!) { paymentMethodAttach(input: $input) { paymentMethod { id } errors { ... on UserError { code } } } }";
    for token in &tokens {
        let input = json!({ "input": { "token": token, "idempotencyKey": token } });
        let answer = process.ask(&site, &customer, attach, input).await.unwrap();
        assert!(
            answer["data"]["paymentMethodAttach"]["paymentMethod"]["id"].is_string(),
            "{answer}"
        );
    }
    let said = process.said.clone();
    process.kill();
    let said = said.lock().unwrap();
    assert!(said.contains("/vault/v1/tokens"), "the log has the requests");
    let quoted = format!("\"{CVC}\"");
    let numbers = [APPROVES, DECLINES_CHARGE, "4242424242424241", &quoted, "sbxcard_"];
    for secret in numbers.into_iter().chain(tokens.iter().map(String::as_str)) {
        assert!(!said.contains(secret), "{secret} is in the log");
    }
}
