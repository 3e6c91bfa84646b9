//! The checked-in `schema/` folder is what the code says.

use std::path::Path;

#[test]
fn schema_folder_is_fresh() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema");
    let stale = marketplace::schema_files::stale(&folder).unwrap();
    assert!(stale.is_empty(), "{stale:?}: run `cargo run --bin schema`");
}

#[test]
fn the_marketplace_composes_without_hints() {
    let addresses = marketplace::supergraph::Addresses::development();
    let composition = marketplace::supergraph::supergraph(&addresses).unwrap();
    assert!(composition.hints.is_empty(), "{:?}", composition.hints);
}
