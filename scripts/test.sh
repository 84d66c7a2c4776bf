#!/usr/bin/env bash
# Make the environment and run the tests; arguments go to pytest.
#   scripts/test.sh            everything but what takes minutes
#   scripts/test.sh -m slow    what takes minutes
# Two processes of one thread each, for two cores.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source scripts/environment.sh
export TF_NUM_INTRAOP_THREADS=1 TF_NUM_INTEROP_THREADS=1 OMP_NUM_THREADS=1
exec "$venv/bin/python" -m pytest --numprocesses "${PROCESSES:-2}" --dist loadfile "$@"
