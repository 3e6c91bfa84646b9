//! Whether files have changed, told by looking at them from time to time.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::source;

/// What files looked like when they were last known to be as they should.
#[derive(Debug)]
pub(crate) struct FilesSeen(Fingerprint);

/// When each file was last changed, and its size; `None` while it is missing.
type Fingerprint = Vec<(PathBuf, Option<(SystemTime, u64)>)>;

impl FilesSeen {
    pub(crate) fn new(files: Vec<PathBuf>) -> Self {
        Self(fingerprint(files))
    }

    /// Do they look different from before? Writers take a moment: if so, waits until two looks,
    /// a pause apart, agree.
    pub(crate) async fn have_changed(
        &mut self,
        pause: Duration,
        files: impl Fn() -> Vec<PathBuf>,
    ) -> bool {
        let mut now = fingerprint(files());
        if now == self.0 {
            return false;
        }
        loop {
            tokio::time::sleep(pause).await;
            let again = fingerprint(files());
            if now == again {
                self.0 = now;
                return true;
            }
            now = again;
        }
    }
}

/// The file and, for a `supergraph.yaml`, the schema files it names.
pub(crate) fn files_of(file: &Path) -> Vec<PathBuf> {
    std::iter::once(file.to_owned()).chain(source::schema_files(file)).collect()
}

/// A handful of `stat` calls: not worth a thread of their own.
fn fingerprint(files: Vec<PathBuf>) -> Fingerprint {
    let look = |file: PathBuf| {
        let metadata = std::fs::metadata(&file).ok();
        let state = metadata.and_then(|metadata| Some((metadata.modified().ok()?, metadata.len())));
        (file, state)
    };
    files.into_iter().map(look).collect()
}
