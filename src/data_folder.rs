//! The folder that holds everything the marketplace remembers: one database per service and the
//! demo log-ins.
//!
//! One process at a time: the folder is locked while a [`DataFolder`] lives.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

/// Files that `--reset` removes; nothing else in the folder is touched.
const OURS: [&str; 11] = [
    "users.sqlite",
    "users.sqlite-wal",
    "users.sqlite-shm",
    "reviews.sqlite",
    "reviews.sqlite-wal",
    "reviews.sqlite-shm",
    "payments.sqlite",
    "payments.sqlite-wal",
    "payments.sqlite-shm",
    LOGINS,
    LOADING,
];

/// The demo log-ins, written when everything has been loaded.
const LOGINS: &str = "demo-logins.json";

/// Exists while demo data is being loaded: a start that finds it throws the half away.
const LOADING: &str = ".loading";

#[derive(Debug)]
pub struct DataFolder {
    path: PathBuf,
    /// Held, never read: dropping it gives the folder free.
    _lock: File,
}

/// Why the folder cannot be used. Each message is one line and names the remedy.
#[derive(Debug, thiserror::Error)]
pub enum DataFolderError {
    #[error("cannot use data folder {}: {source}. Choose another with --data-dir DIR, or make it writable", path.display())]
    Unusable { path: PathBuf, source: io::Error },
    #[error(
        "data folder {} is in use by another marketplace. Stop that one, or choose another folder with --data-dir DIR",
        path.display()
    )]
    InUse { path: PathBuf },
}

impl DataFolder {
    /// Creates the folder if need be, locks it and, with `reset`, forgets what it held.
    pub fn open(path: &Path, reset: bool) -> Result<Self, DataFolderError> {
        let unusable = |source| DataFolderError::Unusable { path: path.to_owned(), source };
        fs::create_dir_all(path).map_err(unusable)?;
        let lock = File::create(path.join(".lock")).map_err(unusable)?;
        lock.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => DataFolderError::InUse { path: path.to_owned() },
            TryLockError::Error(source) => unusable(source),
        })?;
        let folder = Self { path: path.to_owned(), _lock: lock };
        if reset {
            folder.reset().map_err(unusable)?;
        }
        Ok(folder)
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// A URL for a service's SQLite file, created when missing.
    pub fn database_url(&self, service: &str) -> String {
        format!("sqlite://{}?mode=rwc", self.file(&format!("{service}.sqlite")).display())
    }

    pub fn logins_file(&self) -> PathBuf {
        self.file(LOGINS)
    }

    /// No service has a database here yet.
    pub fn is_empty(&self) -> bool {
        ["users", "reviews", "payments"]
            .iter()
            .all(|service| !self.file(&format!("{service}.sqlite")).exists())
    }

    /// Forgets what an interrupted first start has left behind.
    pub fn clear_interrupted_load(&self) -> Result<bool, DataFolderError> {
        let interrupted = self.file(LOADING).exists();
        if interrupted {
            self.reset().map_err(|source| self.unusable(source))?;
        }
        Ok(interrupted)
    }

    /// From here on, until [`DataFolder::loading_done`], the databases are incomplete.
    pub fn loading_starts(&self) -> Result<(), DataFolderError> {
        File::create(self.file(LOADING))
            .and_then(|file| file.sync_all())
            .map_err(|source| self.unusable(source))
    }

    pub fn loading_done(&self) -> Result<(), DataFolderError> {
        fs::remove_file(self.file(LOADING)).map_err(|source| self.unusable(source))
    }

    fn unusable(&self, source: io::Error) -> DataFolderError {
        DataFolderError::Unusable { path: self.path.clone(), source }
    }

    fn reset(&self) -> io::Result<()> {
        for name in OURS {
            match fs::remove_file(self.file(name)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_marketplace_is_told_so() {
        let folder = tempfile::tempdir().unwrap();
        let _first = DataFolder::open(folder.path(), false).unwrap();
        let second = DataFolder::open(folder.path(), false).unwrap_err();
        assert!(second.to_string().contains("in use by another marketplace"), "{second}");
    }

    #[test]
    fn a_folder_that_cannot_be_made_names_the_remedy() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        let error = DataFolder::open(&file.join("below"), false).unwrap_err().to_string();
        assert!(error.contains("--data-dir") && !error.contains('\n'), "{error}");
    }

    #[test]
    fn an_interrupted_load_is_thrown_away_and_a_finished_one_is_kept() {
        let path = tempfile::tempdir().unwrap();
        let folder = DataFolder::open(path.path(), false).unwrap();
        fs::write(folder.file("users.sqlite"), "half").unwrap();
        folder.loading_starts().unwrap();
        assert!(folder.clear_interrupted_load().unwrap());
        assert!(folder.is_empty());
        folder.loading_starts().unwrap();
        fs::write(folder.file("users.sqlite"), "whole").unwrap();
        folder.loading_done().unwrap();
        assert!(!folder.clear_interrupted_load().unwrap());
        assert!(!folder.is_empty());
    }

    #[test]
    fn reset_leaves_strangers_files_alone() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("holiday.jpg"), "x").unwrap();
        fs::write(folder.path().join("users.sqlite"), "x").unwrap();
        let opened = DataFolder::open(folder.path(), true).unwrap();
        assert!(opened.file("holiday.jpg").exists());
        assert!(!opened.file("users.sqlite").exists());
    }
}
