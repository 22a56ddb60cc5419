# One-line recipes. `just` alone lists them.

default:
    @just --list

# Everything CI does.
check:
    bash .ci/run

# The tests of the README.
test:
    cargo test --workspace

# Format every file, those too that a list such as `systems!` declares.
fmt:
    git ls-files -z '*.rs' | xargs -0 rustfmt

# Lint, document.
lint:
    cargo clippy --workspace --all-targets --features cuda -- -D warnings && RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps

# Circles and upward arrows between modules, and the sizes of files.
rooms:
    python3 tests/rooms/check.py

# Spelling, and licences, bans and sources of the dependencies.
tidy:
    PATH="$(bash .ci/tools):$PATH" sh -c 'typos && cargo deny --workspace check licenses bans sources'

# Known weaknesses of the dependencies; fetches the RustSec database.
advisories:
    bash tests/advisories.sh

# Write the JSON Schemas from the types.
schemas:
    cargo run --quiet -- schema > schemas/json/manifest.schema.json.new && mv schemas/json/manifest.schema.json.new schemas/json/manifest.schema.json

# The main job on the sample corpus.
quickstart:
    cargo run --release -- run manifests/quickstart.toml

# Time the inner work of each stage.
bench:
    cargo bench -p radloom-pipeline

# Open the release of the quickstart with other people's tools.
interop:
    bash tests/interop/run.sh out/quickstart/release target/release/radloom

# Rebuild the sample corpus from a folder of public volumes.
corpus SOURCE:
    python3 tests/data/make_corpus.py {{SOURCE}} tests/data/corpus

# Make the fragments of `changelog.d/` a section of the changelog.
changelog VERSION:
    python3 changelog.d/gather.py {{VERSION}}
