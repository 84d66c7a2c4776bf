import dataclasses
import json

from keras_alexnet.report.dataset_card import dataset_card


def test_the_card_is_what_the_manifest_says(measured):
    _, data = measured
    found = dataset_card(data)
    manifest = data.manifest
    assert found["name"] == "small"
    counts = {each["name"]: each["count"] for each in found["splits"]}
    assert counts == {"train": 36, "validation": 12}
    for place, each in enumerate(found["classes"]):
        assert each["label"] == manifest.labels[place]
        assert each["counts"] == [
            manifest.class_counts[split][place] for split in manifest.splits
        ]
    assert found["facts"]["source"] == "tree" and found["facts"]["size"] == "72"
    assert found["facts"]["pictures"] == "72 x 72 pixels"
    assert found["facts"]["fingerprint"] == manifest.fingerprint


def test_why_pictures_were_rejected_is_counted(measured, tmp_path):
    _, data = measured
    broken = dataclasses.replace(data, folder=tmp_path)
    assert dataset_card(broken)["reasons"] == []
    rows = [{"reason": reason} for reason in ("truncated", "empty", "truncated")]
    path = tmp_path / "rejected.jsonl"
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    assert dataset_card(broken)["reasons"] == [("truncated", 2), ("empty", 1)]
    path.write_text("{")
    assert dataset_card(broken)["reasons"] == []
