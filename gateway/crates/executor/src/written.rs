//! Remembers where in the answer an object has been written, so that its text can be copied when
//! the same object stands there again with the same selection.
//!
//! A table of fixed size that may forget. It knows nothing of values beyond their identity.

use std::hash::{Hash as _, Hasher as _};
use std::ops::Range;

use crate::data::Value;
use crate::integer_map::IntegerHasher;

#[derive(Debug)]
pub(crate) struct Written {
    /// A power of two, or empty.
    entries: Vec<Option<Entry>>,
}

#[derive(Clone, Debug)]
struct Entry {
    program: u32,
    object: Value,
    start: u32,
    end: u32,
}

impl Written {
    pub(crate) fn for_objects(objects: usize, programs: usize) -> Self {
        let worth_it = objects > 1 && programs > 1;
        let entries = if worth_it { (objects * 2).next_power_of_two().min(4096) } else { 0 };
        Self { entries: vec![None; entries] }
    }

    pub(crate) fn find(&self, program: u32, object: Value) -> Option<Range<usize>> {
        match self.entries.get(self.slot(program, object)?) {
            Some(Some(entry)) if entry.program == program && entry.object == object => {
                Some(entry.start as usize..entry.end as usize)
            }
            _ => None,
        }
    }

    pub(crate) fn remember(&mut self, program: u32, object: Value, text: Range<usize>) {
        let Some(slot) = self.slot(program, object) else { return };
        let (Ok(start), Ok(end)) = (u32::try_from(text.start), u32::try_from(text.end)) else {
            return;
        };
        self.entries[slot] = Some(Entry { program, object, start, end });
    }

    /// A part of the answer has been taken back.
    pub(crate) fn forget(&mut self) {
        self.entries.fill(None);
    }

    fn slot(&self, program: u32, object: Value) -> Option<usize> {
        let mut hasher = IntegerHasher::default();
        program.hash(&mut hasher);
        match object {
            Value::Object(place) => place.hash(&mut hasher),
            Value::OwnedObject(object) => object.hash(&mut hasher),
            _ => return None,
        }
        let mask = self.entries.len().checked_sub(1)?;
        usize::try_from(hasher.finish() & 0xFFFF_FFFF).ok().map(|hash| hash & mask)
    }
}
