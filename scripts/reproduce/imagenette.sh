#!/usr/bin/env bash
# The best networks for the ten classes of Imagenette, each alone and five together. Two
# hours a network on two cores, minutes on a GPU.
#   scripts/reproduce/imagenette.sh IMAGENETTE OUT [OPTIONS of alexnet reproduce]
# IMAGENETTE holds train/CLASS and val/CLASS. Cut at any time, the same command goes on.
set -euo pipefail
photos=${1:?IMAGENETTE is missing} out=${2:?OUT is missing}
alexnet=$(dirname "${BASH_SOURCE[0]}")/../../.venv/bin/alexnet
"$alexnet" build "$photos" "$out/imagenette" --name imagenette
"$alexnet" reproduce imagenette "$out/imagenette" "$out" --cache "${@:3}"
