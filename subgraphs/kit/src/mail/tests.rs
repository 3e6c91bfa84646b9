//! The outbox: queued once, sent at least once, never by two workers, never lost.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sea_orm::{DbErr, EntityTrait};
use serde_json::json;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{
    Contact, Delivery, NewMail, RecipientError, Recipients, SendError, Transport, Worker,
    dead_letters, delivery, enqueue, erase_user, is_suppressed, requeue, suppress,
};
use crate::async_trait;
use crate::clock::Clock;
use crate::database::Database;
use crate::entity::outbox;
use crate::fixture::{self, Letters, NOW};
use crate::graphql::EmailStatus;
use crate::id::{EmailId, UserId, new_id};
use crate::settings::{MailSettings, MailTransport};

#[derive(Clone, Copy)]
enum Mood {
    Works,
    Refuses,
    Away,
}

/// A mail server that does what the test says.
struct Post {
    mood: Mutex<Mood>,
    sent: Mutex<Vec<(Uuid, String)>>,
}

#[async_trait]
impl Transport for Post {
    async fn send(&self, delivery: &Delivery<'_>) -> Result<(), SendError> {
        tokio::task::yield_now().await;
        match *self.mood.lock().unwrap() {
            Mood::Works => {
                self.sent.lock().unwrap().push((delivery.id, delivery.to.to_owned()));
                Ok(())
            }
            Mood::Refuses => Err(SendError::Permanent { message: "550 no such user".to_owned() }),
            Mood::Away => Err(SendError::Transient { message: "connection refused".to_owned() }),
        }
    }
}

struct Case {
    database: Database,
    clock: Clock,
    post: Arc<Post>,
    worker: Worker,
    never: CancellationToken,
}

async fn case() -> Case {
    let database = fixture::database().await;
    let clock = Clock::manual(NOW);
    let post = Arc::new(Post { mood: Mutex::new(Mood::Works), sent: Mutex::default() });
    let transport: Arc<dyn Transport> = Arc::<Post>::clone(&post);
    let worker =
        Worker::with_transport(&database, &clock, Arc::new(Letters), transport, Duration::ZERO);
    Case { database, clock, post, worker, never: CancellationToken::new() }
}

impl Case {
    async fn queue(&self, template: &'static str, to: &str, entity: Uuid) -> Option<Uuid> {
        let queued: Result<_, DbErr> = self
            .database
            .write(|tx| {
                Box::pin(async move {
                    let mail = NewMail {
                        template,
                        to,
                        locale: "en",
                        entity,
                        entity_version: 1,
                        data: json!({ "secret": "link" }),
                        user: Some(entity),
                    };
                    enqueue(tx, NOW, mail).await
                })
            })
            .await;
        queued.unwrap()
    }

    async fn work(&self) -> usize {
        self.worker.work_once(&self.never).await.unwrap()
    }

    async fn status(&self, template: &str, entity: Uuid) -> EmailStatus {
        delivery(self.database.read(), template, entity).await.unwrap().unwrap().status
    }

    fn sent(&self) -> usize {
        self.post.sent.lock().unwrap().len()
    }
}

#[tokio::test]
async fn a_mail_is_queued_and_sent_once() {
    let case = case().await;
    let entity = new_id(NOW);
    let id = case.queue("hello", "a@example.org", entity).await.unwrap();
    assert_eq!(case.queue("hello", "a@example.org", entity).await, None, "queued before");
    assert_eq!(case.status("hello", entity).await, EmailStatus::Queued);
    assert_eq!(case.work().await, 1);
    assert_eq!(case.work().await, 0);
    assert_eq!(*case.post.sent.lock().unwrap(), [(id, "a@example.org".to_owned())]);
    assert_eq!(case.status("hello", entity).await, EmailStatus::Sent);
    let row = outbox::Entity::find_by_id(id).one(case.database.read()).await.unwrap().unwrap();
    assert_eq!((row.data.as_str(), row.attempts, row.lease_owner), ("{}", 1, None));
}

#[tokio::test]
async fn f19_a_rolled_back_change_sends_nothing() {
    let case = case().await;
    let failed: Result<(), DbErr> = case
        .database
        .write(|tx| {
            Box::pin(async move {
                let mail = NewMail {
                    template: "hello",
                    to: "a@example.org",
                    locale: "en",
                    entity: new_id(NOW),
                    entity_version: 1,
                    data: json!({}),
                    user: None,
                };
                enqueue(tx, NOW, mail).await?;
                Err(DbErr::Custom("no".to_owned()))
            })
        })
        .await;
    assert!(failed.is_err());
    assert_eq!((case.work().await, case.sent()), (0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn eight_workers_send_five_hundred_mails_once_each() {
    let case = case().await;
    for _ in 0..500 {
        case.queue("hello", "a@example.org", new_id(NOW)).await.unwrap();
    }
    let workers = (0..8).map(|_| {
        let worker = case.worker.twin();
        let never = case.never.clone();
        tokio::spawn(async move { while worker.work_once(&never).await.unwrap() > 0 {} })
    });
    for done in futures::future::join_all(workers).await {
        done.unwrap();
    }
    let sent = case.post.sent.lock().unwrap();
    let different: HashSet<Uuid> = sent.iter().map(|(id, _)| *id).collect();
    assert_eq!((sent.len(), different.len()), (500, 500));
}

#[tokio::test]
async fn an_absent_server_delays_mail_and_loses_none() {
    let case = case().await;
    let entity = new_id(NOW);
    case.queue("hello", "a@example.org", entity).await;
    *case.post.mood.lock().unwrap() = Mood::Away;
    case.work().await;
    assert_eq!(case.status("hello", entity).await, EmailStatus::Retrying);
    *case.post.mood.lock().unwrap() = Mood::Works;
    case.clock.advance(Duration::from_secs(11));
    assert_eq!((case.work().await, case.sent()), (1, 1));
    assert_eq!(case.status("hello", entity).await, EmailStatus::Sent);
}

#[tokio::test]
async fn after_twelve_tries_a_mail_is_dead() {
    let case = case().await;
    let entity = new_id(NOW);
    case.queue("hello", "a@example.org", entity).await;
    *case.post.mood.lock().unwrap() = Mood::Away;
    for _ in 0..12 {
        assert_eq!(case.work().await, 1);
        case.clock.advance(Duration::from_secs(3601));
    }
    assert_eq!(case.status("hello", entity).await, EmailStatus::Dead);
    assert_eq!(case.work().await, 0);
}

#[tokio::test]
async fn dead_mails_are_listed_and_can_be_tried_again() {
    let case = case().await;
    *case.post.mood.lock().unwrap() = Mood::Refuses;
    let (one, two) = (new_id(NOW), new_id(NOW));
    case.queue("hello", "a@example.org", one).await;
    case.queue("hello", "b@example.org", two).await;
    case.work().await;
    let dead = dead_letters(case.database.read(), 10).await.unwrap();
    assert_eq!(dead.len(), 2);
    assert_eq!((dead[0].failure.as_str(), dead[0].attempts), ("PERMANENT", 1));
    assert!(dead[0].error.contains("550"));
    *case.post.mood.lock().unwrap() = Mood::Works;
    let again = async |which: Option<&[EmailId]>| {
        let requeued: Result<u64, DbErr> =
            case.database.write(|tx| Box::pin(requeue(tx, which, NOW))).await;
        requeued.unwrap()
    };
    assert_eq!(again(Some(&[dead[0].id])).await, 1);
    assert_eq!((case.work().await, case.sent()), (1, 1));
    assert_eq!(again(None).await, 1);
    assert_eq!((case.work().await, case.sent()), (1, 2));
    assert_eq!(again(None).await, 0, "what was sent is not sent again");
}

/// Takes the mail and then never answers: the worker ends right after the server's `250`.
struct Abyss(Mutex<Vec<Uuid>>);

#[async_trait]
impl Transport for Abyss {
    async fn send(&self, delivery: &Delivery<'_>) -> Result<(), SendError> {
        self.0.lock().unwrap().push(delivery.id);
        std::future::pending().await
    }
}

#[tokio::test]
async fn f17_a_crash_after_the_servers_ok_sends_once_more_with_the_same_id() {
    use futures::FutureExt as _;
    let case = case().await;
    let entity = new_id(NOW);
    let id = case.queue("hello", "a@example.org", entity).await.unwrap();
    let abyss = Arc::new(Abyss(Mutex::default()));
    let transport: Arc<dyn Transport> = Arc::<Abyss>::clone(&abyss);
    let doomed = Worker::with_transport(
        &case.database,
        &case.clock,
        Arc::new(Letters),
        transport,
        Duration::ZERO,
    );
    {
        let mut working = Box::pin(doomed.work_once(&case.never));
        while abyss.0.lock().unwrap().is_empty() {
            assert!((&mut working).now_or_never().is_none());
            tokio::task::yield_now().await;
        }
        // Dropped here: the process is gone, and with it the knowledge that the mail was sent.
    }
    assert_eq!(case.work().await, 0, "the lease is still the dead worker's");
    case.clock.advance(Duration::from_secs(61));
    assert_eq!((case.work().await, case.work().await), (1, 0));
    assert_eq!(*abyss.0.lock().unwrap(), [id]);
    assert_eq!(case.post.sent.lock().unwrap().as_slice(), [(id, "a@example.org".to_owned())]);
}

#[tokio::test]
async fn f18_one_bad_mail_does_not_stop_the_others() {
    let case = case().await;
    let (broken, fine) = (new_id(NOW), new_id(NOW));
    case.queue("broken", "a@example.org", broken).await;
    case.queue("hello", "a@example.org", fine).await;
    case.work().await;
    assert_eq!(case.status("broken", broken).await, EmailStatus::Dead);
    assert_eq!(case.status("hello", fine).await, EmailStatus::Sent);
}

#[tokio::test]
async fn an_address_that_bounces_three_times_gets_no_more_mail() {
    let case = case().await;
    *case.post.mood.lock().unwrap() = Mood::Refuses;
    for n in 0..3 {
        assert!(!is_suppressed(case.database.read(), "Bad@Example.org").await.unwrap(), "{n}");
        case.queue("hello", "bad@example.org", new_id(NOW)).await;
        case.work().await;
    }
    assert!(is_suppressed(case.database.read(), " Bad@Example.org ").await.unwrap());
    *case.post.mood.lock().unwrap() = Mood::Works;
    let entity = new_id(NOW);
    case.queue("hello", "bad@example.org", entity).await;
    assert_eq!(
        (case.work().await, case.status("hello", entity).await),
        (0, EmailStatus::Suppressed)
    );
}

#[tokio::test]
async fn a_lease_that_ran_out_is_taken_over_and_the_late_worker_changes_nothing() {
    let case = case().await;
    let entity = new_id(NOW);
    case.queue("hello", "a@example.org", entity).await;
    assert_eq!(case.worker.lease().await.unwrap().len(), 1);
    let other = case.worker.twin();
    assert!(other.lease().await.unwrap().is_empty(), "still leased");
    case.clock.advance(Duration::from_secs(61));
    assert_eq!(other.work_once(&case.never).await.unwrap(), 1);
    assert_eq!((case.sent(), case.status("hello", entity).await), (1, EmailStatus::Sent));
}

#[tokio::test]
async fn f47_a_stopping_worker_gives_back_its_leases() {
    let case = case().await;
    case.queue("hello", "a@example.org", new_id(NOW)).await;
    case.worker.lease().await.unwrap();
    let stop = CancellationToken::new();
    stop.cancel();
    case.worker.clone().run(stop).await;
    assert_eq!(case.worker.twin().lease().await.unwrap().len(), 1);
}

/// Knows one person.
struct Book(Mutex<Option<Result<Contact, ()>>>);

#[async_trait]
impl Recipients for Book {
    async fn contact(&self, _: UserId) -> Result<Option<Contact>, RecipientError> {
        match &*self.0.lock().unwrap() {
            Some(Ok(contact)) => Ok(Some(contact.clone())),
            Some(Err(())) => Err(RecipientError::Refused { status: 503 }),
            None => Ok(None),
        }
    }
}

#[tokio::test]
async fn mail_for_a_person_finds_the_address_when_it_is_sent() {
    let case = case().await;
    let book = Arc::new(Book(Mutex::new(Some(Err(())))));
    let recipients: Arc<dyn Recipients> = Arc::<Book>::clone(&book);
    let case = Case { worker: case.worker.clone().with_recipients(Some(recipients)), ..case };
    let user = UserId::new(NOW);
    case.queue("hello", &user.to_string(), user.uuid()).await;
    case.work().await;
    assert_eq!(case.status("hello", user.uuid()).await, EmailStatus::Retrying, "asked in vain");
    let contact =
        Contact { email: "new@example.org".into(), locale: "fr".into(), display_name: None };
    *book.0.lock().unwrap() = Some(Ok(contact));
    case.clock.advance(Duration::from_secs(30));
    case.work().await;
    assert_eq!(case.post.sent.lock().unwrap()[0].1, "new@example.org");

    *book.0.lock().unwrap() = None;
    let erased = UserId::new(NOW);
    case.queue("hello", &erased.to_string(), erased.uuid()).await;
    case.work().await;
    assert_eq!(case.status("hello", erased.uuid()).await, EmailStatus::Suppressed);
    assert_eq!(case.sent(), 1);
}

#[tokio::test]
async fn an_erased_person_leaves_no_address_behind() {
    let case = case().await;
    let user = new_id(NOW);
    case.queue("hello", "ann@example.org", user).await;
    case.work().await;
    case.queue("later", "ann@example.org", user).await;
    let erased: Result<(), DbErr> = case
        .database
        .write(|tx| {
            Box::pin(async move {
                suppress(tx, "ann@example.org", "ERASED", NOW).await?;
                erase_user(tx, user, NOW).await
            })
        })
        .await;
    erased.unwrap();
    assert_eq!((case.work().await, case.sent()), (0, 1));
    for row in outbox::Entity::find().all(case.database.read()).await.unwrap() {
        assert_eq!((row.recipient.as_str(), row.data.as_str()), ("", "{}"));
    }
}

#[tokio::test]
async fn files_are_complete_mails_with_the_same_message_id_every_time() {
    let case = case().await;
    let folder = tempfile::tempdir().unwrap();
    let settings = MailSettings {
        transport: MailTransport::File,
        folder: folder.path().join("mail"),
        ..MailSettings::default()
    };
    let worker = Worker::new(&settings, &case.database, &case.clock, Arc::new(Letters)).unwrap();
    let id = case.queue("hello", "a@example.org", new_id(NOW)).await.unwrap();
    worker.work_once(&case.never).await.unwrap();
    let mail = std::fs::read_to_string(settings.folder.join(format!("{id}.eml"))).unwrap();
    for line in [
        format!("Message-ID: <{id}@concord.localhost>"),
        "Auto-Submitted: auto-generated".to_owned(),
        "To: a@example.org".to_owned(),
        "Subject: hello (en)".to_owned(),
        "multipart/alternative".to_owned(),
    ] {
        assert!(mail.contains(&line), "{line} in {mail}");
    }
    assert_eq!(std::fs::read_dir(&settings.folder).unwrap().count(), 1, "no drafts left");
}

#[tokio::test]
async fn line_breaks_never_reach_a_header() {
    let case = case().await;
    let entity = new_id(NOW);
    let settings = MailSettings::default();
    let worker = Worker::new(&settings, &case.database, &case.clock, Arc::new(Letters)).unwrap();
    case.queue("hello\r\nBcc: x@example.org", "a@example.org", entity).await;
    case.queue("fine", "a@example.org\r\nBcc: x@example.org", entity).await;
    worker.work_once(&case.never).await.unwrap();
    assert_eq!(case.status("hello\r\nBcc: x@example.org", entity).await, EmailStatus::Dead);
    assert_eq!(case.status("fine", entity).await, EmailStatus::Dead);
}
