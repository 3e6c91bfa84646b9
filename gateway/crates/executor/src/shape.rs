//! What the plan will look at in a subgraph's answer: for every object, its wanted members in the
//! order in which they are expected.
//!
//! Derived from the plan alone: what is projected, what representations are made of, and what
//! paths lead through. A member that stands where it is expected costs one comparison of bytes;
//! others are searched for, and what nobody wants is skipped. Places where type conditions make a
//! difference are told apart here too, for [`crate::data`].

use std::collections::HashMap;

use crate::json::{unquote, write_string};
use crate::names::{Name, Names};

/// A place in the merged data, without list indexes: the root, or what stands under a data key of
/// another place.
pub(crate) type PlaceIndex = u32;

/// Index into [`Shapes`].
pub(crate) type ShapeIndex = u32;

pub(crate) const ROOT_PLACE: PlaceIndex = 0;

/// All places that a plan knows.
#[derive(Debug)]
pub(crate) struct Places(Vec<PlaceNode>);

#[derive(Debug, Default)]
struct PlaceNode {
    children: Vec<(Name, PlaceIndex)>,
    typed: bool,
}

impl Default for Places {
    fn default() -> Self {
        Self(vec![PlaceNode::default()])
    }
}

impl Places {
    pub(crate) fn child(&mut self, parent: PlaceIndex, key: Name) -> PlaceIndex {
        let children = &self.0[parent as usize].children;
        if let Some((_, child)) = children.iter().find(|(name, _)| *name == key) {
            return *child;
        }
        let child = u32::try_from(self.0.len()).expect("a plan has fewer than 2^32 places");
        self.0.push(PlaceNode::default());
        self.0[parent as usize].children.push((key, child));
        child
    }

    pub(crate) fn find(&self, parent: PlaceIndex, key: Name) -> Option<PlaceIndex> {
        let children = &self.0[parent as usize].children;
        children.iter().find(|(name, _)| *name == key).map(|(_, child)| *child)
    }

    /// What stands below depends on the type of the object here.
    pub(crate) fn set_typed(&mut self, place: PlaceIndex) {
        self.0[place as usize].typed = true;
    }

    pub(crate) fn is_typed(&self, place: PlaceIndex) -> bool {
        self.0[place as usize].typed
    }
}

/// An object's wanted members.
#[derive(Debug, Default)]
pub(crate) struct Shape(Vec<Member>);

#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) name: Name,
    pub(crate) below: ShapeIndex,
    /// `"key":`
    head: Box<[u8]>,
}

/// All shapes of a plan.
#[derive(Debug)]
pub(crate) struct Shapes(Vec<Shape>);

impl Default for Shapes {
    fn default() -> Self {
        Self(vec![Shape::default()])
    }
}

impl Shapes {
    /// Nothing is wanted: leaves, and JSON that is passed through.
    pub(crate) const NOTHING: ShapeIndex = 0;

    pub(crate) fn get(&self, shape: ShapeIndex) -> &Shape {
        &self.0[shape as usize]
    }

    fn add(&mut self, members: Vec<Member>) -> ShapeIndex {
        self.0.push(Shape(members));
        u32::try_from(self.0.len() - 1).expect("a plan has fewer than 2^32 shapes")
    }
}

impl Shape {
    /// The member that is expected at a position.
    pub(crate) fn expected(&self, at: usize) -> Option<(&[u8], &Member)> {
        self.0.get(at).map(|member| (&*member.head, member))
    }

    /// Finds a member by the text of its name, quotes included; tells its position too.
    pub(crate) fn find(&self, quoted: &[u8]) -> Option<(usize, &Member)> {
        if quoted.contains(&b'\\') {
            let key = unquote(quoted);
            return self.position(|head| unquote(head) == key);
        }
        self.position(|head| head == quoted)
    }

    fn position(&self, is_it: impl Fn(&[u8]) -> bool) -> Option<(usize, &Member)> {
        self.0.iter().enumerate().find(|(_, member)| is_it(&member.head[..member.head.len() - 1]))
    }
}

/// Makes the shapes for answers that are merged at certain places.
#[derive(Debug)]
pub(crate) struct ShapeMaker<'a> {
    pub(crate) places: &'a Places,
    pub(crate) names: &'a Names,
    pub(crate) shapes: Shapes,
    /// By the places that an object is merged at.
    made: HashMap<Vec<PlaceIndex>, ShapeIndex>,
}

impl<'a> ShapeMaker<'a> {
    pub(crate) fn new(places: &'a Places, names: &'a Names) -> Self {
        Self { places, names, shapes: Shapes::default(), made: HashMap::new() }
    }

    /// The shape of an object that is merged at all of these places.
    pub(crate) fn at(&mut self, mut places: Vec<PlaceIndex>) -> ShapeIndex {
        places.sort_unstable();
        places.dedup();
        if places.iter().all(|place| self.places.0[*place as usize].children.is_empty()) {
            return Shapes::NOTHING;
        }
        if let Some(shape) = self.made.get(&places) {
            return *shape;
        }
        let mut below: Vec<(Name, Vec<PlaceIndex>)> = Vec::new();
        for place in &places {
            for (key, child) in &self.places.0[*place as usize].children {
                match below.iter_mut().find(|(known, _)| known == key) {
                    Some((_, children)) => children.push(*child),
                    None => below.push((*key, vec![*child])),
                }
            }
        }
        let members = below.into_iter().map(|(key, children)| (key, self.at(children))).collect();
        let shape = self.of(members);
        self.made.insert(places, shape);
        shape
    }

    /// The shape of an object with these members; `__typename` is always wanted, and usually the
    /// first.
    pub(crate) fn of(&mut self, members: Vec<(Name, ShapeIndex)>) -> ShapeIndex {
        let named = members.into_iter().filter(|(name, _)| *name != Name::TYPENAME);
        let all = std::iter::once((Name::TYPENAME, Shapes::NOTHING)).chain(named);
        let member = |(name, below): (Name, ShapeIndex)| {
            let mut head = Vec::new();
            write_string(&mut head, self.names.text(name));
            head.push(b':');
            Member { name, below, head: head.into() }
        };
        let members = all.map(member).collect();
        self.shapes.add(members)
    }
}
