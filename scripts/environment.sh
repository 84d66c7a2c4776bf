#!/usr/bin/env bash
# Make .venv with exactly the versions of requirements.lock; used by the other scripts.
# A finished environment is taken as it is. PYTHON chooses the interpreter (3.11).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

stamp=.venv/.installed
wanted=$(cat requirements.lock setup.cfg pyproject.toml | sha256sum)
if [[ ! -f $stamp || $(<"$stamp") != "$wanted" ]]; then
    python=${PYTHON:-python3}
    if ! "$python" -c 'import sys; raise SystemExit(not (3, 11) <= sys.version_info[:2] < (3, 14))'; then
        echo "Expected Python 3.11 to 3.13, found $("$python" --version). Set PYTHON." >&2
        exit 1
    fi
    echo "Making the environment in .venv"
    "$python" -m venv --clear .venv
    .venv/bin/python -m pip install --quiet --disable-pip-version-check \
        --requirement requirements.lock
    .venv/bin/python -m pip install --quiet --disable-pip-version-check \
        --no-deps --no-build-isolation --editable .
    echo "$wanted" >"$stamp"
fi
