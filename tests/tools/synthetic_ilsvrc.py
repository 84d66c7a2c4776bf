"""Make a twin of ILSVRC-2012: its classes, names and formats, with drawn pictures.

    python -m tests.tools.synthetic_ilsvrc OUT --train-per-class 18 --val 2000 \\
        --forms folders flat kaggle lists

OUT/tars holds ILSVRC2012_img_train.tar, ILSVRC2012_img_val.tar and the devkit as they
are downloaded. Each form in --forms holds the same pictures in another layout, in
OUT/FORM. Equal options give equal bytes.
"""

import gzip
import io
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal

import numpy as np
import tyro
from PIL import Image
from scipy.io import savemat

from tfrecords.ranges import check_count
from tfrecords.sources.ilsvrc import facts

FORMS = ("folders", "flat", "kaggle", "lists")
_KIT = "ILSVRC2012_devkit_t12"
_ODD = 3  # the first pictures: CMYK, a PNG named .JPEG, grey
_SIDES = (60, 120)  # pixels


def picture(seed: int, split: int, label: int, index: int, odd: int | None) -> bytes:
    """Draw a picture that differs from all others; `odd` makes it of a rare kind."""
    random = np.random.default_rng([seed, split, label, index])
    height, width = random.integers(*_SIDES, 2)
    coarse = random.integers(0, 256, (4, 4, 3), np.uint8)
    image = Image.fromarray(coarse).resize((int(width), int(height)))
    kind, quality = ("PNG", {}) if odd == 1 else ("JPEG", {"quality": 90})
    if odd in (0, 2):
        image = image.convert("CMYK" if odd == 0 else "L")
    buffer = io.BytesIO()
    image.save(buffer, kind, **quality)
    return buffer.getvalue()


def training(seed: int, per_class: int) -> Iterator[tuple[str, list]]:
    """Yield each class with its pictures' names and bytes."""
    for label, name in enumerate(facts.synsets()):
        # The first classes have one of each rare kind; one in ten has a grey one.
        odd = label if label < _ODD else 2 if label % 10 == 0 else None
        files = []
        for index in range(per_class):
            data = picture(seed, 0, label, index, None if index else odd)
            files.append((f"{name}_{7 * index + 3}.JPEG", data))
        yield name, files


def validation(seed: int, count: int) -> Iterator[tuple[str, bytes]]:
    """Yield the names and bytes of the first validation pictures."""
    for number in range(1, count + 1):
        odd = number - 1 if number <= _ODD else None
        yield facts.validation_name(number), picture(seed, 1, 0, number, odd)


def tar_of(files: Iterable[tuple[str, bytes]]) -> bytes:
    """Make a tar of names and bytes."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for name, data in files:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def synset_table(seed: int) -> tuple[np.ndarray, dict[str, int]]:
    """Make meta.mat's table, and the classes' numbers from 1, which are not sorted."""
    order = np.random.default_rng([seed, 2]).permutation(facts.synsets()).tolist()
    words = dict(zip(facts.synsets(), facts.words_of(facts.synsets()), strict=True))
    kinds = "ILSVRC2012_ID WNID words gloss num_children children wordnet_height"
    fields = [(field, "O") for field in f"{kinds} num_train_images".split()]
    rows = [
        (float(number), name, words[name], "", 0.0, np.zeros((1, 0)), 0.0, 1300.0)
        for number, name in enumerate(order, 1)
    ]
    children = np.array([[1.0, 2.0]])
    rows.append((1001.0, "n00001740", "entity", "", 2.0, children, 1.0, 0.0))
    table = np.empty((len(rows), 1), fields)
    table[:, 0] = np.array(rows, fields)
    return table, {name: number for number, name in enumerate(order, 1)}


def devkit(seed: int) -> bytes:
    """Make the development kit's `.tar.gz`."""
    table, numbers = synset_table(seed)
    meta = io.BytesIO()
    savemat(meta, {"synsets": table})
    # SciPy writes the date into the first 116 bytes.
    stamped = b"MATLAB 5.0 MAT-file".ljust(116) + meta.getvalue()[116:]
    truth = "".join(f"{numbers[name]}\n" for name in facts.validation_synsets())
    files = [
        (f"{_KIT}/readme.txt", b"A twin of ILSVRC-2012's devkit.\n"),
        (f"{_KIT}/data/meta.mat", stamped),
        (f"{_KIT}/data/ILSVRC2012_validation_ground_truth.txt", truth.encode()),
    ]
    return gzip.compress(tar_of(files), mtime=0)


def write(path: Path, data: bytes | str) -> None:
    """Write a file and its folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data if isinstance(data, bytes) else data.encode())


def make_tars(out: Path, seed: int, per_class: int, count: int) -> None:
    """Write the two tars and the devkit."""
    classes = ((f"{name}.tar", tar_of(f)) for name, f in training(seed, per_class))
    write(out / "ILSVRC2012_img_train.tar", tar_of(classes))
    write(out / "ILSVRC2012_img_val.tar", tar_of(validation(seed, count)))
    write(out / f"{_KIT}.tar.gz", devkit(seed))


def make_form(form: str, out: Path, seed: int, per_class: int, count: int) -> None:
    """Write the pictures, and the labels, in another layout."""
    pictures = out / "ILSVRC/Data/CLS-LOC" if form == "kaggle" else out
    places = {name: label for label, name in enumerate(facts.synsets())}
    listed, answers = [], []
    for name, files in training(seed, per_class):
        for base, data in files:
            write(pictures / "train" / name / base, data)
            listed.append(f"{name}/{base} {places[name]}\n")
    for base, data in validation(seed, count):
        name = facts.validation_synset(base)
        folder = f"val/{name}" if form == "folders" else "val"
        write(pictures / folder / base, data)
        answers.append((base, name))
    if form == "flat":
        write(out / f"{_KIT}.tar.gz", devkit(seed))
    elif form == "lists":
        lines = (f"{base} {places[name]}\n" for base, name in answers)
        write(out / "train.txt", "".join(listed))
        write(out / "val.txt", "".join(lines))
    elif form == "kaggle":
        pairs = zip(facts.synsets(), facts.words_of(facts.synsets()), strict=True)
        mapping = "".join(f"{name} {text}\n" for name, text in pairs)
        write(out / "LOC_synset_mapping.txt", mapping)
        rows = (f"{b.removesuffix('.JPEG')},{n} 1 1 50 50 \r\n" for b, n in answers)
        write(
            out / "LOC_val_solution.csv",
            "".join(["ImageId,PredictionString\r\n", *rows]),
        )


def main(
    out: tyro.conf.Positional[Path],
    train_per_class: int = 18,
    val: int = 2000,
    forms: tuple[Literal[*FORMS], ...] = (),
) -> None:
    """Write what the options name."""
    check_count("val", val, most=facts.VALIDATION_COUNT)
    check_count("train_per_class", train_per_class)
    make_tars(out / "tars", 0, train_per_class, val)
    for form in forms:
        make_form(form, out / form, 0, train_per_class, val)


if __name__ == "__main__":
    tyro.cli(main, description=__doc__)
