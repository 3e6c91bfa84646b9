//! Adds a link to those of a schema, unless their names clash.

use indexmap::IndexMap;

use super::read::Problem;
use super::{INACCESSIBLE, Import, Link, Links, TAG, USAGE};
use crate::subgraph::spec;

pub(super) fn add(links: &mut Links, link: Link) -> Result<(), Problem> {
    let usage = |message: String| Err((USAGE, message));
    let identity = &link.url.identity;
    let alias = &link.alias;
    if links.by_identity.contains_key(identity) {
        return usage(format!("`{identity}` is linked twice"));
    }
    let excused = matches!(
        (identity.as_str(), alias.as_str()),
        (TAG, "federation__tag") | (INACCESSIBLE, "federation__inaccessible")
    ) && link.imports.is_empty();
    let starts_well = alias.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    if (alias.contains("__") && !excused) || alias.ends_with('_') || !starts_well {
        return usage(format!(
            "`{identity}` cannot be linked as `{alias}`: choose a GraphQL name without `__` \
             and without `_` at its end"
        ));
    }
    if let Some(known) = spec::elements(&link.url) {
        for import in &link.imports {
            if !known.contains(&import.element) {
                return usage(format!("`{}` has no element `{}`", link.url, import.element));
            }
        }
    }
    let confusable = |import: &Import| {
        format!(
            "the import `{}` can be taken for a name of another linked spec: rename one with `as`",
            import.local
        )
    };
    for other in links.by_identity.values() {
        if other.alias == *alias {
            return usage(format!(
                "`{identity}` and `{}` are both linked as `{alias}`: rename one with `as`",
                other.url.identity
            ));
        }
        for (importer, owner) in [(other, &link), (&link, other)] {
            for import in &importer.imports {
                let local = import.local.trim_start_matches('@');
                let is_directive = import.local.starts_with('@');
                let prefixed = split_prefixed(local).is_some_and(|(p, _)| p == owner.alias);
                if prefixed || (is_directive && local == owner.alias) {
                    return usage(confusable(import));
                }
            }
        }
    }
    let mut seen: IndexMap<&str, &Import> = IndexMap::new();
    for import in &link.imports {
        let local = import.local.trim_start_matches('@');
        let element = import.element.trim_start_matches('@');
        if let Some((prefix, rest)) = split_prefixed(local)
            && prefix == alias
            && rest != element
        {
            return usage(confusable(import));
        }
        if import.local.starts_with('@') && local == alias && element != link.url.name {
            return usage(confusable(import));
        }
        let clash = seen.insert(&import.local, import).filter(|earlier| *earlier != import);
        let twice = link.imports.iter().find(|o| o.element == import.element && *o != import);
        let elsewhere = links
            .by_identity
            .values()
            .flat_map(|other| &other.imports)
            .find(|other| other.local == import.local);
        if clash.is_some() || twice.is_some() || elsewhere.is_some() {
            return usage(format!(
                "the import `{}` clashes with another import: keep one of them",
                import.local
            ));
        }
    }
    links.by_identity.insert(identity.clone(), link);
    Ok(())
}

/// Splits `alias__name` at the first double underscore that is not at the start.
fn split_prefixed(name: &str) -> Option<(&str, &str)> {
    let (prefix, rest) = name.split_once("__")?;
    (!prefix.is_empty() && !rest.is_empty()).then_some((prefix, rest))
}
