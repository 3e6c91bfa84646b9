//! Sets of run-time types as bits: small, ordered, cheap to intersect.

/// The number of a run-time type in a [`super::QueryGraph`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TypeId(pub u32);

/// A set of [`TypeId`]s. Equal sets are equal values: there are no trailing empty words.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TypeSet(Vec<u64>);

impl TypeSet {
    pub fn one(id: TypeId) -> Self {
        let mut set = Self::default();
        set.insert(id);
        set
    }

    pub fn insert(&mut self, id: TypeId) {
        let (word, bit) = place(id);
        if self.0.len() <= word {
            self.0.resize(word + 1, 0);
        }
        self.0[word] |= bit;
    }

    pub fn contains(&self, id: TypeId) -> bool {
        let (word, bit) = place(id);
        self.0.get(word).is_some_and(|bits| bits & bit != 0)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn len(&self) -> usize {
        self.0.iter().map(|word| word.count_ones() as usize).sum()
    }

    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        let (long, short) =
            if self.0.len() < other.0.len() { (other, self) } else { (self, other) };
        let mut words = long.0.clone();
        words.iter_mut().zip(&short.0).for_each(|(word, more)| *word |= more);
        Self(words)
    }

    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        Self::trimmed(self.0.iter().zip(&other.0).map(|(a, b)| a & b).collect())
    }

    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        let others = other.0.iter().chain(std::iter::repeat(&0));
        Self::trimmed(self.0.iter().zip(others).map(|(a, b)| a & !b).collect())
    }

    pub fn is_subset(&self, other: &Self) -> bool {
        self.0.len() <= other.0.len() && self.0.iter().zip(&other.0).all(|(a, b)| a & !b == 0)
    }

    pub fn intersects(&self, other: &Self) -> bool {
        self.0.iter().zip(&other.0).any(|(a, b)| a & b != 0)
    }

    pub fn iter(&self) -> impl Iterator<Item = TypeId> + '_ {
        (0u32..).zip(&self.0).flat_map(|(word, bits)| {
            (0..64)
                .filter(move |bit| bits & (1 << bit) != 0)
                .map(move |bit| TypeId(word * 64 + bit))
        })
    }

    pub fn first(&self) -> Option<TypeId> {
        self.iter().next()
    }

    fn trimmed(mut words: Vec<u64>) -> Self {
        while words.last() == Some(&0) {
            words.pop();
        }
        Self(words)
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
