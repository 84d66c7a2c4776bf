#!/usr/bin/env bash
# Make .venv with exactly the versions of requirements.lock; used by the other scripts.
# A finished environment is taken as it is. PYTHON chooses the interpreter, VENV the folder.
# uv installs, which takes a quarter of pip's time, where there is one or one can be had.
# It compiles all modules, as pip does: where PYTHONDONTWRITEBYTECODE is set, each process
# that imports TensorFlow would compile it again, which doubles the seconds that it takes.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

venv=${VENV:-.venv}
stamp=$venv/.installed
wanted=$(cat requirements.lock setup.cfg pyproject.toml | sha256sum)

install() {
    local pip=("$venv/bin/python" -m pip install --quiet --disable-pip-version-check)
    local uv
    uv=$(command -v uv) || { "${pip[@]}" uv && uv=$venv/bin/uv; } || uv=
    local with=(--quiet --compile-bytecode --python "$venv/bin/python")
    if [[ -z $uv ]] || ! "$uv" pip install "${with[@]}" "$@"; then
        "${pip[@]}" "$@"
    fi
}

if [[ ! -f $stamp || $(<"$stamp") != "$wanted" ]]; then
    python=${PYTHON:-python3}
    if ! "$python" -c 'import sys; raise SystemExit(not (3, 11) <= sys.version_info[:2] < (3, 14))'; then
        echo "Expected Python 3.11 to 3.13, found $("$python" --version). Set PYTHON." >&2
        exit 1
    fi
    echo "Making the environment in $venv"
    "$python" -m venv --clear "$venv"
    install --requirement requirements.lock
    install --no-deps --no-build-isolation --editable .
    echo "$wanted" >"$stamp"
fi
