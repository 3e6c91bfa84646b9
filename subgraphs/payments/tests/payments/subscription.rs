//! Changes of stock are pushed over SSE and over WebSocket.

use base64::{Engine, engine::general_purpose::STANDARD};
use kit::testing::Passports;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tokio_util::sync::CancellationToken;

use crate::support::Shop;

const WATCH: &str = "subscription($ids: [ID!]!) { stockChanged(productIds: $ids) { id stock { available inStock } } }";

struct Served {
    shop: Shop,
    url: String,
    passports: Passports,
    stop: CancellationToken,
}

async fn served() -> Served {
    let passports = Passports::new(kit::Clock::system());
    let database = kit::testing::database::<migrations::payments::Migrator>().await;
    let settings = passports.settings();
    let shop = Shop::with_clock(database, kit::Clock::system(), |config| {
        config.kit.passport = settings;
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let stop = CancellationToken::new();
    // A second replica serves; changes are made through the first.
    let service = payments::serve::service(&shop.app);
    let url = service.spawn(listener, stop.clone()).unwrap().url();
    Served { shop, url, passports, stop }
}

#[tokio::test]
async fn stock_is_pushed_over_sse() {
    let Served { shop, url, passports, stop } = served().await;
    let (lamp, desk) = (shop.product(100, 5).await, shop.product(100, 5).await);
    let mut response = reqwest::Client::new()
        .post(format!("{url}/graphql"))
        .header("accept", "text/event-stream")
        .header(kit::passport::HEADER, passports.mint("payments", &kit::Caller::Anonymous))
        .json(&json!({ "query": WATCH, "variables": { "ids": [lamp] } }))
        .send()
        .await
        .unwrap();
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let mut text = String::new();
    let mut changes = 0;
    // Until the subscription has begun nobody is told, so changes go on until one is heard of.
    while !text.contains("event: next") {
        shop.restock(&desk, 1).await;
        shop.restock(&lamp, 1).await;
        changes += 1;
        let wait = std::time::Duration::from_secs(2);
        if let Ok(chunk) = tokio::time::timeout(wait, response.chunk()).await {
            text.push_str(&String::from_utf8_lossy(&chunk.unwrap().unwrap()));
        }
        assert!(changes < 60, "nothing was pushed");
    }
    let data = text.lines().find_map(|line| line.strip_prefix("data: ")).unwrap();
    let product = &serde_json::from_str::<Value>(data).unwrap()["data"]["stockChanged"];
    assert_eq!(product["id"], lamp, "and not the desk");
    assert_eq!(product["stock"]["inStock"], true);
    assert!(product["stock"]["available"].as_i64().unwrap() > 5);

    stop.cancel();
    while let Ok(Some(_)) = response.chunk().await {}
}

/// A text frame as clients send it: masked, here with zeros.
fn frame(text: &str) -> Vec<u8> {
    let length = u16::try_from(text.len()).unwrap();
    let mut bytes = vec![0x81, 0x80 | 0x7e];
    bytes.extend(length.to_be_bytes());
    bytes.extend([0; 4]);
    bytes.extend(text.as_bytes());
    bytes
}

/// The next text frame of the server.
async fn next_text(socket: &mut TcpStream) -> Value {
    loop {
        let mut head = [0; 2];
        socket.read_exact(&mut head).await.unwrap();
        let length = match head[1] & 0x7f {
            126 => usize::from(socket.read_u16().await.unwrap()),
            127 => usize::try_from(socket.read_u64().await.unwrap()).unwrap(),
            short => usize::from(short),
        };
        let mut payload = vec![0; length];
        socket.read_exact(&mut payload).await.unwrap();
        if head[0] & 0x0f == 1 {
            return serde_json::from_slice(&payload).unwrap();
        }
    }
}

#[tokio::test]
async fn stock_is_pushed_over_websocket() {
    let Served { shop, url, passports, .. } = served().await;
    let lamp = shop.product(100, 5).await;
    let address = url.strip_prefix("http://").unwrap();
    let mut socket = TcpStream::connect(address).await.unwrap();
    let request = format!(
        "GET /graphql HTTP/1.1\r\nhost: {address}\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
         sec-websocket-version: 13\r\nsec-websocket-key: {}\r\n\
         sec-websocket-protocol: graphql-transport-ws\r\n{}: {}\r\n\r\n",
        STANDARD.encode([7; 16]),
        kit::passport::HEADER,
        passports.mint("payments", &kit::Caller::Anonymous)
    );
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(socket.read_u8().await.unwrap());
    }
    let head = String::from_utf8(head).unwrap();
    assert!(head.starts_with("HTTP/1.1 101"), "{head}");
    socket.write_all(&frame(&json!({ "type": "connection_init" }).to_string())).await.unwrap();
    assert_eq!(next_text(&mut socket).await["type"], "connection_ack");
    let subscribe = json!({ "id": "1", "type": "subscribe", "payload": { "query": WATCH, "variables": { "ids": [lamp] } } });
    socket.write_all(&frame(&subscribe.to_string())).await.unwrap();
    let mut changes = 0;
    let message = loop {
        shop.restock(&lamp, 1).await;
        changes += 1;
        assert!(changes < 60, "nothing was pushed");
        let wait = std::time::Duration::from_secs(2);
        if let Ok(message) = tokio::time::timeout(wait, next_text(&mut socket)).await {
            break message;
        }
    };
    assert_eq!((&message["type"], &message["id"]), (&json!("next"), &json!("1")), "{message}");
    assert_eq!(message["payload"]["data"]["stockChanged"]["id"], lamp);
}

#[tokio::test]
async fn without_a_passport_nobody_watches() {
    let Served { url, .. } = served().await;
    let client = reqwest::Client::new();
    let body = json!({ "query": WATCH, "variables": { "ids": ["prd_x"] } });
    let asked = client.post(format!("{url}/graphql")).header("accept", "text/event-stream");
    assert_eq!(asked.json(&body).send().await.unwrap().status().as_u16(), 401);
    assert_eq!(client.get(format!("{url}/graphql")).send().await.unwrap().status().as_u16(), 405);
}
