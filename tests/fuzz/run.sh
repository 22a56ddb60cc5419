#!/usr/bin/env bash
# Gives each fuzz target some seconds, from the seeds and from what earlier runs found: run.sh [SECONDS]
# Needs a C++ compiler. `cargo fuzz run --fuzz-dir tests/fuzz fuzz_nifti` does the same with sanitizers.
set -euo pipefail
cd "$(dirname "$0")"
seconds=${1:-30}
if ! command -v c++ >/dev/null; then
    ${SUDO:-$(command -v sudo || true)} apt-get install -y --no-install-recommends g++
fi
target=${CARGO_TARGET_DIR:-../../target}
RUSTC_WORKSPACE_WRAPPER="$PWD/sanitizer-coverage" cargo build --workspace --bin fuzz_nifti --bin fuzz_dicom --bin fuzz_gzip
for name in nifti dicom gzip; do
    found="$target/fuzz-corpus/$name"
    mkdir -p "$found"
    "$target/debug/fuzz_$name" "$found" "seeds/$name" -max_total_time="$seconds" -max_len=16384 \
        -rss_limit_mb=2048 -timeout=10 -artifact_prefix="$target/fuzz-$name-" -verbosity=0 -print_funcs=0 -print_final_stats=1
done
