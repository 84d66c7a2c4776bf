#!/usr/bin/env bash
# Sections 3.2 to 5, figure 3: what each part of the network and its recipe is worth, on
# photos of one's own or Imagenette. A day on two cores with --input-size 131 --epochs 12
# (photos built with SIZE=146), hours on a GPU at full size.
#   scripts/reproduce/ablations.sh PHOTOS OUT [OPTIONS of alexnet reproduce]
# PHOTOS holds train/CLASS and val/CLASS. Cut at any time, the same command goes on.
set -euo pipefail
photos=${1:?PHOTOS is missing} out=${2:?OUT is missing}
alexnet=$(dirname "${BASH_SOURCE[0]}")/../../.venv/bin/alexnet
"$alexnet" build "$photos" "$out/photos" --size "${SIZE:-256}" --name photos
for experiment in overlap dropout augmentation towers norm lrn-full init presets \
    specialisation; do
    "$alexnet" reproduce "$experiment" "$out/photos" "$out" "${@:3}"
done
