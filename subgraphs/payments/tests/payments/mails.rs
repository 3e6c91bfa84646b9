//! Mail through a relay that fails in its own ways.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use axum::{Json, Router, extract::Path, routing::get};
use kit::{Caller, settings};
use payments::operation::reconcile::reconcile;
use sea_orm::{ConnectionTrait, DbBackend, DbErr};
use serde_json::json;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};
use tokio_util::sync::CancellationToken;

use crate::{
    process::{Site, eventually},
    support::{APPROVES, PAYMENT_CONFIRM, Shop, id_of, key, top_code},
};

/// A relay that does what the test says, and the people's addresses.
struct Post {
    relay: Arc<Relay>,
    port: u16,
    users_url: String,
}

#[derive(Default)]
struct Relay {
    away: AtomicBool,
    /// Takes mail and never says so.
    silent: AtomicBool,
    unknown: Mutex<BTreeSet<String>>,
    /// `Message-ID` and address of what it has taken.
    taken: Mutex<Vec<(String, String)>>,
}

impl Relay {
    async fn session(self: Arc<Self>, stream: TcpStream) -> std::io::Result<()> {
        let (read, mut write) = stream.into_split();
        if self.away.load(Ordering::SeqCst) {
            return write.write_all(b"421 closed\r\n").await;
        }
        let mut lines = BufReader::new(read).lines();
        let mut to = String::new();
        write.write_all(b"220 ready\r\n").await?;
        while let Some(line) = lines.next_line().await? {
            let reply = match line.get(..4).unwrap_or_default() {
                "EHLO" => "250 ready",
                "RCPT" => {
                    let address = line.split(['<', '>']).nth(1).unwrap_or_default();
                    address.clone_into(&mut to);
                    if self.unknown.lock().unwrap().contains(&to) { "550 nobody" } else { "250 ok" }
                }
                "DATA" => {
                    write.write_all(b"354 go on\r\n").await?;
                    let mut id = String::new();
                    while let Some(line) = lines.next_line().await? {
                        if let Some(found) = line.strip_prefix("Message-ID: ") {
                            found.clone_into(&mut id);
                        }
                        if line == "." {
                            break;
                        }
                    }
                    self.taken.lock().unwrap().push((id, to.clone()));
                    if self.silent.load(Ordering::SeqCst) {
                        return std::future::pending().await;
                    }
                    "250 taken"
                }
                "QUIT" => "221 bye",
                _ => "250 ok",
            };
            write.write_all(format!("{reply}\r\n").as_bytes()).await?;
        }
        Ok(())
    }
}

fn address_of(person: &str) -> String {
    format!("{person}@example.org")
}

impl Post {
    async fn open() -> Self {
        let relay = Arc::<Relay>::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let serving = relay.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serving.clone().session(stream));
            }
        });
        let contact = |Path(person): Path<String>| async move {
            Json(json!({ "email": address_of(&person), "locale": "en" }))
        };
        let book = Router::new().route("/internal/contacts/{person}", get(contact));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let users_url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, book).await });
        Self { relay, port, users_url }
    }

    /// A shop that sends its mail here once it is served.
    async fn shop(&self) -> Shop {
        let (port, users_url) = (self.port, self.users_url.clone());
        Shop::with(move |config| {
            config.users_url = users_url;
            let mail = &mut config.kit.mail;
            mail.transport = settings::MailTransport::Smtp;
            mail.poll = settings::Period(std::time::Duration::from_millis(10));
            "127.0.0.1".clone_into(&mut mail.smtp.host);
            mail.smtp.port = port;
            mail.smtp.security = settings::SmtpSecurity::Plaintext;
        })
        .await
    }

    /// The same as configuration of a process.
    fn configuration(&self) -> String {
        format!(
            "users_url = \"{}\"\n[mail]\ntransport = \"smtp\"\npoll = \"20ms\"\n\
             [mail.smtp]\nhost = \"127.0.0.1\"\nport = {}\nsecurity = \"plaintext\"\n",
            self.users_url, self.port
        )
    }

    /// How often each message was taken.
    fn taken(&self) -> BTreeMap<String, usize> {
        let mut times = BTreeMap::new();
        for (id, _) in self.relay.taken.lock().unwrap().iter() {
            *times.entry(id.clone()).or_default() += 1;
        }
        times
    }
}

/// Serves the shop: from now on its mail goes out.
async fn serve(shop: &Shop) -> CancellationToken {
    let stop = CancellationToken::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    payments::serve::service(&shop.app).spawn(listener, stop.clone()).unwrap();
    stop
}

async fn buy(shop: &Shop, customer: &Caller, lamp: &str, method: &str) {
    let order = shop.order(customer, &[(lamp, 1)]).await;
    let payment = shop.payment(customer, &order, "AUTOMATIC").await;
    let paid = shop.confirm(customer, &payment, method, &key()).await;
    assert_eq!(paid["payment"]["status"], "SUCCEEDED", "{paid}");
}

async fn until(shop: &Shop, rows: &str, wanted: i64) {
    eventually(&format!("{wanted} {rows}"), || async {
        (shop.count(rows).await == wanted).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f16_an_hour_without_the_mail_server_loses_no_mail_and_stops_no_sale() {
    let post = Post::open().await;
    post.relay.away.store(true, Ordering::SeqCst);
    let shop = post.shop().await;
    let stop = serve(&shop).await;
    let lamp = shop.product(6000, 25).await;
    let customer = shop.customer();
    let method = shop.card(&customer, APPROVES).await;
    for _ in 0..25 {
        buy(&shop, &customer, &lamp, &method).await;
    }
    until(&shop, "outbox WHERE status = 'QUEUED' AND attempts > 0 AND lease_owner IS NULL", 50)
        .await;
    assert!(post.taken().is_empty());

    post.relay.away.store(false, Ordering::SeqCst);
    shop.wait(60);
    until(&shop, "outbox WHERE status = 'SENT'", 50).await;
    let taken = post.taken();
    assert_eq!((taken.len(), taken.values().sum::<usize>()), (50, 50), "each once");
    shop.assert_books().await;
    stop.cancel();
}

#[tokio::test]
async fn f17_a_process_that_dies_after_the_servers_ok_sends_once_more_with_the_same_id() {
    let post = Post::open().await;
    post.relay.silent.store(true, Ordering::SeqCst);
    let site = Site::new(&post.configuration()).await;
    let shop = Shop::with_clock(site.database().await, kit::Clock::system(), |_| {});
    let lamp = shop.product(6000, 1).await;
    shop.paid(&shop.customer(), &[(&lamp, 1)]).await;
    let process = site.start(None);
    eventually("a mail is taken", || async { (!post.taken().is_empty()).then_some(()) }).await;
    process.kill();

    let twice: Vec<String> = post.taken().into_keys().collect();
    post.relay.silent.store(false, Ordering::SeqCst);
    // The minute passes for which the dead process had leased its mails.
    let expired: Result<(), DbErr> = shop
        .app
        .database
        .write(|tx| {
            Box::pin(async move {
                let expire = "UPDATE outbox SET lease_until = 0 WHERE lease_until IS NOT NULL";
                tx.execute_unprepared(expire).await.map(drop)
            })
        })
        .await;
    expired.unwrap();
    let restarted = site.start(None);
    until(&shop, "outbox WHERE status = 'SENT'", 2).await;
    restarted.kill();
    let taken = post.taken();
    assert_eq!(taken.len(), 2, "{taken:?}");
    for (id, times) in taken {
        assert_eq!(times, if twice.contains(&id) { 2 } else { 1 }, "{id}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f18_mails_that_cannot_be_sent_do_not_stop_the_others() {
    let post = Post::open().await;
    let shop = post.shop().await;
    let lamp = shop.product(6000, 3).await;
    let people = [shop.customer(), shop.customer(), shop.customer()];
    for person in &people {
        shop.paid(person, &[(&lamp, 1)]).await;
    }
    let [refused, broken, fine] = people.map(|person| id_of(&person).to_string());
    post.relay.unknown.lock().unwrap().insert(address_of(&refused));
    let spoil = &format!(
        "UPDATE outbox SET data = '{{}}' WHERE template = 'order_receipt' AND recipient = '{broken}'"
    );
    let spoilt: Result<(), DbErr> = shop
        .app
        .database
        .write(|tx| Box::pin(async move { tx.execute_unprepared(spoil).await.map(drop) }))
        .await;
    spoilt.unwrap();
    let stop = serve(&shop).await;
    until(&shop, "outbox WHERE status = 'QUEUED'", 0).await;
    for (person, failure, dead, sent) in [
        (&refused, "= 'PERMANENT'", 2, 0),
        (&broken, "= 'TEMPLATE'", 1, 1),
        (&fine, "IS NOT NULL", 0, 2),
    ] {
        let of = |rows: &str| format!("outbox WHERE recipient = '{person}' AND {rows}");
        let count = async |rows: String| shop.count(&of(&rows)).await;
        assert_eq!(count(format!("status = 'DEAD' AND failure {failure}")).await, dead);
        assert_eq!(count("status = 'SENT'".to_owned()).await, sent);
    }
    assert_eq!(post.taken().len(), 3);
    stop.cancel();
}

#[tokio::test]
async fn f19_what_is_rolled_back_sends_no_mail_and_tells_nobody() {
    let shop = Shop::open().await;
    let lamp = shop.product(6000, 1).await;
    let customer = shop.customer();
    let order = shop.order(&customer, &[(&lamp, 1)]).await;
    let payment = shop.payment(&customer, &order, "AUTOMATIC").await;
    let method = shop.card(&customer, APPROVES).await;
    // The event of a paid order is written after its mail: now that fails.
    let (forbid, allow): (&[&str], &str) = match shop.app.database.backend() {
        DbBackend::Sqlite => (
            &[
                "CREATE TRIGGER no_events BEFORE INSERT ON events BEGIN SELECT RAISE(ABORT, 'no'); END",
            ],
            "DROP TRIGGER no_events",
        ),
        _ => (
            &[
                "CREATE FUNCTION no_events() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no'; END $$",
                "CREATE TRIGGER no_events BEFORE INSERT ON events FOR EACH ROW EXECUTE FUNCTION no_events()",
            ],
            "DROP TRIGGER no_events ON events",
        ),
    };
    let run = async |statements: &[&str]| {
        let done: Result<(), DbErr> = shop
            .app
            .database
            .write(|tx| {
                Box::pin(async move {
                    for statement in statements {
                        tx.execute_unprepared(statement).await?;
                    }
                    Ok(())
                })
            })
            .await;
        done.unwrap();
    };
    run(forbid).await;
    let key = key();
    let input = json!({ "input": { "paymentId": payment, "paymentMethodId": method, "idempotencyKey": key } });
    let failed = shop.ask(&customer, PAYMENT_CONFIRM, input).await;
    assert_eq!(top_code(&failed), "INTERNAL", "{failed}");
    assert_eq!(shop.count("outbox").await, 0);
    assert_eq!(shop.count("events WHERE type = 'order.paid'").await, 0);
    assert_eq!(shop.order_status(&customer, &order).await, "PENDING_PAYMENT");
    shop.assert_books().await;

    run(&[allow]).await;
    shop.wait(1);
    reconcile(&shop.app).await.unwrap();
    let replay = shop.confirm(&customer, &payment, &method, &key).await;
    assert_eq!(replay["payment"]["status"], "SUCCEEDED", "{replay}");
    assert_eq!(shop.count("sandbox_operations").await, 1, "charged once");
    assert_eq!(shop.count("outbox").await, 2, "mailed once");
    assert_eq!(shop.count("events WHERE type = 'order.paid'").await, 1);
    shop.assert_books().await;
}
