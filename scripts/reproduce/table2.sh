#!/usr/bin/env bash
# Tables 1 and 2: one net and five, on ILSVRC. Days on a GPU.
#   scripts/reproduce/table2.sh TARS_OR_FOLDER OUT [OPTIONS of alexnet reproduce]
# What the first may hold: docs/imagenet.md. Cut at any time, the same command goes on.
set -euo pipefail
source=${1:?TARS_OR_FOLDER is missing} out=${2:?OUT is missing}
alexnet=$(dirname "${BASH_SOURCE[0]}")/../../.venv/bin/alexnet
"$alexnet" build "$source" "$out/ilsvrc"
"$alexnet" reproduce imagenet "$out/ilsvrc" "$out" "${@:3}"
"$alexnet" reproduce ensemble "$out/ilsvrc" "$out" --epochs 90 "${@:3}"
