//! Properties of the printed schema.

/// (type, field, type of the field)
fn fields(sdl: &str) -> Vec<(String, String, String)> {
    let mut found = Vec::new();
    let mut owner = String::new();
    for line in sdl.lines() {
        let text = line.trim();
        if let Some(rest) = line.strip_prefix("type ").or_else(|| line.strip_prefix("extend type "))
        {
            rest.split([' ', '{', '@']).next().unwrap().clone_into(&mut owner);
        } else if line.starts_with('}') {
            owner.clear();
        } else if !owner.is_empty() && line.starts_with("  ") && !text.starts_with('"') {
            let name = text.split(['(', ':']).next().unwrap().to_owned();
            let Some(kind) = text.rsplit_once(": ").map(|(_, kind)| kind) else { continue };
            let kind = kind.split(' ').next().unwrap().to_owned();
            found.push((owner.clone(), name, kind));
        }
    }
    found
}

#[test]
fn an_outage_costs_a_field_and_not_the_page() {
    let sdl = payments::sdl();
    let fields = fields(&sdl);
    assert!(fields.len() > 150, "{}", fields.len());
    for (owner, name, kind) in &fields {
        let nullable = !kind.ends_with('!');
        let root = matches!(owner.as_str(), "Query" | "Mutation") && !name.starts_with('_');
        let foreign = kind.trim_end_matches('!') == "User";
        let extension = owner == "User" && name != "id";
        if root || foreign || extension {
            assert!(nullable, "{owner}.{name}: {kind}");
        }
    }
}

#[test]
fn the_schema_is_always_the_same_text() {
    assert_eq!(payments::sdl(), payments::sdl());
    for key in ["@key(fields: \"id\")", "@key(fields: \"sku\")"] {
        assert!(payments::sdl().contains(key));
    }
}
