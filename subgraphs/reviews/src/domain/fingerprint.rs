//! Recognising the same text again: an exact hash of the folded words, and a `SimHash` whose
//! bits barely change when a text is edited a little.

use std::hash::Hasher;

use super::search::fold;

/// Texts shorter than this many words say too little to be called copies: two people may well
/// write the same short sentence.
const MIN_WORDS: usize = 12;

/// Words that together are one feature of the `SimHash`.
const SHINGLE: usize = 3;

/// Two texts whose `SimHash` differ in at most this many bits are near-duplicates.
pub const NEAR_BITS: u32 = 3;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint {
    /// Equal for equal words, whatever their case, accents and punctuation.
    pub exact: i64,
    pub simhash: u64,
}

impl Fingerprint {
    /// None for texts too short to be told apart from honest coincidence.
    pub fn of(title: Option<&str>, body: Option<&str>) -> Option<Self> {
        let text = fold(&format!("{} {}", title.unwrap_or_default(), body.unwrap_or_default()));
        let words: Vec<&str> = text.split(' ').filter(|word| !word.is_empty()).collect();
        if words.len() < MIN_WORDS {
            return None;
        }
        Some(Self { exact: hash(&words).cast_signed(), simhash: simhash(&words) })
    }

    pub fn is_near(self, other: u64) -> bool {
        (self.simhash ^ other).count_ones() <= NEAR_BITS
    }

    /// Four bands of sixteen bits: texts within [`NEAR_BITS`] share at least one of them, so an
    /// index on each finds all candidates.
    pub fn bands(self) -> [i32; 4] {
        [0, 16, 32, 48].map(|shift| {
            let band = (self.simhash >> shift) & 0xFFFF;
            i32::try_from(band).expect("sixteen bits fit")
        })
    }
}

fn simhash(words: &[&str]) -> u64 {
    let mut weights = [0_i32; 64];
    for shingle in words.windows(SHINGLE) {
        let bits = hash(shingle);
        for (bit, weight) in weights.iter_mut().enumerate() {
            *weight += if bits >> bit & 1 == 1 { 1 } else { -1 };
        }
    }
    weights
        .iter()
        .enumerate()
        .filter(|(_, weight)| **weight > 0)
        .fold(0, |bits, (bit, _)| bits | 1 << bit)
}

/// FNV-1a with a final mix: stored values must not depend on the standard library's hasher.
fn hash(words: &[&str]) -> u64 {
    let mut hasher = Fnv(0xcbf2_9ce4_8422_2325);
    for word in words {
        hasher.write(word.as_bytes());
        hasher.write(b" ");
    }
    hasher.finish()
}

struct Fnv(u64);

impl Hasher for Fnv {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    fn finish(&self) -> u64 {
        let mixed = (self.0 ^ (self.0 >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        mixed ^ (mixed >> 29)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "I have used this kettle every morning for three months and it still boils \
        water in under two minutes without any noise and the lid closes well and the handle never \
        gets hot even when it is full to the top so I would buy it again for my parents";

    #[test]
    fn short_texts_have_no_fingerprint() {
        assert_eq!(Fingerprint::of(Some("Great"), Some("works as it should")), None);
        let sentence = "Boils quickly and pours well.";
        assert_eq!(Fingerprint::of(Some("Walked all the way"), Some(sentence)), None);
        assert_eq!(Fingerprint::of(None, None), None);
    }

    #[test]
    fn case_and_punctuation_do_not_make_a_new_text() {
        let a = Fingerprint::of(None, Some(TEXT)).unwrap();
        let b = Fingerprint::of(None, Some(&TEXT.to_uppercase().replace(' ', ",  "))).unwrap();
        assert_eq!(a, b);
    }

    #[test]
    fn other_texts_are_far_and_bands_find_the_near_ones() {
        let a = Fingerprint::of(None, Some(TEXT)).unwrap();
        let other = "The driver was friendly and careful although we were stuck in traffic for an \
            hour near the airport";
        let b = Fingerprint::of(None, Some(other)).unwrap();
        assert!(!a.is_near(b.simhash));
        for bits in [0_u64, 1, 0b101, 1 << 63 | 1 << 40 | 1] {
            let near = Fingerprint { exact: 0, simhash: a.simhash ^ bits };
            assert!(a.is_near(near.simhash));
            assert!(a.bands().iter().zip(near.bands()).any(|(x, y)| *x == y));
        }
    }
}
