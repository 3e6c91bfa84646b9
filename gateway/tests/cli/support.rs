//! Runs the binary in a folder of its own.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

/// A folder of its own, or one inside such a folder.
pub(crate) struct Folder {
    path: PathBuf,
    /// Removed in the end.
    _owned: Option<TempDir>,
}

pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out)
            .unwrap_or_else(|error| panic!("{error}: {}\n{}", self.out, self.err))
    }
}

impl Folder {
    pub(crate) fn new(files: &[(&str, &str)]) -> Self {
        let owned = tempfile::tempdir().expect("a folder");
        let folder = Self { path: owned.path().to_owned(), _owned: Some(owned) };
        for (name, text) in files {
            folder.write(name, text);
        }
        folder
    }

    /// The folder must outlive what is inside.
    pub(crate) fn inside(folder: &Self, name: &str) -> Self {
        Self { path: folder.path(name), _owned: None }
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(path, text).expect("writes");
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    pub(crate) fn concord(&self, arguments: &[&str]) -> Ran {
        run(env!("CARGO_BIN_EXE_concord").as_ref(), &self.path, arguments)
    }

    /// Git with nothing of the user's configuration.
    pub(crate) fn git(&self, arguments: &[&str]) {
        let identity = [
            "-c",
            "user.name=test",
            "-c",
            "user.email=test@example.org",
            "-c",
            "commit.gpgsign=false",
        ];
        let ran = run("git".as_ref(), &self.path, &[&identity, arguments].concat());
        assert_eq!(ran.code, 0, "{}", ran.err);
    }
}

fn run(program: &Path, folder: &Path, arguments: &[&str]) -> Ran {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .output()
        .expect("the program starts");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    Ran {
        code: output.status.code().expect("an exit code"),
        out: text(output.stdout),
        err: text(output.stderr),
    }
}

pub(crate) const USERS: &str = r#"
extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key"])
type Query { me: User }
type User @key(fields: "id") { id: ID! name: String }
"#;

pub(crate) const REVIEWS: &str = r#"
extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key"])
type User @key(fields: "id") { id: ID! reviews: [Review!] }
type Review { body: String stars: Int }
"#;

pub(crate) const YAML: &str = "
federation_version: =2.3.0
subgraphs:
  users:
    routing_url: http://users.example/graphql
    schema: { file: ./schema/users.graphql }
  reviews:
    routing_url: http://reviews.example/graphql
    schema: { file: ./schema/reviews.graphql }
";

/// A graph of two subgraphs.
pub(crate) fn graph() -> Folder {
    Folder::new(&[
        ("supergraph.yaml", YAML),
        ("schema/users.graphql", USERS),
        ("schema/reviews.graphql", REVIEWS),
    ])
}
