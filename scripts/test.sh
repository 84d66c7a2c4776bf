#!/usr/bin/env bash
# Make the environment and run the tests; arguments go to pytest.
#   scripts/test.sh            everything but what takes minutes
#   scripts/test.sh -m slow    what takes minutes
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source scripts/environment.sh
exec .venv/bin/python -m pytest "$@"
