//! Sets of run-time types as bits: small, ordered, cheap to intersect.

/// The number of a run-time type in a [`super::QueryGraph`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TypeId(pub u32);

/// A set of [`TypeId`]s. Equal sets are equal values: there are no trailing empty words.
///
/// The first 64 types need no allocation: that is all that most graphs have.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TypeSet {
    first: u64,
    rest: Vec<u64>,
}

impl TypeSet {
    pub fn one(id: TypeId) -> Self {
        let mut set = Self::default();
        set.insert(id);
        set
    }

    pub fn insert(&mut self, id: TypeId) {
        let (word, bit) = place(id);
        let Some(word) = word.checked_sub(1) else {
            self.first |= bit;
            return;
        };
        if self.rest.len() <= word {
            self.rest.resize(word + 1, 0);
        }
        self.rest[word] |= bit;
    }

    pub fn contains(&self, id: TypeId) -> bool {
        let (word, bit) = place(id);
        match word.checked_sub(1) {
            None => self.first & bit != 0,
            Some(word) => self.rest.get(word).is_some_and(|bits| bits & bit != 0),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.first == 0 && self.rest.is_empty()
    }

    pub fn len(&self) -> usize {
        self.words().map(|word| word.count_ones() as usize).sum()
    }

    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        let (long, short) =
            if self.rest.len() < other.rest.len() { (other, self) } else { (self, other) };
        let mut rest = long.rest.clone();
        rest.iter_mut().zip(&short.rest).for_each(|(word, more)| *word |= more);
        Self { first: self.first | other.first, rest }
    }

    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        let rest = self.rest.iter().zip(&other.rest).map(|(a, b)| a & b).collect();
        Self::trimmed(self.first & other.first, rest)
    }

    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        let others = other.rest.iter().chain(std::iter::repeat(&0));
        let rest = self.rest.iter().zip(others).map(|(a, b)| a & !b).collect();
        Self::trimmed(self.first & !other.first, rest)
    }

    pub fn is_subset(&self, other: &Self) -> bool {
        self.first & !other.first == 0
            && self.rest.len() <= other.rest.len()
            && self.rest.iter().zip(&other.rest).all(|(a, b)| a & !b == 0)
    }

    pub fn intersects(&self, other: &Self) -> bool {
        self.first & other.first != 0 || self.rest.iter().zip(&other.rest).any(|(a, b)| a & b != 0)
    }

    pub fn iter(&self) -> impl Iterator<Item = TypeId> + '_ {
        (0u32..).zip(self.words()).flat_map(|(word, mut bits)| {
            std::iter::from_fn(move || {
                let bit = bits.trailing_zeros();
                bits &= bits.wrapping_sub(1);
                (bit < 64).then_some(TypeId(word * 64 + bit))
            })
        })
    }

    pub fn first(&self) -> Option<TypeId> {
        self.iter().next()
    }

    fn words(&self) -> impl Iterator<Item = u64> + '_ {
        std::iter::once(self.first).chain(self.rest.iter().copied())
    }

    fn trimmed(first: u64, mut rest: Vec<u64>) -> Self {
        while rest.last() == Some(&0) {
            rest.pop();
        }
        Self { first, rest }
    }
}

impl FromIterator<TypeId> for TypeSet {
    fn from_iter<I: IntoIterator<Item = TypeId>>(ids: I) -> Self {
        let mut set = Self::default();
        ids.into_iter().for_each(|id| set.insert(id));
        set
    }
}

fn place(id: TypeId) -> (usize, u64) {
    ((id.0 / 64) as usize, 1 << (id.0 % 64))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(ids: &[u32]) -> TypeSet {
        ids.iter().copied().map(TypeId).collect()
    }

    #[test]
    fn equal_sets_are_equal_values() {
        assert_eq!(set(&[1, 200]).intersection(&set(&[1, 70])), set(&[1]));
        assert_eq!(set(&[1, 200]).difference(&set(&[200])), set(&[1]));
        assert_eq!(set(&[200]).union(&set(&[1])), set(&[1, 200]));
        assert!(set(&[200]).difference(&set(&[200])).is_empty());
    }

    #[test]
    fn subsets_and_members() {
        assert!(set(&[1]).is_subset(&set(&[1, 200])));
        assert!(!set(&[1, 200]).is_subset(&set(&[1])));
        assert!(set(&[65, 130]).intersects(&set(&[130])));
        assert_eq!(set(&[130, 3]).iter().collect::<Vec<_>>(), [TypeId(3), TypeId(130)]);
    }
}
