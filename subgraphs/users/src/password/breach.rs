//! Passwords that have leaked somewhere, from a file: SHA-1 hashes in hexadecimal, sorted, one a
//! line, perhaps followed by `:` and how often they were seen. That is the form in which the
//! known collections are offered, so no password, and no part of its hash, leaves the machine.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};

use super::Password;

const HASH: usize = 40;
/// Longer than any line.
const WINDOW: usize = 128;

/// A sorted file of hashes, searched where it lies.
#[derive(Debug, Clone)]
pub struct BreachList {
    path: PathBuf,
}

impl BreachList {
    /// The file must be there and begin with a hash.
    pub fn open(path: &Path) -> io::Result<Self> {
        let this = Self { path: path.to_owned() };
        let mut file = File::open(path)?;
        let length = file.metadata()?.len();
        match line_at(&mut file, 0, length)? {
            Some(line) if line.text.len() >= HASH && line.text.is_ascii() => Ok(this),
            _ => Err(io::Error::new(io::ErrorKind::InvalidData, "the file has no SHA-1 hashes")),
        }
    }

    /// Is it on the list? Halves the file some thirty times; not for the async threads.
    pub fn contains(&self, password: &Password) -> io::Result<bool> {
        let hash = digest(&SHA1_FOR_LEGACY_USE_ONLY, password.expose().as_bytes());
        let wanted = data_encoding::HEXUPPER.encode(hash.as_ref());
        let mut file = File::open(&self.path)?;
        let length = file.metadata()?.len();
        let (mut low, mut high) = (0, length);
        while low < high {
            let middle = low + (high - low) / 2;
            let Some(Line { start, text, next }) = line_at(&mut file, middle, length)? else {
                break;
            };
            let found = text.get(..HASH).unwrap_or_default().to_ascii_uppercase();
            match found.as_str().cmp(wanted.as_str()) {
                std::cmp::Ordering::Equal => return Ok(true),
                std::cmp::Ordering::Less => low = next,
                std::cmp::Ordering::Greater => high = start,
            }
        }
        Ok(false)
    }
}

/// A line, where it starts, and where the next one does.
struct Line {
    start: u64,
    text: String,
    next: u64,
}

/// The line that the byte at `position` belongs to.
fn line_at(file: &mut File, position: u64, length: u64) -> io::Result<Option<Line>> {
    let from = position.saturating_sub(WINDOW as u64);
    let until = (position + WINDOW as u64).min(length);
    let mut bytes = vec![0; usize::try_from(until - from).unwrap_or_default()];
    file.seek(SeekFrom::Start(from))?;
    file.read_exact(&mut bytes)?;
    let here = usize::try_from(position - from).unwrap_or_default();
    if here >= bytes.len() {
        return Ok(None);
    }
    let start = bytes[..here].iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
    let end =
        bytes[here..].iter().position(|&byte| byte == b'\n').map_or(bytes.len(), |at| here + at);
    let text = String::from_utf8_lossy(&bytes[start..end]).trim_end_matches('\r').to_owned();
    let next = from + end as u64 + 1;
    Ok(Some(Line { start: from + start as u64, text, next }))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn list(
        passwords: &[&str],
        line: impl Fn(String, usize) -> String,
    ) -> (tempfile::TempDir, BreachList) {
        let mut hashes: Vec<String> = passwords
            .iter()
            .map(|password| {
                data_encoding::HEXUPPER
                    .encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, password.as_bytes()).as_ref())
            })
            .collect();
        hashes.sort();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("breached.txt");
        let mut file = File::create(&path).unwrap();
        for (index, hash) in hashes.into_iter().enumerate() {
            file.write_all(line(hash, index).as_bytes()).unwrap();
        }
        let list = BreachList::open(&path).unwrap();
        (folder, list)
    }

    fn knows(list: &BreachList, password: &str) -> bool {
        list.contains(&Password::new(password).unwrap()).unwrap()
    }

    #[test]
    fn every_password_of_the_list_is_found_and_no_other() {
        let known: Vec<String> = (0..300).map(|n| format!("known number {n}")).collect();
        let known: Vec<&str> = known.iter().map(String::as_str).collect();
        for line in [(|hash, _| format!("{hash}\n")) as fn(String, usize) -> String, |hash, n| {
            format!("{hash}:{}\r\n", 10_usize.pow(u32::try_from(n % 9).unwrap()))
        }] {
            for count in [1, 2, 3, 300] {
                let (_folder, list) = list(&known[..count], line);
                assert!(known[..count].iter().all(|password| knows(&list, password)));
                assert!((0..100).all(|n| !knows(&list, &format!("unknown {n}"))));
            }
        }
    }

    #[test]
    fn a_file_of_something_else_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        assert!(BreachList::open(&path).is_err());
        std::fs::write(&path, "hello\n").unwrap();
        assert!(BreachList::open(&path).is_err());
        std::fs::write(&path, "").unwrap();
        assert!(BreachList::open(&path).is_err());
    }
}
