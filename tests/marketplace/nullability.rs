//! An outage costs a field, not the page: whatever crosses a service border may be null.

use federation::supergraph::Supergraph;
use marketplace::supergraph::{Addresses, supergraph};

/// Fields of these types are the border: every one must be nullable.
#[test]
fn root_fields_and_foreign_parts_of_entities_are_nullable() {
    let composition = supergraph(&Addresses::development()).unwrap();
    let parsed = Supergraph::parse(&composition.supergraph_sdl).unwrap();
    let schema = parsed.api_schema();
    let mut strict = Vec::new();
    for root in ["Query", "Mutation"] {
        for (name, field) in &schema.get_object(root).unwrap().fields {
            if field.ty.is_non_null() {
                strict.push(format!("{root}.{name}"));
            }
        }
    }
    // What one service adds to another's entity.
    let added = [
        (
            "Product",
            ["ratingSummary", "reviews", "viewerReview", "viewerReviewEligibility"].as_slice(),
        ),
        ("Ride", ["ratingSummary", "reviews", "driverRating"].as_slice()),
        (
            "User",
            ["paidOrderCount", "orders", "payments", "reviews", "publishedReviewCount"].as_slice(),
        ),
    ];
    for (entity, fields) in added {
        for name in fields {
            if schema.get_object(entity).unwrap().fields[*name].ty.is_non_null() {
                strict.push(format!("{entity}.{name}"));
            }
        }
    }
    // Wherever a service names an entity that another one owns.
    let entities = ["Product", "Ride", "User"];
    let owners = [("Product", "payments"), ("Ride", "payments"), ("User", "users")];
    for (subgraph, sdl) in marketplace::supergraph::subgraphs() {
        let document = apollo_sdl(&sdl);
        for (coordinate, target, non_null) in document {
            let foreign =
                owners.iter().any(|(entity, owner)| *entity == target && *owner != subgraph);
            let inside_own_edge =
                coordinate.starts_with("ProductEdge.") || coordinate.starts_with("UserEdge.");
            if entities.contains(&target.as_str()) && foreign && non_null && !inside_own_edge {
                strict.push(format!("{subgraph}: {coordinate}"));
            }
        }
    }
    assert!(strict.is_empty(), "must be nullable: {strict:?}");
}

/// `Type.field`, its named type, and whether it is non-null, of every object field in the SDL.
fn apollo_sdl(sdl: &str) -> Vec<(String, String, bool)> {
    let mut fields = Vec::new();
    let mut parent = None;
    for line in sdl.lines() {
        let trimmed = line.trim();
        if let Some(rest) =
            trimmed.strip_prefix("type ").or_else(|| trimmed.strip_prefix("extend type "))
        {
            parent = rest.split([' ', '{']).next().map(str::to_owned);
        } else if trimmed == "}" {
            parent = None;
        } else if let Some(parent) = &parent
            && let Some((name, ty)) = trimmed.rsplit_once(": ")
        {
            let name = name.split(['(', ':']).next().unwrap_or(name);
            let ty = ty.split(' ').next().unwrap_or(ty);
            let named = ty.trim_matches(|c| "[]!".contains(c));
            fields.push((format!("{parent}.{name}"), named.to_owned(), ty.ends_with('!')));
        }
    }
    fields
}
