#!/usr/bin/env bash
# Section 3.3, note 3: the four-layer nets of CIFAR-10, with and without normalisation.
# Hours on two cores for the first three; the last three want a GPU.
#   scripts/reproduce/cifar10.sh PICTURES OUT [OPTIONS of alexnet reproduce]
# PICTURES holds train/CLASS and test/CLASS. Cut at any time, the same command goes on.
set -euo pipefail
pictures=${1:?PICTURES is missing} out=${2:?OUT is missing}
alexnet=$(dirname "${BASH_SOURCE[0]}")/../../.venv/bin/alexnet
"$alexnet" build "$pictures" "$out/cifar10" --size 32 --encoding raw --name cifar10
for experiment in cifar-80sec cifar-18pct lrn cifar-13pct cifar-11pct lrn-11pct; do
    "$alexnet" reproduce "$experiment" "$out/cifar10" "$out" "${@:3}"
done
