//! `concord compose --watch`: what is on disk follows the schemas, as long as they compose.
#![cfg(unix)]

use std::io::{BufRead, BufReader, Lines};
use std::process::{Child, ChildStderr, Command, Stdio};

use crate::support::{Folder, REVIEWS, graph};

/// A composer that watches; killed in the end.
struct Watching {
    child: Child,
    lines: Lines<BufReader<ChildStderr>>,
}

impl Drop for Watching {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Watching {
    fn start(folder: &Folder, arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_concord"))
            .args(arguments)
            .current_dir(folder.path(""))
            .stderr(Stdio::piped())
            .spawn()
            .expect("starts");
        let lines = BufReader::new(child.stderr.take().expect("standard error")).lines();
        Self { child, lines }
    }

    /// Reads on until a line has the text.
    fn wait_for(&mut self, text: &str) {
        let found = self.lines.any(|line| line.expect("text").contains(text));
        assert!(found, "it ended without saying: {text}");
    }

    /// Asks it to stop, and waits until it has.
    fn stop(mut self) {
        let asked = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        assert!(asked.expect("kill runs").success());
        assert_eq!(self.child.wait().expect("ends").code(), Some(0));
    }
}

/// At once, so that nobody reads half of it.
fn replace(folder: &Folder, name: &str, text: &str) {
    folder.write("next", text);
    std::fs::rename(folder.path("next"), folder.path(name)).expect("renames");
}

#[test]
fn a_change_is_composed_and_a_broken_one_leaves_the_last_good_output() {
    let folder = graph();
    let arguments = ["compose", "--config", "supergraph.yaml", "--watch", "-o", "out.graphql"];
    let mut watching = Watching::start(&folder, &arguments);
    let written = || std::fs::read_to_string(folder.path("out.graphql")).expect("output");
    let reviews = "schema/reviews.graphql";
    watching.wait_for("composed in");
    let first = written();
    assert!(first.contains("stars: Int") && !first.contains("title"), "{first}");

    replace(&folder, reviews, &REVIEWS.replace("stars: Int", "title: String"));
    watching.wait_for("composed in");
    let second = written();
    assert!(second.contains("title: String"), "{second}");

    replace(&folder, reviews, &REVIEWS.replace("reviews: [Review!]", "name: String"));
    watching.wait_for("error[INVALID_FIELD_SHARING]");
    watching.wait_for("the last good output stays");
    assert_eq!(written(), second);

    std::fs::remove_file(folder.path(reviews)).expect("removes");
    watching.wait_for("error: ");
    watching.wait_for("the last good output stays");
    assert_eq!(written(), second);

    replace(&folder, reviews, REVIEWS);
    watching.wait_for("composed in");
    assert_eq!(written(), first);
    watching.stop();
}

#[test]
fn a_new_file_in_a_watched_folder_is_a_new_subgraph() {
    let folder = graph();
    let arguments = ["compose", "schema", "--watch", "-o", "schema/supergraph.graphql"];
    let mut watching = Watching::start(&folder, &arguments);
    watching.wait_for("composed in");
    replace(&folder, "schema/shop.graphql", "type Query { shop: Int }");
    watching.wait_for("composed in");
    let written = std::fs::read_to_string(folder.path("schema/supergraph.graphql"));
    assert!(written.expect("output").contains("SHOP @join__graph(name: \"shop\""));
    watching.stop();
}
