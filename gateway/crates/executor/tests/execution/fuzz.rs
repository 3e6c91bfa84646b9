//! The reader of subgraph answers against `serde_json`, on answers made up at random.
//!
//! Runs for a moment; `CONCORD_FUZZ_SECONDS=600` makes it run longer, `CONCORD_FUZZ_SEED` repeats.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use executor::{CompiledPlan, SubgraphResponse};
use federation::plan::QueryPlan;
use serde_json::{Map, Value, json};

use crate::support::{Script, block_on, plan, root, run_compiled};

struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % sides
    }

    fn one<'a, T: ?Sized>(&mut self, of: &[&'a T]) -> &'a T {
        of[self.roll(of.len())]
    }

    fn chance(&mut self, one_in: usize) -> bool {
        self.roll(one_in) == 0
    }
}

fn a_plan() -> QueryPlan {
    let document = "{any ps{id q{a b}}}";
    plan(
        vec![root("a", document)],
        "any: JSON ps: [P] { id: JSON q: Q { a: JSON again=a: JSON b: JSON } other=q: Q { b: JSON } }",
    )
}

/// Any JSON; objects with the plan's keys and others.
fn value(dice: &mut Dice, depth: usize) -> Value {
    match dice.roll(if depth == 0 { 6 } else { 9 }) {
        0 => Value::Null,
        1 => dice.chance(2).into(),
        2 => json!(dice.roll(1000)),
        3 => json!(-1.5e-3),
        4 => "x".repeat(dice.roll(40)).into(),
        5 => dice.one(&["é\u{1F600}", "\"\\\n\u{1}", "}{", "", "a\u{7f}/b"]).into(),
        6 => (0..dice.roll(4)).map(|_| value(dice, depth - 1)).collect(),
        _ => object(dice, depth - 1),
    }
}

fn object(dice: &mut Dice, depth: usize) -> Value {
    let mut object = Map::new();
    for _ in 0..dice.roll(5) {
        let key =
            dice.one(&["id", "q", "a", "b", "any", "ps", "x", "long key with spaces", "\u{e9}"]);
        object.insert(key.to_owned(), value(dice, depth));
    }
    Value::Object(object)
}

/// An answer in which parts repeat themselves.
fn answer(dice: &mut Dice) -> Value {
    let pool: Vec<Value> = (0..3).map(|_| object(dice, 2)).collect();
    let item = |dice: &mut Dice| match dice.roll(4) {
        0 => value(dice, 2),
        1 => pool[dice.roll(3)].clone(),
        _ => json!({ "id": value(dice, 1), "q": pool[dice.roll(3)] }),
    };
    let items: Vec<Value> = (0..dice.roll(20)).map(|_| item(dice)).collect();
    let mut data = Map::new();
    data.insert("any".to_owned(), value(dice, 3));
    data.insert("ps".to_owned(), if dice.chance(10) { value(dice, 2) } else { items.into() });
    json!({ "data": data })
}

/// JSON text with white space and escapes at will.
fn write(dice: &mut Dice, value: &Value, out: &mut String) {
    let space = dice.one(&["", "", "", " ", "\n\t", "\r\n "]);
    out.push_str(space);
    match value {
        Value::Array(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                out.push_str(if at > 0 { "," } else { "" });
                write(dice, item, out);
            }
            out.push(']');
        }
        Value::Object(members) => {
            out.push('{');
            let mut keys: Vec<&String> = members.keys().collect();
            if dice.chance(3) {
                keys.reverse();
            }
            for (at, key) in keys.into_iter().enumerate() {
                out.push_str(if at > 0 { "," } else { "" });
                write_text(dice, key, out);
                out.push_str(space);
                out.push(':');
                write(dice, &members[key], out);
            }
            out.push('}');
        }
        Value::String(text) => write_text(dice, text, out),
        Value::Null | Value::Bool(_) | Value::Number(_) => out.push_str(&value.to_string()),
    }
    out.push_str(space);
}

fn write_text(dice: &mut Dice, text: &str, out: &mut String) {
    if dice.chance(12) {
        let units = text.encode_utf16().map(|unit| format!("\\u{unit:04x}"));
        out.push('"');
        out.extend(units);
        out.push('"');
    } else {
        out.push_str(&Value::from(text).to_string());
    }
}

/// What the plan makes of valid data.
fn expected(data: &Value) -> Value {
    let field = |object: &Value, key: &str| object.get(key).cloned().unwrap_or(Value::Null);
    let part = |value: &Value, of: &dyn Fn(&Value) -> Value| {
        if value.is_object() { of(value) } else { Value::Null }
    };
    let item = |item: &Value| {
        let inner = field(item, "q");
        json!({
            "id": field(item, "id"),
            "q": part(&inner, &|q| json!({ "a": field(q, "a"), "again": field(q, "a"), "b": field(q, "b") })),
            "other": part(&inner, &|q| json!({ "b": field(q, "b") })),
        })
    };
    let items = field(data, "ps");
    let items = match items.as_array() {
        Some(items) => items.iter().map(|value| part(value, &item)).collect(),
        None => Value::Null,
    };
    json!({ "any": field(data, "any"), "ps": items })
}

fn damage(dice: &mut Dice, text: &mut Vec<u8>) {
    for _ in 0..=dice.roll(3) {
        let at = dice.roll(text.len().max(1)).min(text.len().saturating_sub(1));
        match dice.roll(6) {
            _ if text.is_empty() => return,
            0 => text[at] = u8::try_from(dice.roll(256)).unwrap(),
            1 => {
                text.remove(at);
            }
            2 => text.insert(
                at,
                *dice.one(&[&b'"', &b'\\', &b'{', &b'}', &b'[', &b']', &b',', &b':', &0, &0xff]),
            ),
            3 => text.truncate(at),
            4 => {
                let end = (at + dice.roll(40)).min(text.len());
                let part = text[at..end].to_vec();
                let to = dice.roll(text.len());
                text.splice(to..to, part);
            }
            _ => {
                let end = (at + dice.roll(8)).min(text.len());
                text.drain(at..end);
            }
        }
    }
}

fn ask(plan: &CompiledPlan, body: &[u8]) -> (Value, bool) {
    let body = Bytes::copy_from_slice(body);
    let script = Script::new(move |_| Ok(SubgraphResponse { status: 200, body: body.clone() }));
    let response = block_on(run_compiled(plan, &json!({}), &Arc::new(script)));
    let malformed = response
        .errors
        .iter()
        .any(|error| error.extensions["code"] == "SUBREQUEST_MALFORMED_RESPONSE");
    (serde_json::from_slice(response.data()).expect("what we write is JSON"), malformed)
}

#[test]
fn random_answers_are_read_as_serde_json_reads_them() {
    let variable = |name| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let until = variable("CONCORD_FUZZ_SECONDS")
        .map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let seed = variable("CONCORD_FUZZ_SEED").unwrap_or(0x9E37_79B9_7F4A_7C15);
    let plan = CompiledPlan::new(&a_plan());
    let mut dice = Dice(seed);
    let mut rounds = 0_u64;
    while until.map_or(rounds < 1_500, |until| Instant::now() < until) {
        rounds += 1;
        let answer = answer(&mut dice);
        let mut text = String::new();
        write(&mut dice, &answer, &mut text);
        let mut text = text.into_bytes();
        let (data, malformed) = ask(&plan, &text);
        assert!(!malformed, "{}", String::from_utf8_lossy(&text));
        assert_eq!(data, expected(&answer["data"]), "{}", String::from_utf8_lossy(&text));
        damage(&mut dice, &mut text);
        let (data, malformed) = ask(&plan, &text);
        match serde_json::from_slice::<Value>(&text) {
            // Numbers that fit into no number are still JSON.
            Err(error) if error.to_string().starts_with("number out of range") => {}
            Err(error) => {
                assert!(malformed, "{error}: {}", String::from_utf8_lossy(&text));
                assert_eq!(data, json!({ "any": null, "ps": null }));
            }
            Ok(answer) => {
                let is_answer = answer.get("data").is_some_and(Value::is_object);
                assert!(malformed || is_answer || answer.get("errors").is_some(), "{answer}");
            }
        }
    }
}
