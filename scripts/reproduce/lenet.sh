#!/usr/bin/env bash
# LeNet-5 of 1998 and its plain form on the digits that scikit-learn ships; minutes.
#   scripts/reproduce/lenet.sh OUT [OPTIONS of alexnet reproduce]
# Cut at any time, the same command goes on.
set -euo pipefail
out=${1:?OUT is missing}
alexnet=$(dirname "${BASH_SOURCE[0]}")/../../.venv/bin/alexnet
"$alexnet" build digits "$out/digits" --size 32 --encoding raw
for experiment in lenet5 lenet5-1998; do
    "$alexnet" reproduce "$experiment" "$out/digits" "$out" "${@:2}"
done
