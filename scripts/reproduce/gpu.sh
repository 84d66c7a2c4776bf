#!/usr/bin/env bash
# As many experiments as some minutes on a GPU allow, from datasets that are built:
#   scripts/reproduce/gpu.sh CIFAR10 PHOTOS OUT MINUTES [EXPERIMENT...]
# Without names: those that two cores are too slow for. Ends in time; what was cut goes on
# with the same command. OUT/results.tar.gz is small: records, plots, histories; networks
# stay in OUT/runs. From the environment: PROCESSES share the GPU (1), PHOTO_OPTIONS go to
# experiments on photos ("--input-size 131 --epochs 12"), ALEXNET is the program, where it
# is not that of .venv.
set -euo pipefail
cifar10=${1:?CIFAR10 is missing} photos=${2:?PHOTOS is missing} out=${3:?OUT is missing}
end=$((SECONDS + ${4:?MINUTES are missing} * 60))
experiments=("${@:5}")
if ((${#experiments[@]} == 0)); then
    experiments=(imagenette ensemble specialisation overlap dropout augmentation towers norm
        lrn-full init presets cifar-13pct cifar-11pct lrn-11pct)
fi
alexnet=${ALEXNET:-$(dirname "${BASH_SOURCE[0]}")/../../.venv/bin/alexnet}
read -ra photo_options <<<"${PHOTO_OPTIONS:-}"

in_turn() {
    local experiment left data options
    for experiment in "${experiments[@]}"; do
        left=$((end - SECONDS))
        ((left > 0)) || break
        data=$photos options=("${photo_options[@]}")
        [[ $experiment != @(relu|lrn|lrn-11pct|cifar-*) ]] || data=$cifar10 options=()
        [[ $experiment != imagenette ]] || options=(--cache) # it has its own size and epochs
        # SIGTERM saves and stops; one that fails does not keep the others from their turn.
        timeout --kill-after 60 "$left" "$alexnet" reproduce "$experiment" "$data" "$out" \
            "${options[@]}" || echo "$experiment: not finished, status $?" >&2
    done
}

mkdir -p "$out"
# Each process takes the runs that no other trains.
for ((process = 1; process < ${PROCESSES:-1}; process++)); do in_turn & done
in_turn
wait
# What waited for a run of another process is complete now.
((${PROCESSES:-1} == 1)) || in_turn
cd "$out"
find . -maxdepth 3 \( -name '*.json' -o -name '*.png' -o -name history.csv \) -print0 |
    tar --null --files-from - -czf .results.tar.gz
mv .results.tar.gz results.tar.gz
