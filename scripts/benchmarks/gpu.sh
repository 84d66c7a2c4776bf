#!/usr/bin/env bash
# All that one GPU can tell in five minutes, into OUT.json (gpu.json): scripts/benchmarks/gpu.py
# says what. Takes the environment of the repository, or python3 and what it finds, PyTorch too.
#
#     scripts/benchmarks/gpu.sh [OUT.json] [--minutes 5] [--all-forms] [--quick]
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
python=${PYTHON:-$root/.venv/bin/python}
[[ -x $(command -v "$python") ]] || python=python3
out=gpu.json
if [[ $# -gt 0 && $1 != -* ]]; then
    out=$1
    shift
fi
exec "$python" "$root/scripts/benchmarks/gpu.py" --json "$out" "$@"
