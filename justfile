# Everyday commands. `just` lists them.

default:
    @just --list

# The whole marketplace with demo data: GraphiQL on http://localhost:4000
run *args:
    cargo run --release -- {{args}}

# All tests that need nothing but Rust and a C compiler
test *args:
    cargo test --workspace {{args}}

# What CI runs
ci:
    bash .ci/run

lint:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets -- -D warnings
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps

# Renew schema/ from the code
schema:
    cargo run --bin schema

# Register, order, pay, review and refund against a running marketplace
walkthrough:
    bash tests/walkthrough.sh
