//! `concord serve` and `concord subgraph introspect`: starting, refusing to start.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

use crate::support::{Folder, REVIEWS, graph};

/// A started gateway; killed in the end.
pub(crate) struct Serving(Child);

impl Drop for Serving {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Serving {
    /// Starts on a free port and reads from the first line which one it is.
    fn start(folder: &Folder, arguments: &[&str]) -> (Self, String) {
        Self::start_command(folder, &[&["serve"], arguments].concat())
    }

    /// `serve` or `dev` and their arguments.
    pub(crate) fn start_command(folder: &Folder, arguments: &[&str]) -> (Self, String) {
        let mut child = Command::new(env!("CARGO_BIN_EXE_concord"))
            .args([arguments, &["--listen", "127.0.0.1:0"]].concat())
            .current_dir(folder.path(""))
            .stderr(Stdio::piped())
            .spawn()
            .expect("starts");
        let mut lines = BufReader::new(child.stderr.take().expect("standard error")).lines();
        let first = lines
            .find(|line| line.as_ref().is_ok_and(|line| line.contains("GraphQL at")))
            .expect("a line")
            .expect("text");
        let address = first
            .split("http://")
            .nth(1)
            .and_then(|rest| rest.split('/').next())
            .expect("an address");
        // Read on, so that the log never fills the pipe.
        std::thread::spawn(move || lines.for_each(drop));
        (Self(child), address.to_owned())
    }

    /// Asks it to stop, and waits until it has.
    #[cfg(unix)]
    pub(crate) fn stop(mut self) {
        let asked = Command::new("kill").args(["-TERM", &self.0.id().to_string()]).status();
        assert!(asked.expect("kill runs").success());
        assert_eq!(self.0.wait().expect("ends").code(), Some(0));
    }
}

/// A GraphQL request and its answer's body.
pub(crate) fn query(address: &str, body: &serde_json::Value, headers: &str) -> serde_json::Value {
    let body = body.to_string();
    let post = format!(
        "POST /graphql HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{headers}content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let answer = request(address, &post);
    let body = answer.split("\r\n\r\n").nth(1).unwrap_or_default();
    serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {answer}"))
}

pub(crate) fn request(address: &str, text: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("connects");
    stream.write_all(text.as_bytes()).expect("sends");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("answers");
    answer
}

#[test]
fn a_supergraph_yaml_is_composed_and_served() {
    let folder = graph();
    let (_serving, address) =
        Serving::start(&folder, &["--supergraph", "supergraph.yaml", "--workers", "1"]);
    let health = request(&address, "GET /health HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    assert!(health.starts_with("HTTP/1.1 200"), "{health}");
    let body = r#"{"query":"{ __type(name: \"User\") { name } }"}"#;
    let post = format!(
        "POST /graphql HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let answer = request(&address, &post);
    assert!(answer.ends_with(r#"{"data":{"__type":{"name":"User"}}}"#), "{answer}");
}

#[cfg(unix)]
#[test]
fn a_termination_signal_ends_it_cleanly() {
    let folder = graph();
    let (mut serving, _) = Serving::start(&folder, &["--supergraph", "supergraph.yaml"]);
    let signalled = Command::new("kill")
        .args(["-TERM", &serving.0.id().to_string()])
        .status()
        .expect("kill runs");
    assert!(signalled.success());
    assert_eq!(serving.0.wait().expect("ends").code(), Some(0));
}

#[test]
fn it_refuses_to_start_with_a_reason() {
    let folder = graph();
    folder.write("broken.yaml", &crate::support::YAML.replace("reviews.graphql", "bad.graphql"));
    folder.write("schema/bad.graphql", &REVIEWS.replace("reviews: [Review!]", "name: String"));
    folder.write("plain.graphql", "type Query { a: Int }");
    folder.write("concord.yaml", "server:\n  grahpiql: true\n");
    folder.write("proxies.yaml", "server:\n  trusted_proxies: [everyone]\n");
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let taken = taken.local_addr().expect("an address").to_string();
    // arguments, exit code, part of the message
    let table: [(&[&str], i32, &str); 9] = [
        (&["serve"], 2, "--supergraph"),
        (&["serve", "--supergraph", "missing.graphql"], 3, "missing.graphql"),
        (&["serve", "--supergraph", "broken.yaml"], 1, "INVALID_FIELD_SHARING"),
        (&["serve", "--supergraph", "plain.graphql"], 1, "not a supergraph"),
        (&["serve", "--supergraph", "supergraph.yaml", "--config", "concord.yaml"], 2, "grahpiql"),
        (&["serve", "--supergraph", "supergraph.yaml", "--config", "proxies.yaml"], 2, "everyone"),
        (&["serve", "--supergraph", "supergraph.yaml", "--listen", "nowhere"], 2, "nowhere"),
        (&["serve", "--supergraph", "supergraph.yaml", "--workers", "0"], 2, "workers"),
        (
            &["serve", "--supergraph", "supergraph.yaml", "--listen", "192.0.2.1:1"],
            1,
            "192.0.2.1:1",
        ),
    ];
    for (arguments, code, message) in table {
        let ran = folder.concord(arguments);
        assert_eq!(ran.code, code, "{arguments:?}: {}", ran.err);
        assert!(ran.err.contains(message), "{arguments:?}: {}", ran.err);
    }
    drop(taken);
}

#[test]
fn a_port_in_use_names_the_remedy() {
    let folder = graph();
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    let ran = folder.concord(&["serve", "--supergraph", "supergraph.yaml", "--listen", &address]);
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains(&address) && ran.err.contains("--listen"), "{}", ran.err);
}

#[test]
fn introspection_reads_the_sdl_of_a_running_subgraph() {
    let folder = Folder::new(&[]);
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/graphql", listener.local_addr().expect("an address"));
    let subgraph = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a connection");
        let mut head = vec![0; 4096];
        let length = stream.read(&mut head).expect("a request");
        let body = r#"{"data":{"_service":{"sdl":"type Query { a: Int }"}}}"#;
        let answer = format!(
            "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(answer.as_bytes()).expect("answers");
        String::from_utf8_lossy(&head[..length]).into_owned()
    });
    let ran = folder.concord(&[
        "subgraph",
        "introspect",
        &url,
        "--header",
        "Authorization: Bearer svc_x",
    ]);
    assert_eq!((ran.code, ran.out.as_str()), (0, "type Query { a: Int }\n"), "{}", ran.err);
    let received = subgraph.join().expect("no panic");
    assert!(received.contains("authorization: Bearer svc_x"), "{received}");
    let bad = folder.concord(&["subgraph", "introspect", &url, "--header", "nonsense"]);
    assert_eq!(bad.code, 2);
    let down = folder.concord(&["subgraph", "introspect", "http://127.0.0.1:1/graphql"]);
    assert_eq!(down.code, 3);
}
