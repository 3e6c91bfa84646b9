//! Numbers for the names that a plan uses, so that running it compares integers, not strings.
//!
//! Made while a plan is compiled and read-only afterwards. A name that the plan does not use has
//! no number: such a key in a subgraph's answer can be skipped, such a type cannot match.

use std::collections::HashMap;

/// A data key or an object type name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Name(u32);

impl Name {
    /// `__typename` is the first name of every plan.
    pub(crate) const TYPENAME: Self = Self(0);
}

#[derive(Debug)]
pub(crate) struct Names {
    numbers: HashMap<Box<[u8]>, Name>,
    texts: Vec<Box<str>>,
}

impl Default for Names {
    fn default() -> Self {
        let mut names = Self { numbers: HashMap::new(), texts: Vec::new() };
        names.intern("__typename");
        names
    }
}

impl Names {
    pub(crate) fn intern(&mut self, text: &str) -> Name {
        if let Some(name) = self.find(text.as_bytes()) {
            return name;
        }
        let name = Name(u32::try_from(self.texts.len()).expect("a plan has fewer than 2^32 names"));
        self.numbers.insert(text.as_bytes().into(), name);
        self.texts.push(text.into());
        name
    }

    pub(crate) fn find(&self, text: &[u8]) -> Option<Name> {
        self.numbers.get(text).copied()
    }

    pub(crate) fn text(&self, name: Name) -> &str {
        &self.texts[name.0 as usize]
    }
}

/// A set of type names; usually a handful.
#[derive(Debug, Default)]
pub(crate) struct TypeSet(Vec<Name>);

impl TypeSet {
    pub(crate) fn new(mut names: Vec<Name>) -> Self {
        names.sort_unstable();
        names.dedup();
        Self(names)
    }

    pub(crate) fn contains(&self, name: Name) -> bool {
        self.0.binary_search(&name).is_ok()
    }

    /// The only member of a set of one.
    pub(crate) fn single(&self) -> Option<Name> {
        match self.0[..] {
            [name] => Some(name),
            _ => None,
        }
    }
}
