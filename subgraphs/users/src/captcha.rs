//! Asking a captcha service whether a registration comes from a person.
//!
//! Speaks what hCaptcha, Turnstile and reCAPTCHA have in common: a form with `secret`,
//! `response` and `remoteip`, answered with `{"success": bool}`.

use std::{fmt, net::IpAddr};

use kit::settings::{Period, Secret};
use serde::Deserialize;

/// Decides whether whoever sent this token is a person.
#[kit::async_trait]
pub trait Captcha: fmt::Debug + Send + Sync {
    async fn check(&self, token: &str, ip: Option<IpAddr>) -> Result<bool, CaptchaError>;
}

/// The verdict could not be had. The registration is refused: who can make the service
/// unreachable must not get past it.
#[derive(Debug, thiserror::Error)]
pub enum CaptchaError {
    #[error("the captcha service cannot be asked: {0}")]
    Unreachable(#[from] reqwest::Error),
    #[error("the captcha service answered {status}")]
    Refused { status: u16 },
}

/// `[captcha]`: off without a `url`.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CaptchaSettings {
    /// The service's verification endpoint.
    pub url: String,
    pub secret: Secret,
    pub timeout: Period,
}

impl Default for CaptchaSettings {
    fn default() -> Self {
        Self {
            url: String::new(),
            secret: Secret::default(),
            timeout: Period(std::time::Duration::from_secs(3)),
        }
    }
}

/// A captcha service somewhere on the net.
#[derive(Debug)]
pub(crate) struct HttpCaptcha {
    url: String,
    secret: Secret,
    client: reqwest::Client,
}

#[derive(Deserialize)]
struct Verdict {
    success: bool,
}

impl HttpCaptcha {
    pub(crate) fn new(settings: &CaptchaSettings) -> Result<Self, CaptchaError> {
        let CaptchaSettings { url, secret, timeout } = settings;
        let client = reqwest::Client::builder().timeout(timeout.0).build()?;
        Ok(Self { url: url.clone(), secret: secret.clone(), client })
    }

    fn form(&self, token: &str, ip: Option<IpAddr>) -> String {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.append_pair("secret", self.secret.expose()).append_pair("response", token);
        if let Some(ip) = ip {
            form.append_pair("remoteip", &ip.to_string());
        }
        form.finish()
    }
}

#[kit::async_trait]
impl Captcha for HttpCaptcha {
    async fn check(&self, token: &str, ip: Option<IpAddr>) -> Result<bool, CaptchaError> {
        let form = self.form(token, ip);
        let answer = self
            .client
            .post(&self.url)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form)
            .send()
            .await?;
        let status = answer.status();
        if !status.is_success() {
            return Err(CaptchaError::Refused { status: status.as_u16() });
        }
        Ok(answer.json::<Verdict>().await?.success)
    }
}
