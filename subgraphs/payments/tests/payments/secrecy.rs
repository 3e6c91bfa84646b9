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
