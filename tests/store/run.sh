#!/usr/bin/env bash
# Reads a release out of an object store that fails in every way. Usage: run.sh OUT RADLOOM
# OUT is the output folder of the quickstart, RADLOOM the binary.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
environment="${XDG_CACHE_HOME:-$HOME/.cache}/radloom/store-venv"

if ! "$environment/bin/python" -c 'import boto3, flask_cors, moto' 2>/dev/null; then
    python3 -m venv "$environment"
    "$environment/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt"
fi
"$environment/bin/python" "$here/check_store.py" "$1" "$2"
