#!/usr/bin/env bash
# Everything once, on the 1,797 handwritten digits that scikit-learn ships: environment,
# dataset, training of all eight layers, evaluation, export and one prediction.
#   EPOCHS=30 SEED=0 OUT=quickstart scripts/quickstart.sh
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source scripts/environment.sh

out=${OUT:-quickstart}
seed=${SEED:-0}
alexnet=$venv/bin/alexnet
resume=()
[[ -f $out/run/config.json ]] && resume=(--resume)

# The scans have 8 x 8 pixels, so 80 hold all that they show: a step costs a tenth of one
# at 224. Each of the 33 x 33 crops of the paper has its counterpart in 14 x 14 here.
"$alexnet" build digits "$out/digits" --size 80 --seed "$seed"
"$alexnet" verify "$out/digits"
# Digits must not be mirrored. Small batches make more steps of so few pictures.
"$alexnet" train "$out/digits" "$out/run" --preset released --input-size 67 \
    --batch-size 32 --epochs "${EPOCHS:-30}" --patience 4 --reductions 1 \
    --no-flip --colour-noise none --seed "$seed" "${resume[@]}"
"$alexnet" evaluate "$out/run" "$out/digits" --split test --views 1
"$alexnet" export "$out/run" "$out/model"
"$venv/bin/python" - "$out/seven.png" <<'PYTHON'
import sys

from PIL import Image
from sklearn.datasets import load_digits

digits = load_digits()
seven = digits.images[list(digits.target).index(7)]
Image.fromarray((seven * 255 / 16).astype("uint8")).save(sys.argv[1])
PYTHON
"$alexnet" predict "$out/model" "$out/seven.png"
