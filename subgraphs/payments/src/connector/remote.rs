//! HTTP to a processor, with the one question that matters: can the request have arrived?

use std::time::Duration;

use reqwest::{Client, RequestBuilder};

/// The most a processor's answer may have.
const BODY_LIMIT: usize = 1 << 20;

/// How far a request got.
#[derive(Debug)]
pub(super) enum Call {
    /// It certainly did not arrive: there was no connection.
    NotSent {
        reason: String,
    },
    /// It may have arrived, and there is no answer to rely on.
    Lost {
        reason: String,
    },
    Answered {
        status: u16,
        body: Vec<u8>,
    },
}

pub(super) fn client() -> Client {
    Client::builder()
        .connect_timeout(Duration::from_secs(3))
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .expect("a client without special options can be built")
}

pub(super) async fn send(request: RequestBuilder) -> Call {
    let mut response = match request.send().await {
        Ok(response) => response,
        Err(error) if error.is_connect() || error.is_builder() => {
            return Call::NotSent { reason: plain(&error) };
        }
        Err(error) => return Call::Lost { reason: plain(&error) },
    };
    let status = response.status().as_u16();
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() <= BODY_LIMIT => {
                body.extend_from_slice(&chunk);
            }
            Ok(Some(_)) => return Call::Lost { reason: "the answer is too long".to_owned() },
            Ok(None) => return Call::Answered { status, body },
            Err(error) => return Call::Lost { reason: plain(&error) },
        }
    }
}

/// The error without the address, which may carry what should not be in a log.
fn plain(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        "no answer in time".to_owned()
    } else if error.is_connect() {
        "no connection".to_owned()
    } else {
        "the connection broke".to_owned()
    }
}
