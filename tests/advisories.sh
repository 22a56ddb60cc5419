#!/usr/bin/env bash
# Checks the dependencies against the RustSec advisory database. It fetches the database, so it is no part of `.ci/run`,
# which must pass without that; run it where GitHub can be reached: bash tests/advisories.sh
set -euo pipefail
cd "$(dirname "$0")/.."
PATH="$(bash .ci/tools):$PATH"
cargo deny --workspace check advisories
