//! Where mails go: a table, an SMTP relay, or files.

use std::path::PathBuf;

use lettre::transport::smtp::authentication::Credentials;
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use sea_orm::sea_query::OnConflict;
use sea_orm::{EntityTrait, Set};
use uuid::Uuid;

use super::Rendered;
use super::message::Letterhead;
use crate::async_trait;
use crate::clock::Clock;
use crate::database::Database;
use crate::entity::dev_mail;
use crate::settings::{MailSettings, MailTransport, SettingsError, SmtpSecurity};

/// One mail on its way. `id` is the outbox row's, the same at every try.
#[derive(Debug)]
pub struct Delivery<'a> {
    pub id: Uuid,
    pub to: &'a str,
    pub template: &'a str,
    pub rendered: &'a Rendered,
}

/// Why a mail did not leave.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// It never will.
    #[error("{message}")]
    Permanent { message: String },
    /// It may later.
    #[error("{message}")]
    Transient { message: String },
}

/// Takes rendered mails. Returning `Ok` means that somebody else is responsible now.
#[async_trait]
pub trait Transport: Send + Sync {
    async fn send(&self, delivery: &Delivery<'_>) -> Result<(), SendError>;
}

/// The transport that the settings name.
pub(super) fn from_settings(
    settings: &MailSettings,
    database: &Database,
    clock: &Clock,
) -> Result<Box<dyn Transport>, SettingsError> {
    let letterhead = Letterhead::from_settings(settings)?;
    Ok(match settings.transport {
        MailTransport::Inbox => Box::new(InboxTransport {
            database: database.clone(),
            clock: clock.clone(),
            letterhead,
        }),
        MailTransport::Smtp => Box::new(SmtpTransport::new(settings, letterhead)?),
        MailTransport::File => {
            Box::new(FileTransport { folder: settings.folder.clone(), letterhead })
        }
    })
}

/// Keeps mails in the database for `/dev/inbox`.
struct InboxTransport {
    database: Database,
    clock: Clock,
    letterhead: Letterhead,
}

#[async_trait]
impl Transport for InboxTransport {
    async fn send(&self, delivery: &Delivery<'_>) -> Result<(), SendError> {
        // Built only to refuse what SMTP would refuse.
        self.letterhead.write(delivery)?;
        let kept = self.database.write(|tx| {
            let row = dev_mail::ActiveModel {
                id: Set(delivery.id),
                recipient: Set(delivery.to.to_owned()),
                subject: Set(delivery.rendered.subject.clone()),
                template: Set(delivery.template.to_owned()),
                text: Set(delivery.rendered.text.clone()),
                html: Set(delivery.rendered.html.clone()),
                at: Set(self.clock.now().0),
            };
            Box::pin(async move {
                dev_mail::Entity::insert(row)
                    .on_conflict(OnConflict::column(dev_mail::Column::Id).do_nothing().to_owned())
                    .try_insert()
                    .exec_without_returning(tx)
                    .await
            })
        });
        kept.await
            .map(drop)
            .map_err(|error: sea_orm::DbErr| SendError::Transient { message: error.to_string() })
    }
}

type Relay = AsyncSmtpTransport<Tokio1Executor>;

/// Hands mails to an SMTP relay.
struct SmtpTransport {
    relay: Relay,
    letterhead: Letterhead,
}

impl SmtpTransport {
    fn new(settings: &MailSettings, letterhead: Letterhead) -> Result<Self, SettingsError> {
        let smtp = &settings.smtp;
        let mut builder = match smtp.security {
            SmtpSecurity::Plaintext => Ok(Relay::builder_dangerous(&smtp.host).port(25)),
            SmtpSecurity::Starttls => Relay::starttls_relay(&smtp.host),
            SmtpSecurity::Tls => Relay::relay(&smtp.host),
        }
        .map_err(|error| SettingsError::Smtp { message: error.to_string() })?;
        if smtp.port != 0 {
            builder = builder.port(smtp.port);
        }
        if !smtp.username.is_empty() {
            builder = builder.credentials(Credentials::new(
                smtp.username.clone(),
                smtp.password.expose().to_owned(),
            ));
        }
        Ok(Self { relay: builder.timeout(Some(smtp.timeout.0)).build(), letterhead })
    }
}

#[async_trait]
impl Transport for SmtpTransport {
    async fn send(&self, delivery: &Delivery<'_>) -> Result<(), SendError> {
        let (envelope, mail) = self.letterhead.write(delivery)?;
        match self.relay.send_raw(&envelope, &mail).await {
            Ok(_) => Ok(()),
            Err(error) if error.is_permanent() => {
                Err(SendError::Permanent { message: error.to_string() })
            }
            Err(error) => Err(SendError::Transient { message: error.to_string() }),
        }
    }
}

/// Writes one `.eml` file per mail.
struct FileTransport {
    folder: PathBuf,
    letterhead: Letterhead,
}

#[async_trait]
impl Transport for FileTransport {
    async fn send(&self, delivery: &Delivery<'_>) -> Result<(), SendError> {
        let (_, mail) = self.letterhead.write(delivery)?;
        let file = self.folder.join(format!("{}.eml", delivery.id));
        let draft = file.with_extension("draft");
        let written = async {
            tokio::fs::create_dir_all(&self.folder).await?;
            tokio::fs::write(&draft, &mail).await?;
            tokio::fs::rename(&draft, &file).await
        };
        written.await.map_err(|error| SendError::Transient {
            message: format!("{}: {error}", file.display()),
        })
    }
}
