#!/usr/bin/env bash
# Everything once, on the 1,797 handwritten digits that scikit-learn ships: environment,
# dataset, training of the full network, evaluation, export and one prediction.
#   EPOCHS=6 OUT=quickstart scripts/quickstart.sh
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source scripts/environment.sh

out=${OUT:-quickstart}
epochs=${EPOCHS:-6}
alexnet=.venv/bin/alexnet
resume=()
[[ -f $out/run/config.json ]] && resume=(--resume)

"$alexnet" build digits "$out/digits"
"$alexnet" verify "$out/digits"
# Digits must not be mirrored. Small batches make more steps of so few pictures.
"$alexnet" train "$out/digits" "$out/run" --preset released --batch-size 32 \
    --epochs "$epochs" --patience 1 --no-flip --colour-noise none "${resume[@]}"
"$alexnet" evaluate "$out/run" "$out/digits" --split test --views 1
"$alexnet" export "$out/run" "$out/model"
.venv/bin/python - "$out/seven.png" <<'PYTHON'
import sys

from PIL import Image
from sklearn.datasets import load_digits

digits = load_digits()
seven = digits.images[list(digits.target).index(7)]
Image.fromarray((seven * 255 / 16).astype("uint8")).save(sys.argv[1])
PYTHON
"$alexnet" predict "$out/model" "$out/seven.png"
