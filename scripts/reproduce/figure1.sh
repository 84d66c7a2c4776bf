#!/usr/bin/env bash
# Figure 1, section 3.1: ReLU against tanh on CIFAR-10. Hours on two cores.
#   scripts/reproduce/figure1.sh PICTURES OUT [OPTIONS of alexnet reproduce]
# PICTURES holds train/CLASS and test/CLASS. Cut at any time, the same command goes on.
set -euo pipefail
pictures=${1:?PICTURES is missing} out=${2:?OUT is missing}
alexnet=$(dirname "${BASH_SOURCE[0]}")/../../.venv/bin/alexnet
"$alexnet" build "$pictures" "$out/cifar10" --size 32 --encoding raw --name cifar10
"$alexnet" reproduce relu "$out/cifar10" "$out" "${@:3}"
