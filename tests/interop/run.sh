#!/usr/bin/env bash
# Opens a release with other people's tools. Usage: run.sh RELEASE_DIR RADLOOM
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
release=$(cd "$1" && pwd)
radloom=$2
environment="${XDG_CACHE_HOME:-$HOME/.cache}/radloom/interop-venv"

if ! "$environment/bin/python" -c 'import pyarrow, polars, datasets, mlcroissant, xxhash' 2>/dev/null; then
    python3 -m venv "$environment"
    "$environment/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt"
fi
(cd "$release" && sha256sum --check --quiet SHA256SUMS)
HF_HUB_OFFLINE=1 HF_DATASETS_OFFLINE=1 "$environment/bin/python" "$here/check_release.py" "$release"
"$environment/bin/python" "$here/check_order.py" "$release" "$radloom"
