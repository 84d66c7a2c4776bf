#!/usr/bin/env bash
# ILSVRC-2012 from the official tars to a served AlexNet, with the schedule of the paper.
#   scripts/imagenet2012.sh TARS_DIR OUT
# TARS_DIR holds ILSVRC2012_img_train.tar and ILSVRC2012_img_val.tar, and
# ILSVRC2012_devkit_t12.tar.gz if you have it; any other layout of docs/imagenet.md will
# do as well. Run the same command again after any interruption: what is finished is left
# as it is, what is not goes on. How long each step takes and how much disk it needs on
# your machine: docs/imagenet.md, "Time, disk and memory".
set -euo pipefail
if (($# != 2)); then
    echo "usage: scripts/imagenet2012.sh TARS_DIR OUT" >&2
    exit 2
fi
tars=$(realpath "$1")
out=$(realpath --canonicalize-missing "$2")
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source scripts/environment.sh
alexnet=.venv/bin/alexnet
data=$out/data run=$out/run model=$out/model
mkdir -p "$out"

# Shards, with the statistics of the training split. Nothing is unpacked: the disk holds
# the tars and the shards. An interrupted build goes on behind its last finished shard; a
# finished one is recognised by its manifest.
"$alexnet" build "$tars" "$data"

# Every byte is read again. The report gets its name only if nothing is wrong.
if [[ ! $out/verify.json -nt $data/manifest.json ]]; then
    "$alexnet" verify "$data" --json "$out/.verify.json"
    mv "$out/.verify.json" "$out/verify.json"
fi

# Section 5 of the paper: batches of 128, about 90 epochs, rate 0.01 that is divided by 10
# whenever the validation error stops falling, three times. This is where the time goes.
# A run that has ended says so and changes nothing.
resume=()
[[ -f $run/config.json ]] && resume=(--resume)
"$alexnet" train "$data" "$run" --preset released --batch-size 128 --epochs 90 \
    --patience 5 --reductions 3 "${resume[@]}"

# The centre, and the paper's ten views (section 4.1): corners, centre and mirrors.
for views in 1 10; do
    report=$out/evaluate_$views.json
    if [[ ! $report -nt $run/network.keras ]]; then
        "$alexnet" evaluate "$run" "$data" --views "$views" --json "$report"
    fi
done

# Each export is a version of its own, so only a network that is newer is exported.
newer=(-mindepth 1 -maxdepth 1 -name "[1-9]*" -newer "$run/network.keras")
if [[ -z $(find "$model" "${newer[@]}" 2>/dev/null) ]]; then
    "$alexnet" export "$run" "$model"
fi
