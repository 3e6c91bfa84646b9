//! Finds objects in an answer whose text stood there before.
//!
//! A small table of objects read so far, by a fingerprint of how they begin. It may forget, and
//! then an object is read again; it never takes one object for another, since all bytes are
//! compared before they are passed over.

use crate::json::Span;
use crate::shape::ShapeIndex;

/// Answers below this size have little to repeat.
const MIN_TEXT: usize = 512;
const WAYS: usize = 4;

#[derive(Debug)]
pub(crate) struct Repeated {
    /// Empty: nothing is remembered. Else a power of two.
    buckets: Vec<Bucket>,
}

#[derive(Clone, Debug, Default)]
struct Bucket {
    entries: [Entry; WAYS],
    next: usize,
}

#[derive(Clone, Copy, Debug, Default)]
struct Entry {
    start: u32,
    /// 0: no entry.
    end: u32,
    shape: ShapeIndex,
    object: u32,
}

/// Of an object's beginning and its shape.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fingerprint(u64);

impl Repeated {
    pub(crate) fn for_text(length: usize) -> Self {
        let buckets =
            if length < MIN_TEXT { 0 } else { (length / 512).next_power_of_two().clamp(8, 512) };
        Self { buckets: vec![Bucket::default(); buckets] }
    }

    /// None if there is nothing to find anyway.
    pub(crate) fn fingerprint(&self, text: &[u8], shape: ShapeIndex) -> Option<Fingerprint> {
        if self.buckets.is_empty() {
            return None;
        }
        let mut hash = u64::from(shape) ^ 0x9E37_79B9_7F4A_7C15;
        let (words, _) = text.as_chunks::<8>();
        for word in words.iter().take(8) {
            let word = u64::from_le_bytes(*word);
            let end = closing_brace(word);
            hash = (hash ^ (word & end.mask)).wrapping_mul(0xFF51_AFD7_ED55_8CCD);
            hash ^= hash >> 32;
            if end.found {
                break;
            }
        }
        Some(Fingerprint(hash))
    }

    /// The object that begins `text` and was read before, and how long it is.
    pub(crate) fn find(
        &self,
        fingerprint: Fingerprint,
        shape: ShapeIndex,
        text: &[u8],
        body: &[u8],
    ) -> Option<(u32, usize)> {
        let bucket = &self.buckets[self.bucket(fingerprint)];
        let same = |entry: &&Entry| {
            let Entry { start, end, shape: known, object: _ } = **entry;
            end > 0 && known == shape && text.starts_with(&body[start as usize..end as usize])
        };
        let entry = bucket.entries.iter().find(same)?;
        Some((entry.object, (entry.end - entry.start) as usize))
    }

    pub(crate) fn remember(
        &mut self,
        fingerprint: Fingerprint,
        shape: ShapeIndex,
        text: Span,
        object: u32,
    ) {
        let bucket = self.bucket(fingerprint);
        let Bucket { entries, next } = &mut self.buckets[bucket];
        entries[*next] = Entry { start: text.start, end: text.end, shape, object };
        *next = (*next + 1) % WAYS;
    }

    fn bucket(&self, Fingerprint(hash): Fingerprint) -> usize {
        let low = usize::try_from(hash & 0xFFFF_FFFF).expect("32 bits fit");
        low & (self.buckets.len() - 1)
    }
}

struct ClosingBrace {
    found: bool,
    /// Covers the bytes before the brace.
    mask: u64,
}

/// Looks for a `}` in eight bytes: what stands behind a short object is not part of it.
fn closing_brace(word: u64) -> ClosingBrace {
    const ONES: u64 = u64::from_ne_bytes([0x01; 8]);
    const HIGHS: u64 = u64::from_ne_bytes([0x80; 8]);
    let difference = word ^ (ONES * u64::from(b'}'));
    let braces = difference.wrapping_sub(ONES) & !difference & HIGHS;
    if braces == 0 {
        return ClosingBrace { found: false, mask: u64::MAX };
    }
    let before = braces.trailing_zeros() / 8 * 8;
    ClosingBrace { found: true, mask: (1 << before) - 1 }
}
