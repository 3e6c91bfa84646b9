//! The subgraphs that gateways are measured with: four services in one process on one thread, fast
//! enough never to be what is measured.
//!
//! Each service has its own path (`/accounts`, `/inventory`, `/products`, `/reviews`). A request
//! seen before is answered from memory. `GET /counters` tells how many requests each service got.

mod data;
mod document;
mod resolve;

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use clap::Parser;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use crate::data::SERVICES;

#[derive(Debug, Parser)]
struct Arguments {
    #[arg(long, default_value = "127.0.0.1:4200")]
    listen: SocketAddr,
    /// Every answer waits this long
    #[arg(long, default_value_t = 0)]
    latency_ms: u64,
}

#[derive(Default)]
struct Services {
    requests: [Cell<u64>; SERVICES.len()],
    answers: RefCell<HashMap<(usize, Bytes), Bytes>>,
    documents: RefCell<resolve::Documents>,
    latency: Duration,
}

/// Enough for every load with varying variables; after that everything is computed anew.
const REMEMBERED_ANSWERS: usize = 20_000;

fn main() -> std::io::Result<()> {
    let arguments = Arguments::parse();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    tokio::task::LocalSet::new().block_on(&runtime, serve(arguments))
}

async fn serve(arguments: Arguments) -> std::io::Result<()> {
    let Arguments { listen, latency_ms } = arguments;
    let latency = Duration::from_millis(latency_ms);
    let services = Rc::new(Services { latency, ..Services::default() });
    let listener = TcpListener::bind(listen).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let services = Rc::clone(&services);
        tokio::task::spawn_local(async move {
            let service = service_fn(|request| answer(&services, request));
            // A client that goes away in the middle is no concern of the benchmark.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn answer(
    services: &Services,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let path = request.uri().path();
    if request.method() == Method::GET {
        return Ok(respond(StatusCode::OK, services.counters()));
    }
    let Some(service) = SERVICES.iter().position(|name| path.strip_prefix('/') == Some(name))
    else {
        return Ok(respond(StatusCode::NOT_FOUND, Bytes::new()));
    };
    let requests = &services.requests[service];
    requests.set(requests.get() + 1);
    let Ok(body) = request.into_body().collect().await else {
        return Ok(respond(StatusCode::BAD_REQUEST, Bytes::new()));
    };
    if !services.latency.is_zero() {
        tokio::time::sleep(services.latency).await;
    }
    Ok(respond(StatusCode::OK, services.answer(service, body.to_bytes())))
}

impl Services {
    fn answer(&self, service: usize, body: Bytes) -> Bytes {
        if let Some(answer) = self.answers.borrow().get(&(service, body.clone())) {
            return answer.clone();
        }
        let mut documents = self.documents.borrow_mut();
        let answer = match resolve::answer(SERVICES[service], &body, &mut documents) {
            Ok(answer) => Bytes::from(answer),
            Err(error) => {
                let errors = serde_json::json!({ "errors": [{ "message": error.to_string() }] });
                Bytes::from(errors.to_string())
            }
        };
        let mut answers = self.answers.borrow_mut();
        if answers.len() < REMEMBERED_ANSWERS {
            answers.insert((service, body), answer.clone());
        }
        answer
    }

    fn counters(&self) -> Bytes {
        let counters: serde_json::Map<String, serde_json::Value> = SERVICES
            .iter()
            .zip(&self.requests)
            .map(|(name, requests)| ((*name).to_owned(), requests.get().into()))
            .collect();
        Bytes::from(serde_json::Value::Object(counters).to_string())
    }
}

fn respond(status: StatusCode, body: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
