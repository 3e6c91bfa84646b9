//! The texts of the mails. One layout, in plain text and HTML, filled per template.

use askama::Template;
use kit::mail::{RenderError, Rendered, Templates};
use serde::Deserialize;
use serde_json::Value;

use super::{
    DISPUTE_OPENED, ORDER_RECEIPT, PAYMENT_AUTHORIZED, PAYMENT_RECEIPT, PAYOUT_SENT,
    REFUND_RECEIPT, RIDE_RECEIPT, TIP_RECEIVED,
};

/// Renders this service's mails.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Letters;

impl Templates for Letters {
    fn render(&self, template: &str, _locale: &str, data: &Value) -> Result<Rendered, RenderError> {
        let failed =
            |message: String| RenderError::Failed { template: template.to_owned(), message };
        let letter = letter(template, data)?;
        let text = Plain { letter: &letter }.render().map_err(|error| failed(error.to_string()))?;
        let html = Rich { letter: &letter }.render().map_err(|error| failed(error.to_string()))?;
        Ok(Rendered { subject: letter.subject, text, html })
    }
}

struct Letter {
    subject: String,
    intro: String,
    rows: Vec<(String, String)>,
    outro: &'static str,
}

#[derive(Template)]
#[template(path = "letter.txt", escape = "none")]
struct Plain<'a> {
    letter: &'a Letter,
}

#[derive(Template)]
#[template(path = "letter.html")]
struct Rich<'a> {
    letter: &'a Letter,
}

fn letter(template: &str, data: &Value) -> Result<Letter, RenderError> {
    match template {
        ORDER_RECEIPT => read(template, data).map(order_receipt),
        PAYMENT_AUTHORIZED => read(template, data).map(payment_authorized),
        PAYMENT_RECEIPT => read(template, data).map(payment_receipt),
        REFUND_RECEIPT => read(template, data).map(refund_receipt),
        RIDE_RECEIPT => read(template, data).map(ride_receipt),
        DISPUTE_OPENED => read(template, data).map(dispute_opened),
        PAYOUT_SENT => read(template, data).map(payout_sent),
        TIP_RECEIVED => read(template, data).map(tip_received),
        _ => Err(RenderError::UnknownTemplate { template: template.to_owned() }),
    }
}

fn read<T: for<'de> Deserialize<'de>>(template: &str, data: &Value) -> Result<T, RenderError> {
    T::deserialize(data).map_err(|error| RenderError::Failed {
        template: template.to_owned(),
        message: error.to_string(),
    })
}

#[derive(Deserialize)]
struct OrderData {
    number: String,
    items: Vec<ItemData>,
    shipping: String,
    tax: String,
    total: String,
}

#[derive(Deserialize)]
struct ItemData {
    title: String,
    quantity: i64,
    total: String,
}

fn order_receipt(data: OrderData) -> Letter {
    let OrderData { number, items, shipping, tax, total } = data;
    let mut rows: Vec<_> = items
        .into_iter()
        .map(|ItemData { title, quantity, total }| (format!("{quantity} × {title}"), total))
        .collect();
    rows.push(("Shipping".to_owned(), shipping));
    rows.push(("Tax".to_owned(), tax));
    rows.push(("Total".to_owned(), total));
    Letter {
        subject: format!("Your order {number}"),
        intro: format!("Thank you for your order {number}. It is paid and on its way to packing."),
        rows,
        outro: "Keep this mail as your receipt.",
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AuthorizedData {
    payment: String,
    amount: String,
    capture_before: Option<String>,
}

fn payment_authorized(data: AuthorizedData) -> Letter {
    let AuthorizedData { payment, amount, capture_before } = data;
    let mut rows = vec![("Held".to_owned(), amount.clone()), ("Payment".to_owned(), payment)];
    rows.extend(capture_before.map(|at| ("Held until".to_owned(), at)));
    Letter {
        subject: format!("{amount} is held on your card"),
        intro: format!("Your bank holds {amount} for us. Nothing has been taken yet."),
        rows,
        outro: "What is not taken in time is free again by itself.",
    }
}

#[derive(Deserialize)]
struct PaymentData {
    payment: String,
    amount: String,
}

fn payment_receipt(data: PaymentData) -> Letter {
    let PaymentData { payment, amount } = data;
    Letter {
        subject: format!("Payment received: {amount}"),
        intro: format!("We have received your payment of {amount}. Thank you."),
        rows: vec![("Amount".to_owned(), amount), ("Payment".to_owned(), payment)],
        outro: "Keep this mail as your receipt.",
    }
}

#[derive(Deserialize)]
struct RefundData {
    payment: String,
    amount: String,
    note: Option<String>,
}

fn refund_receipt(data: RefundData) -> Letter {
    let RefundData { payment, amount, note } = data;
    let mut rows = vec![("Refunded".to_owned(), amount.clone()), ("Payment".to_owned(), payment)];
    rows.extend(note.map(|note| ("Note".to_owned(), note)));
    Letter {
        subject: format!("Refund: {amount}"),
        intro: format!("{amount} is on its way back to the card you paid with."),
        rows,
        outro: "Banks take a few days to show it.",
    }
}

#[derive(Deserialize)]
struct RideData {
    base: String,
    distance: String,
    time: String,
    surge: String,
    tolls: String,
    tax: String,
    total: String,
}

fn ride_receipt(data: RideData) -> Letter {
    let RideData { base, distance, time, surge, tolls, tax, total } = data;
    let rows = [
        ("Base", base),
        ("Distance", distance),
        ("Time", time),
        ("Surge", surge),
        ("Tolls", tolls),
        ("Tax", tax),
        ("Total", total.clone()),
    ];
    Letter {
        subject: format!("Your ride: {total}"),
        intro: "Thank you for riding with us. This is your fare.".to_owned(),
        rows: rows.into_iter().map(|(label, value)| (label.to_owned(), value)).collect(),
        outro: "You can thank your driver with a tip for 30 days.",
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DisputeData {
    payment: String,
    amount: String,
    reason: String,
    answer_by: Option<String>,
    side: String,
}

fn dispute_opened(data: DisputeData) -> Letter {
    let DisputeData { payment, amount, reason, answer_by, side } = data;
    let mut rows = vec![
        ("Contested".to_owned(), amount.clone()),
        ("Payment".to_owned(), payment),
        ("Reason".to_owned(), reason.replace('_', " ")),
    ];
    rows.extend(answer_by.map(|at| ("Answer by".to_owned(), at)));
    let (intro, outro) = if side == "payer" {
        (
            format!("Your bank has told us that you contest a payment of {amount}."),
            "If this is a mistake, tell your bank. You need not do anything else.",
        )
    } else {
        (
            format!(
                "A payment of {amount} to you is contested. The money is held until it is decided."
            ),
            "Send us what shows that the payment was right.",
        )
    };
    Letter { subject: format!("A payment of {amount} is contested"), intro, rows, outro }
}

#[derive(Deserialize)]
struct PayoutData {
    payout: String,
    amount: String,
}

fn payout_sent(data: PayoutData) -> Letter {
    let PayoutData { payout, amount } = data;
    Letter {
        subject: format!("Your payout of {amount} is on its way"),
        intro: format!("We have sent {amount} to your bank."),
        rows: vec![("Amount".to_owned(), amount), ("Payout".to_owned(), payout)],
        outro: "Banks take a day or two.",
    }
}

#[derive(Deserialize)]
struct TipData {
    amount: String,
}

fn tip_received(data: TipData) -> Letter {
    let TipData { amount } = data;
    Letter {
        subject: format!("You received a tip of {amount}"),
        intro: format!("A rider thanked you with {amount}."),
        rows: vec![("Tip".to_owned(), amount)],
        outro: "All of it is yours.",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_are_escaped_in_html_only() {
        let data = json!({
            "number": "C-1", "shipping": "0.00 EUR", "tax": "0.00 EUR", "total": "5.00 EUR",
            "items": [{ "title": "<b>Lamp</b>", "quantity": 2, "total": "5.00 EUR" }]
        });
        let mail = Letters.render(ORDER_RECEIPT, "en", &data).unwrap();
        assert_eq!(mail.subject, "Your order C-1");
        assert!(mail.text.contains("2 × <b>Lamp</b>"));
        assert!(!mail.html.contains("<b>Lamp"));
    }

    #[test]
    fn an_unknown_template_is_an_error() {
        assert!(matches!(
            Letters.render("nothing", "en", &json!({})),
            Err(RenderError::UnknownTemplate { .. })
        ));
    }
}
