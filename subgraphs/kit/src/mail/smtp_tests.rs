//! The SMTP transport against a small server that the test scripts.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use sea_orm::DbErr;
use serde_json::json;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{NewMail, Worker, delivery, enqueue};
use crate::clock::Clock;
use crate::database::Database;
use crate::fixture::{self, Letters, NOW};
use crate::graphql::EmailStatus;
use crate::id::new_id;
use crate::settings::{MailSettings, MailTransport, SmtpSecurity};

/// What the server says to a recipient, and what it has received.
#[derive(Default)]
struct Script {
    refusals: Mutex<Vec<&'static str>>,
    received: Mutex<Vec<String>>,
}

async fn server(script: Arc<Script>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(session(stream, Arc::clone(&script)));
        }
    });
    port
}

async fn session(stream: TcpStream, script: Arc<Script>) {
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    write.write_all(b"220 test\r\n").await.unwrap();
    while let Ok(Some(line)) = lines.next_line().await {
        let reply = match line.get(..4).unwrap_or_default() {
            "EHLO" => "250 test",
            "RCPT" => script.refusals.lock().unwrap().pop().unwrap_or("250 ok"),
            "DATA" => {
                write.write_all(b"354 go on\r\n").await.unwrap();
                let mut mail = String::new();
                while let Ok(Some(line)) = lines.next_line().await {
                    if line == "." {
                        break;
                    }
                    mail.push_str(&line);
                    mail.push('\n');
                }
                script.received.lock().unwrap().push(mail);
                "250 taken"
            }
            "QUIT" => "221 bye",
            _ => "250 ok",
        };
        if write.write_all(format!("{reply}\r\n").as_bytes()).await.is_err() {
            return;
        }
    }
}

struct Case {
    database: Database,
    clock: Clock,
    script: Arc<Script>,
    settings: MailSettings,
}

async fn case() -> Case {
    let script = Arc::<Script>::default();
    let mut settings = MailSettings { transport: MailTransport::Smtp, ..MailSettings::default() };
    settings.smtp.host = "127.0.0.1".to_owned();
    settings.smtp.port = server(Arc::clone(&script)).await;
    settings.smtp.security = SmtpSecurity::Plaintext;
    Case { database: fixture::database().await, clock: Clock::manual(NOW), script, settings }
}

impl Case {
    fn worker(&self) -> Worker {
        Worker::new(&self.settings, &self.database, &self.clock, Arc::new(Letters)).unwrap()
    }

    async fn queue(&self) -> (Uuid, Uuid) {
        let entity = new_id(NOW);
        let queued: Result<_, DbErr> = self
            .database
            .write(|tx| {
                Box::pin(async move {
                    let mail = NewMail {
                        template: "hello",
                        to: "ann@example.org",
                        locale: "en",
                        entity,
                        entity_version: 1,
                        data: json!({ "n": 1 }),
                        user: None,
                    };
                    enqueue(tx, NOW, mail).await
                })
            })
            .await;
        (entity, queued.unwrap().unwrap())
    }

    async fn status(&self, entity: Uuid) -> EmailStatus {
        delivery(self.database.read(), "hello", entity).await.unwrap().unwrap().status
    }
}

async fn work(worker: &Worker) -> usize {
    worker.work_once(&CancellationToken::new()).await.unwrap()
}

#[tokio::test]
async fn mail_reaches_the_relay() {
    let case = case().await;
    let (entity, id) = case.queue().await;
    assert_eq!(work(&case.worker()).await, 1);
    assert_eq!(case.status(entity).await, EmailStatus::Sent);
    let received = case.script.received.lock().unwrap();
    assert_eq!(received.len(), 1);
    assert!(received[0].contains(&format!("Message-ID: <{id}@concord.localhost>")));
}

#[tokio::test]
async fn a_temporary_refusal_is_tried_again_with_the_same_message_id_and_a_final_one_is_not() {
    let case = case().await;
    let worker = case.worker();
    let (entity, id) = case.queue().await;
    case.script.refusals.lock().unwrap().push("451 later");
    work(&worker).await;
    assert_eq!(case.status(entity).await, EmailStatus::Retrying);
    case.clock.advance(Duration::from_secs(11));
    work(&worker).await;
    assert_eq!(case.status(entity).await, EmailStatus::Sent);
    assert!(case.script.received.lock().unwrap()[0].contains(&id.to_string()));

    let (entity, _) = case.queue().await;
    case.script.refusals.lock().unwrap().push("550 nobody here");
    work(&worker).await;
    assert_eq!(case.status(entity).await, EmailStatus::Dead);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f16_fifty_mails_survive_an_hour_without_the_server() {
    let mut case = case().await;
    let port = std::mem::replace(&mut case.settings.smtp.port, 1);
    for _ in 0..50 {
        case.queue().await;
    }
    let absent = case.worker();
    while work(&absent).await > 0 {}
    assert_eq!(case.script.received.lock().unwrap().len(), 0);
    case.settings.smtp.port = port;
    case.clock.advance(Duration::from_hours(1));
    let workers = (0..2).map(|_| {
        let worker = case.worker();
        tokio::spawn(async move { while work(&worker).await > 0 {} })
    });
    for done in futures::future::join_all(workers).await {
        done.unwrap();
    }
    assert_eq!(case.script.received.lock().unwrap().len(), 50);
}

#[tokio::test]
async fn starttls_is_not_given_up_when_the_relay_does_not_offer_it() {
    let mut case = case().await;
    case.settings.smtp.security = SmtpSecurity::Starttls;
    let (entity, _) = case.queue().await;
    work(&case.worker()).await;
    assert_ne!(case.status(entity).await, EmailStatus::Sent);
    assert!(case.script.received.lock().unwrap().is_empty());
}
