//! A stand-in for Stripe's API as its public reference describes it: forms in, JSON out,
//! idempotency keys, error bodies. It knows nothing of our connector.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex},
};

use axum::{
    Json, Router,
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, Uri},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde_json::{Value, json};
use tokio::net::TcpListener;

pub(crate) const KEY: &str = "sk_test_fake";

#[derive(Default)]
struct Account {
    cards: BTreeMap<String, String>,
    objects: BTreeMap<String, Value>,
    answers: HashMap<String, (String, Value)>,
    next: u64,
}

type Shared = Arc<Mutex<Account>>;
type Form = HashMap<String, String>;

impl Account {
    fn id(&mut self, prefix: &str) -> String {
        self.next += 1;
        format!("{prefix}_{:024}", self.next)
    }

    fn list(&self, kind: &str) -> Vec<Value> {
        self.objects.values().filter(|object| object["object"] == kind).cloned().collect()
    }
}

pub(crate) async fn start() -> String {
    let account = Shared::default();
    let router = Router::new()
        .route("/v1/payment_methods", post(payment_method))
        .route("/v1/payment_methods/{id}/detach", post(detach))
        .route("/v1/setup_intents", post(setup_intent))
        .route("/v1/payment_intents", post(create_intent))
        .route("/v1/payment_intents/search", get(search))
        .route("/v1/payment_intents/{id}", get(retrieve))
        .route("/v1/payment_intents/{id}/capture", post(capture))
        .route("/v1/payment_intents/{id}/cancel", post(cancel))
        .route("/v1/refunds", post(refund).get(list_refunds))
        .route("/v1/payouts", post(payout).get(list_payouts))
        .route("/v1/disputes/{id}", get(retrieve))
        .route("/v1/balance_transactions", get(balance))
        .with_state(account);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

fn decode(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'%' => {
                let hex = [rest.next().unwrap(), rest.next().unwrap()];
                bytes.push(u8::from_str_radix(std::str::from_utf8(&hex).unwrap(), 16).unwrap());
            }
            b'+' => bytes.push(b' '),
            byte => bytes.push(byte),
        }
    }
    String::from_utf8(bytes).unwrap()
}

fn pairs(text: &str) -> Form {
    text.split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (decode(name), decode(value)))
        .collect()
}

fn form(headers: &HeaderMap, body: &Bytes) -> Form {
    assert_eq!(headers["authorization"], format!("Bearer {KEY}").as_str());
    pairs(std::str::from_utf8(body).unwrap())
}

fn error(status: u16, kind: &str, code: &str) -> (u16, Value) {
    (status, json!({ "error": { "type": kind, "code": code, "message": "no" } }))
}

fn answer((status, body): (u16, Value)) -> Response {
    (StatusCode::from_u16(status).unwrap(), Json(body)).into_response()
}

/// Carries a request out once per idempotency key; the same key with other parameters is refused.
fn once(
    account: &Shared,
    headers: &HeaderMap,
    body: &Bytes,
    act: impl FnOnce(&mut Account, Form) -> (u16, Value),
) -> Response {
    let form = form(headers, body);
    let mut account = account.lock().unwrap();
    let text = String::from_utf8_lossy(body).into_owned();
    let key = headers.get("idempotency-key").map(|value| value.to_str().unwrap().to_owned());
    if let Some((before, stored)) = key.as_ref().and_then(|key| account.answers.get(key)) {
        if *before != text {
            return answer(error(400, "idempotency_error", "idempotency_key_in_use"));
        }
        let status = u16::try_from(stored["status"].as_u64().unwrap()).unwrap();
        return answer((status, stored["body"].clone()));
    }
    let (status, body) = act(&mut account, form);
    if let Some(key) = key {
        account.answers.insert(key, (text, json!({ "status": status, "body": body })));
    }
    answer((status, body))
}

fn metadata(form: &Form) -> Value {
    let entries = form.iter().filter_map(|(name, value)| {
        let name = name.strip_prefix("metadata[")?.strip_suffix(']')?;
        Some((name.to_owned(), json!(value)))
    });
    Value::Object(entries.collect())
}

fn minor(form: &Form, field: &str) -> i64 {
    form[field].parse().unwrap()
}

async fn payment_method(
    State(account): State<Shared>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    once(&account, &headers, &body, |account, form| {
        let id = account.id("pm");
        account.cards.insert(id.clone(), form["card[number]"].clone());
        (200, json!({ "id": id, "object": "payment_method", "card": { "country": "US" } }))
    })
}

async fn detach(State(account): State<Shared>, Path(id): Path<String>) -> Response {
    let known = account.lock().unwrap().cards.remove(&id).is_some();
    answer(if known {
        (200, json!({ "id": id, "object": "payment_method" }))
    } else {
        error(404, "invalid_request_error", "resource_missing")
    })
}

async fn setup_intent(State(account): State<Shared>, headers: HeaderMap, body: Bytes) -> Response {
    once(&account, &headers, &body, |account, form| {
        let known = account.cards.contains_key(&form["payment_method"]);
        if !known {
            return error(404, "invalid_request_error", "resource_missing");
        }
        let id = account.id("seti");
        let checks = json!({ "cvc_check": "pass", "address_postal_code_check": null });
        (
            200,
            json!({ "id": id, "object": "setup_intent", "status": "succeeded", "payment_method": { "card": { "checks": checks } } }),
        )
    })
}

async fn create_intent(State(account): State<Shared>, headers: HeaderMap, body: Bytes) -> Response {
    once(&account, &headers, &body, |account, form| {
        let Some(number) = account.cards.get(&form["payment_method"]).cloned() else {
            return error(404, "invalid_request_error", "resource_missing");
        };
        let id = account.id("pi");
        let decline = match number.as_str() {
            "4000000000009995" => Some(("card_declined", "insufficient_funds")),
            "4000000000000119" => Some(("processing_error", "")),
            "4000000000000341" | "4000000000000002" => Some(("card_declined", "generic_decline")),
            _ => None,
        };
        let manual = form["capture_method"] == "manual";
        let amount = minor(&form, "amount");
        let mut intent = json!({
            "id": id, "object": "payment_intent", "amount": amount, "currency": form["currency"],
            "amount_received": 0, "created": 1_700_000_000, "metadata": metadata(&form),
            "status": if manual { "requires_capture" } else { "succeeded" },
        });
        if number == "4000002500003155" {
            intent["status"] = json!("requires_action");
            intent["next_action"] = json!({ "type": "redirect_to_url", "redirect_to_url": { "url": "https://bank.example/3ds" } });
        } else if decline.is_none() && !manual {
            intent["amount_received"] = json!(amount);
        }
        if let Some((code, reason)) = decline {
            intent["status"] = json!("requires_payment_method");
            intent["last_payment_error"] = json!({ "code": code, "decline_code": reason });
        }
        account.objects.insert(id, intent.clone());
        match decline {
            None => (200, intent),
            Some((code, reason)) => (
                402,
                json!({ "error": { "type": "card_error", "code": code, "decline_code": reason, "payment_intent": intent } }),
            ),
        }
    })
}

async fn retrieve(State(account): State<Shared>, Path(id): Path<String>) -> Response {
    let found = account.lock().unwrap().objects.get(&id).cloned();
    answer(found.map_or_else(
        || error(404, "invalid_request_error", "resource_missing"),
        |object| (200, object),
    ))
}

async fn search(State(account): State<Shared>, uri: Uri) -> Response {
    let query = pairs(uri.query().unwrap())["query"].clone();
    let wanted = query.split('\'').nth(3).unwrap().to_owned();
    let found: Vec<Value> = account
        .lock()
        .unwrap()
        .list("payment_intent")
        .into_iter()
        .filter(|intent| intent["metadata"]["attempt"] == wanted.as_str())
        .collect();
    answer((200, json!({ "object": "search_result", "data": found, "has_more": false })))
}

/// Changes an intent that is in one of these states.
fn change(
    account: &mut Account,
    id: &str,
    states: &[&str],
    act: impl FnOnce(&mut Value),
) -> (u16, Value) {
    let Some(intent) = account.objects.get_mut(id) else {
        return error(404, "invalid_request_error", "resource_missing");
    };
    if !states.iter().any(|state| intent["status"] == *state) {
        return error(400, "invalid_request_error", "payment_intent_unexpected_state");
    }
    act(intent);
    (200, intent.clone())
}

async fn capture(
    State(account): State<Shared>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    once(&account, &headers, &body, |account, form| {
        change(account, &id, &["requires_capture"], |intent| {
            intent["status"] = json!("succeeded");
            intent["amount_received"] = json!(minor(&form, "amount_to_capture"));
        })
    })
}

async fn cancel(
    State(account): State<Shared>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    once(&account, &headers, &body, |account, _| {
        let states = ["requires_capture", "requires_action", "requires_payment_method"];
        change(account, &id, &states, |intent| intent["status"] = json!("canceled"))
    })
}

async fn refund(State(account): State<Shared>, headers: HeaderMap, body: Bytes) -> Response {
    once(&account, &headers, &body, |account, form| {
        let intent = account.objects[&form["payment_intent"]].clone();
        let refunded: i64 = account
            .list("refund")
            .iter()
            .filter(|refund| refund["payment_intent"] == intent["id"])
            .map(|refund| refund["amount"].as_i64().unwrap())
            .sum();
        let amount = minor(&form, "amount");
        if refunded + amount > intent["amount_received"].as_i64().unwrap() {
            return error(400, "invalid_request_error", "charge_already_refunded");
        }
        let id = account.id("re");
        let refund = json!({
            "id": id, "object": "refund", "amount": amount, "currency": intent["currency"],
            "payment_intent": intent["id"], "status": "succeeded", "metadata": metadata(&form),
        });
        account.objects.insert(id, refund.clone());
        (200, refund)
    })
}

async fn list_refunds(State(account): State<Shared>, uri: Uri) -> Response {
    let wanted = pairs(uri.query().unwrap())["payment_intent"].clone();
    let mut found = account.lock().unwrap().list("refund");
    found.retain(|refund| refund["payment_intent"] == wanted.as_str());
    answer((200, json!({ "object": "list", "data": found, "has_more": false })))
}

async fn payout(State(account): State<Shared>, headers: HeaderMap, body: Bytes) -> Response {
    once(&account, &headers, &body, |account, form| {
        let id = account.id("po");
        let payout = json!({
            "id": id, "object": "payout", "amount": minor(&form, "amount"),
            "currency": form["currency"], "status": "in_transit", "metadata": metadata(&form),
        });
        account.objects.insert(id, payout.clone());
        (200, payout)
    })
}

/// Newest last, one to a page, so that paging is used.
async fn list_payouts(State(account): State<Shared>, uri: Uri) -> Response {
    let after = pairs(uri.query().unwrap()).get("starting_after").cloned();
    let found = account.lock().unwrap().list("payout");
    let from = after.map_or(0, |id| found.iter().position(|p| p["id"] == id.as_str()).unwrap() + 1);
    let page: Vec<Value> = found.iter().skip(from).take(1).cloned().collect();
    let more = found.len() > from + 1;
    answer((200, json!({ "object": "list", "data": page, "has_more": more })))
}

async fn balance(State(account): State<Shared>) -> Response {
    let account = account.lock().unwrap();
    let line = |object: &Value, kind: &str, amount: i64| {
        json!({ "object": "balance_transaction", "id": format!("txn_{}", object["id"].as_str().unwrap()),
            "type": kind, "amount": amount, "currency": object["currency"], "source": object })
    };
    let charges = account.list("payment_intent");
    let mut lines: Vec<Value> = charges
        .iter()
        .filter(|intent| intent["amount_received"].as_i64() > Some(0))
        .map(|intent| line(intent, "charge", intent["amount_received"].as_i64().unwrap()))
        .collect();
    lines.extend(
        account.list("refund").iter().map(|r| line(r, "refund", -r["amount"].as_i64().unwrap())),
    );
    answer((200, json!({ "object": "list", "data": lines, "has_more": false })))
}
