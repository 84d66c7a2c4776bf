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
_ODD = (("JPEG", "CMYK"), ("PNG", "RGB"), ("JPEG", "L"))  # the first pictures
_SIDES = (60, 120)  # pixels


def picture(split: int, label: int, index: int, odd: int | None) -> bytes:
    """Draw a picture that differs from all others; `odd` is a place in `_ODD`."""
    random = np.random.default_rng([0, split, label, index])
    height, width = random.integers(*_SIDES, 2)
    coarse = random.integers(0, 256, (4, 4, 3), np.uint8)
    image = Image.fromarray(coarse).resize((int(width), int(height)))
    kind, mode = ("JPEG", "RGB") if odd is None else _ODD[odd]
    buffer = io.BytesIO()
    image.convert(mode).save(buffer, kind, quality=90)
    return buffer.getvalue()


def training(per_class: int) -> Iterator[tuple[str, list]]:
    """Yield each class with its pictures' names and bytes."""
    for label, name in enumerate(facts.synsets()):
        # The first classes have one of each rare kind; one in ten has a grey one.
        odd = label if label < len(_ODD) else 2 if label % 10 == 0 else None
        yield (
            name,
            [
                (f"{name}_{7 * i + 3}.JPEG", picture(0, label, i, None if i else odd))
                for i in range(per_class)
            ],
        )


def validation(count: int) -> Iterator[tuple[str, bytes]]:
    """Yield the names and bytes of the first validation pictures."""
    for number in range(1, count + 1):
        odd = number - 1 if number <= len(_ODD) else None
        yield facts.validation_name(number), picture(1, 0, number, odd)


def tar_of(files: Iterable[tuple[str, bytes]]) -> bytes:
    """Make a tar of names and bytes."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for name, data in files:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def synset_table() -> tuple[np.ndarray, dict[str, int]]:
    """Make meta.mat's table, and the classes' numbers from 1, which are not sorted."""
    order = np.random.default_rng([0, 2]).permutation(facts.synsets()).tolist()
    words = dict(zip(facts.synsets(), facts.words_of(facts.synsets()), strict=True))
    kinds = "ILSVRC2012_ID WNID words gloss num_children children wordnet_height"
    fields = [(field, "O") for field in f"{kinds} num_train_images".split()]
    rows = [
        (float(number), name, words[name], "", 0.0, np.zeros((1, 0)), 0.0, 1300.0)
        for number, name in enumerate(order, 1)
    ]
    children = np.array([[1.0, 2.0]])
    rows.append((1001.0, "n00001740", "entity", "", 2.0, children, 1.0, 0.0))
    table = np.array(rows, fields)[:, np.newaxis]
    return table, {name: number for number, name in enumerate(order, 1)}


def devkit() -> bytes:
    """Make the development kit's `.tar.gz`."""
    table, numbers = synset_table()
    meta = io.BytesIO()
    savemat(meta, {"synsets": table})
    # SciPy writes the date into the first 116 bytes.
    stamped = b"MATLAB 5.0 MAT-file".ljust(116) + meta.getvalue()[116:]
    truth = "".join(f"{numbers[name]}\n" for name in facts.validation_synsets())
    files = {
        "readme.txt": b"A twin of ILSVRC-2012's devkit.\n",
        "data/meta.mat": stamped,
        "data/ILSVRC2012_validation_ground_truth.txt": truth.encode(),
    }
    tar = tar_of((f"{_KIT}/{name}", data) for name, data in files.items())
    return gzip.compress(tar, mtime=0)


def write(folder: Path, files: Iterable[tuple[str, bytes | str]]) -> None:
    """Write files, by name, and their folders."""
    for name, data in files:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data if isinstance(data, bytes) else data.encode())


def make_tars(out: Path, per_class: int, count: int) -> None:
    """Write the two tars and the devkit."""
    classes = ((f"{name}.tar", tar_of(files)) for name, files in training(per_class))
    files = {"ILSVRC2012_img_train.tar": tar_of(classes)}
    files["ILSVRC2012_img_val.tar"] = tar_of(validation(count))
    write(out, {**files, f"{_KIT}.tar.gz": devkit()}.items())


def make_form(form: str, out: Path, per_class: int, count: int) -> None:
    """Write the pictures, and the labels, in another layout."""
    pictures = out / "ILSVRC/Data/CLS-LOC" if form == "kaggle" else out
    places = {name: label for label, name in enumerate(facts.synsets())}
    listed, answers, texts = [], [], {}
    for name, files in training(per_class):
        write(pictures / "train" / name, files)
        listed += [f"{name}/{base} {places[name]}\n" for base, _ in files]
    for base, data in validation(count):
        name = facts.validation_synset(base)
        write(pictures / "val" / (name if form == "folders" else ""), [(base, data)])
        answers.append((base, name))
    if form == "flat":
        texts[f"{_KIT}.tar.gz"] = devkit()
    elif form == "lists":
        texts["train.txt"] = "".join(listed)
        texts["val.txt"] = "".join(f"{b} {places[n]}\n" for b, n in answers)
    elif form == "kaggle":
        pairs = zip(facts.synsets(), facts.words_of(facts.synsets()), strict=True)
        texts["LOC_synset_mapping.txt"] = "".join(f"{n} {text}\n" for n, text in pairs)
        rows = (f"{b.removesuffix('.JPEG')},{n} 1 1 50 50 \r\n" for b, n in answers)
        texts["LOC_val_solution.csv"] = "ImageId,PredictionString\r\n" + "".join(rows)
    write(out, texts.items())


def main(
    out: tyro.conf.Positional[Path],
    train_per_class: int = 18,
    val: int = 2000,
    forms: tuple[Literal[*FORMS], ...] = (),
) -> None:
    """Write what the options name."""
    check_count("val", val, most=facts.VALIDATION_COUNT)
    check_count("train_per_class", train_per_class)
    make_tars(out / "tars", train_per_class, val)
    for form in forms:
        make_form(form, out / form, train_per_class, val)


if __name__ == "__main__":
    tyro.cli(main, description=__doc__)
