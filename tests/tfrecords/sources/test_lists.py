import pytest

from tests.tfrecords.conftest import fill
from tests.tfrecords.sources.conftest import changed, replace_text
from tfrecords import DatasetError
from tfrecords.sources import open_source


def write(root, **files):
    for name, text in files.items():
        (root / f"{name}.txt").write_text(text)
    return root


def labelled(source):
    return {s.key: (source.labels[s.label], s.split) for s in source.samples}


def test_numbers_are_converted_to_the_order_of_the_folders(tmp_path):
    fill(tmp_path, "train/dog/1.jpg", "train/cat/1.jpg", "val/a b.jpg", "val/2.jpg")
    write(tmp_path, train="dog/1.jpg 0\n\ncat/1.jpg 1\n", val="a b.jpg 0\n./2.jpg\t1\n")
    (tmp_path / "val.txt").write_text("a b.jpg 0\n./2.jpg 1\n")
    source = open_source(tmp_path)
    assert (source.kind, source.labels) == ("list", ("cat", "dog"))
    assert source.label_order == "numbers of train.txt, converted to sorted_name"
    assert labelled(source) == {
        "train/cat/1.jpg": ("cat", "train"),
        "train/dog/1.jpg": ("dog", "train"),
        "val/2.jpg": ("cat", "validation"),
        "val/a b.jpg": ("dog", "validation"),
    }
    assert {s.key: s.origin.read() for s in source.samples} == dict.fromkeys(
        labelled(source), b"x"
    )
    assert open_source(tmp_path / "train.txt") == source


def test_numbers_without_folders_are_names(tmp_path):
    names = [f"p{i}.jpg" for i in range(12)]
    fill(tmp_path, *names)
    write(tmp_path, train="".join(f"{n} {i}\n" for i, n in enumerate(names)))
    source = open_source(tmp_path)
    assert source.labels == tuple(str(i) for i in range(12))
    assert (source.label_order, source.validation_fraction) == ("numbers", 0.1)
    assert all(s.key == f"p{s.label}.jpg" for s in source.samples)


def test_a_listed_picture_that_is_missing_is_kept_for_the_build_to_reject(tmp_path):
    fill(tmp_path, "a/1.jpg", "b/1.jpg")
    write(tmp_path, train="a/1.jpg 0\na/gone.jpg 0\nb/1.jpg 1\n")
    source = open_source(tmp_path)
    assert {s.key: s.size for s in source.samples}["a/gone.jpg"] == 0


def test_a_validation_list_completes_class_folders(tmp_path):
    fill(tmp_path, "train/b/1.jpg", "train/a/1.jpg", "val/1.jpg", "val/2.jpg")
    (tmp_path / "val" / "val_map.txt").write_text("1.jpg 1\n2.jpg 0\n")
    source = open_source(tmp_path)
    assert source.kind == "list"
    assert labelled(source)["val/1.jpg"] == ("b", "validation")
    assert labelled(source)["train/a/1.jpg"] == ("a", "train")


def test_class_folders_with_a_stray_text_file_stay_class_folders(tmp_path):
    fill(tmp_path, "train/a/1.jpg", "val/a/1.jpg")
    write(tmp_path, train="these are the pictures\n", val="a/1.jpg 0\n")
    assert open_source(tmp_path).kind == "folder"


@pytest.mark.parametrize(
    ("train", "val", "words"),
    [
        ("a.jpg 0\nb.jpg one\n", "", "line 2 of .*train.txt"),
        ("a.jpg 0\n../b.jpg 1\n", "", "line 2 of .*train.txt"),
        ("a.jpg 0\n/b.jpg 1\n", "", "line 2 of .*train.txt"),
        ("a.jpg 0\n5\n", "", "line 2 of .*train.txt"),
        ("a.jpg 0\nb.jpg 2\n", "", "found 2 but no 1"),
        ("a.jpg 0\na.jpg 1\n", "", "a.jpg twice"),
        ("c.jpg 0\nd.jpg 1\n", "", "c.jpg is in neither"),
        ("k/a.jpg 0\nm/b.jpg 1\n", "a.jpg 7\n", r"found 7 \(a.jpg\)"),
    ],
)
def test_wrong_lists_are_one_clear_line(tmp_path, train, val, words):
    fill(tmp_path, "a.jpg", "b.jpg", "k/a.jpg", "m/b.jpg")
    write(tmp_path, train=train, val=val)
    with pytest.raises(DatasetError, match=words) as caught:
        open_source(tmp_path)
    assert "\n" not in str(caught.value)


def test_a_list_in_another_label_order_is_an_error(forms, tmp_path):
    lists = changed(forms, "lists", tmp_path)
    first = (forms / "lists/val.txt").read_text().splitlines()[0]
    name, _, number = first.partition(" ")
    replace_text(lists / "val.txt", first, f"{name} {(int(number) + 1) % 1000}")
    with pytest.raises(DatasetError, match=f"val.txt puts {name} into"):
        open_source(lists)
