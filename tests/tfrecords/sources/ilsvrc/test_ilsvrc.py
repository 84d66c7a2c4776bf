import io
import shutil
import tarfile
from pathlib import Path

import pytest

from scripts import make_ilsvrc_twin as twin
from tfrecords import DatasetError, build
from tfrecords.sources import open_source
from tfrecords.sources.ilsvrc import facts

KINDS = {
    "tars": "tar",
    "folders": "folder",
    "flat": "flat",
    "kaggle": "kaggle",
    "lists": "list",
}
SIZES = (0, 1, 30)  # seed, training pictures of each class, validation pictures


@pytest.fixture(scope="session")
def forms(tmp_path_factory) -> Path:
    """A small twin of ILSVRC-2012 in all layouts."""
    root = tmp_path_factory.mktemp("twin")
    twin.make_tars(root / "tars", *SIZES)
    for form in twin.FORMS:
        twin.make_form(form, root / form, *SIZES)
    return root


def changed(forms, form, tmp_path):
    """Copy a form with links, to change a file of it."""
    copy = tmp_path / form
    shutil.copytree(
        forms / form, copy, copy_function=lambda a, b: Path(b).symlink_to(a)
    )
    return copy


def replace_text(path, old, new):
    text = path.read_text()
    assert old in text
    path.unlink()
    path.write_text(text.replace(old, new, 1))


def test_every_layout_lists_the_same_pictures(forms):
    listings = {}
    for form, kind in KINDS.items():
        source = open_source(forms / form)
        assert (source.kind, source.name) == (kind, "imagenet2012")
        assert source.labels == facts.synsets()
        assert source.words[0] == "tench, Tinca tinca"
        assert source.validation_fraction == 0
        assert any("here are 1,000 and 30" in note for note in source.notes)
        listings[form] = [
            (s.key, s.label, s.split, s.size, s.origin.read()) for s in source.samples
        ]
    for form in KINDS:
        assert listings[form] == listings["folders"]


def test_the_answers_are_those_of_the_packages(forms):
    source = open_source(forms / "tars")
    found = [s for s in source.samples if s.split == "validation"]
    assert len(found) == SIZES[2]
    for number, sample in enumerate(found, 1):
        assert sample.key == f"val/ILSVRC2012_val_{number:08d}.JPEG"
        expected = facts.validation_synsets()[number - 1]
        assert source.labels[sample.label] == expected


def test_every_layout_gives_the_same_shard_bytes(forms, tmp_path):
    answers = facts.validation_synsets()[: SIZES[2]]
    classes = sorted({*answers, *facts.synsets()[:4]})
    shards = {}
    for form in KINDS:
        out = tmp_path / form
        options = {"classes": classes, "limit": 20, "seed": 5, "shards": 2}
        build(forms / form, out, **options, processes=1, progress=False)
        shards[form] = {path.name: path.read_bytes() for path in out.glob("*tfrecord*")}
        assert len(shards[form]) == 4
        assert facts.words_of(classes)[0].encode() in b"".join(
            path.read_bytes() for path in out.glob("*.json")
        )
    for form in KINDS:
        assert shards[form] == shards["folders"]


def test_the_order_of_the_devkit_is_recorded(forms, tmp_path):
    converted = "devkit ids, converted to sorted_wnid"
    assert open_source(forms / "tars").label_order == converted
    assert open_source(forms / "folders").label_order == "sorted_wnid"
    flat = changed(forms, "flat", tmp_path)
    with tarfile.open(flat / "ILSVRC2012_devkit_t12.tar.gz") as tar:
        tar.extractall(flat, filter="data")
    (flat / "ILSVRC2012_devkit_t12.tar.gz").unlink()
    source = open_source(flat)
    assert source.label_order == converted
    assert source.ignored == ()
    shutil.rmtree(flat / "ILSVRC2012_devkit_t12")
    assert open_source(flat).label_order == "sorted_wnid"
    assert open_source(flat).samples == source.samples


def test_the_devkit_of_the_twin_is_in_an_order_of_its_own():
    _, numbers = twin.synset_table(0)
    assert sorted(numbers.values()) == list(range(1, 1001))
    assert sorted(numbers, key=numbers.get) != sorted(numbers)


def test_a_devkit_that_disagrees_is_an_error_that_names_a_picture(forms, tmp_path):
    flat = changed(forms, "flat", tmp_path)
    with tarfile.open(flat / "ILSVRC2012_devkit_t12.tar.gz") as tar:
        tar.extractall(flat, filter="data")
    (flat / "ILSVRC2012_devkit_t12.tar.gz").unlink()
    truth = flat / "ILSVRC2012_devkit_t12/data/ILSVRC2012_validation_ground_truth.txt"
    lines = truth.read_text().split()
    lines[6] = lines[7] if lines[6] != lines[7] else lines[8]
    truth.write_text("\n".join(lines))
    with pytest.raises(DatasetError, match="ILSVRC2012_val_00000007.JPEG into"):
        open_source(flat)
    truth.write_text("\n".join(lines[:-1]))
    with pytest.raises(DatasetError, match="50,000 lines"):
        open_source(flat)
    (truth.parent / "meta.mat").write_bytes(b"no table")
    with pytest.raises(DatasetError, match="Cannot read the devkit"):
        open_source(flat)


def test_a_damaged_devkit_is_one_clear_line(forms, tmp_path):
    tars = changed(forms, "tars", tmp_path)
    kit = tars / "ILSVRC2012_devkit_t12.tar.gz"
    data = kit.read_bytes()
    kit.unlink()
    for bad in (data[: len(data) // 2], b"", b"x" * 2000):
        kit.write_bytes(bad)
        with pytest.raises(DatasetError, match="Cannot read the devkit") as caught:
            open_source(tars)
        assert "\n" not in str(caught.value)


def test_a_list_in_another_label_order_is_an_error(forms, tmp_path):
    lists = changed(forms, "lists", tmp_path)
    first = (forms / "lists/val.txt").read_text().splitlines()[0]
    name, _, number = first.partition(" ")
    replace_text(lists / "val.txt", first, f"{name} {(int(number) + 1) % 1000}")
    with pytest.raises(DatasetError, match=f"val.txt puts {name} into"):
        open_source(lists)


def test_a_kaggle_table_that_disagrees_is_an_error(forms, tmp_path):
    kaggle = changed(forms, "kaggle", tmp_path)
    answer = facts.validation_synsets()[0]
    other = facts.synsets()[facts.synsets().index(answer) - 1]
    replace_text(kaggle / "LOC_val_solution.csv", answer, other)
    with pytest.raises(DatasetError, match="ILSVRC2012_val_00000001.JPEG into"):
        open_source(kaggle)


def test_a_validation_picture_in_a_wrong_class_folder_is_an_error(forms, tmp_path):
    folders = changed(forms, "folders", tmp_path)
    answer = facts.validation_synsets()[0]
    other = next(path for path in (folders / "val").iterdir() if path.name != answer)
    name = "ILSVRC2012_val_00000001.JPEG"
    (folders / "val" / answer / name).rename(other / name)
    if not list((folders / "val" / answer).iterdir()):
        (folders / "val" / answer).rmdir()
    with pytest.raises(DatasetError, match=f"puts {name} into {other.name}"):
        open_source(folders)


def test_kaggles_test_pictures_are_passed_over_with_a_reason(forms, tmp_path):
    kaggle = changed(forms, "kaggle", tmp_path)
    pictures = kaggle / "ILSVRC/Data/CLS-LOC"
    (pictures / "test").mkdir()
    (pictures / "test/ILSVRC2012_test_00000001.JPEG").write_bytes(b"x")
    (pictures / "val/stray.txt").write_bytes(b"x")
    reasons = {i.file: i.reason for i in open_source(kaggle).ignored}
    assert reasons == {
        "test/": "it has no labels",
        "val/stray.txt": "not named as a validation picture of ILSVRC-2012",
    }
    assert open_source(kaggle / "ILSVRC").samples == open_source(kaggle).samples


def test_a_missing_tar_is_named(forms, tmp_path):
    tars = changed(forms, "tars", tmp_path)
    (tars / "ILSVRC2012_img_val.tar").unlink()
    with pytest.raises(DatasetError, match="ILSVRC2012_img_val.tar is missing"):
        open_source(tars)
    train = open_source(tars / "ILSVRC2012_img_train.tar")
    assert {sample.split for sample in train.samples} == {None}
    assert train.validation_fraction == 0.1
    with pytest.raises(DatasetError, match="training pictures"):
        open_source(forms / "tars/ILSVRC2012_img_val.tar")


def test_foreign_members_of_the_tars_are_listed(tmp_path):
    inner = twin.tar_of([("n01440764_1.JPEG", b"x"), ("._n01440764_1.JPEG", b"x")])
    files = [("n01440764.tar", inner), ("readme.txt", b"x")]
    (tmp_path / "ILSVRC2012_img_train.tar").write_bytes(twin.tar_of(files))
    number = facts.validation_synsets().index("n01440764") + 1
    other = number % 50_000 + 1
    files = [(facts.validation_name(n), b"x") for n in (number, other)]
    (tmp_path / "ILSVRC2012_img_val.tar").write_bytes(twin.tar_of(files))
    (tmp_path / "ILSVRC2012_img_test_v10102019.tar").write_bytes(b"x")
    source = open_source(tmp_path)
    assert len(source.samples) == 2
    assert len(source.notes) == 2
    other_class = facts.validation_synsets()[other - 1]
    assert {i.file: i.reason for i in source.ignored} == {
        "ILSVRC2012_img_test_v10102019.tar": "it has no labels",
        "ILSVRC2012_img_train.tar/readme.txt": "not a class's tar",
        "ILSVRC2012_img_train.tar/train/n01440764/._n01440764_1.JPEG": (
            "of the operating system"
        ),
        facts.validation_name(other): f"its class {other_class} is not in train",
    }


def test_a_validation_number_beyond_the_last_is_an_error(tmp_path):
    inner = twin.tar_of([("n01440764_1.JPEG", b"x")])
    (tmp_path / "ILSVRC2012_img_train.tar").write_bytes(
        twin.tar_of([("n01440764.tar", inner)])
    )
    beyond = [("ILSVRC2012_val_00050001.JPEG", b"x")]
    (tmp_path / "ILSVRC2012_img_val.tar").write_bytes(twin.tar_of(beyond))
    with pytest.raises(DatasetError, match="00050001"):
        open_source(tmp_path)


def test_the_packages_are_checked_against_each_other(monkeypatch):
    assert len(facts.synsets()) == 1000
    assert list(facts.synsets()) == sorted(facts.synsets())
    assert len(facts.validation_synsets()) == 50_000
    swapped = list(facts.synsets())
    swapped[3], swapped[4] = swapped[4], swapped[3]
    monkeypatch.setattr(facts, "synsets", lambda: tuple(swapped))
    with pytest.raises(DatasetError, match="disagree on ILSVRC2012_val_"):
        facts.validation_synsets.__wrapped__()


def test_the_validation_labels_are_balanced_and_begin_as_published():
    answers = facts.validation_synsets()
    assert {answers.count(name) for name in facts.synsets()[::100]} == {50}
    # The first lines of Caffe's val.txt: 65, 970, 230, 809, 516.
    labels = [facts.synsets().index(name) for name in answers[:5]]
    assert labels == [65, 970, 230, 809, 516]


def test_the_twin_is_the_same_every_time_and_has_the_odd_kinds(forms, tmp_path):
    twin.make_tars(tmp_path / "again", *SIZES)
    for path in (forms / "tars").iterdir():
        assert (tmp_path / "again" / path.name).read_bytes() == path.read_bytes()
    assert twin.picture(0, 0, 1, 0, 1).startswith(b"\x89PNG")
    from PIL import Image

    modes = [
        Image.open(io.BytesIO(twin.picture(0, 0, 0, 0, k))).mode for k in (0, 2, None)
    ]
    assert modes == ["CMYK", "L", "RGB"]
