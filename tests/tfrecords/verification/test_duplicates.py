import shutil

import numpy as np

import tfrecords
from tests.tfrecords.conftest import write_tree
from tests.tfrecords.verification.conftest import OPTIONS, verify
from tfrecords import Manifest
from tfrecords.verification.duplicates import find_duplicates
from tfrecords.verification.shard_check import Finding


def test_repeated_and_leaking_pictures_are_reported(tmp_path):
    root = write_tree(tmp_path / "in")
    cat = root / "train" / "cat"
    shutil.copy(cat / "0.JPEG", cat / "again.JPEG")
    shutil.copy(cat / "1.JPEG", root / "val" / "n01440764" / "leak.JPEG")
    tfrecords.build(root, tmp_path / "out", **OPTIONS)
    report = verify(tmp_path / "out")
    assert report.ok
    assert (report.duplicates, report.leaks) == (1, 1)
    notes = "\n".join(report.notes)
    assert "train:train/cat/0.JPEG = train:train/cat/again.JPEG" in notes
    assert "train:train/cat/1.JPEG = validation:val/n01440764/leak.JPEG" in notes
    assert Manifest.load(tmp_path / "out").count("train") == 13


def test_digests_of_many_shards_are_compared_like_sets():
    generator = np.random.default_rng(7)
    contents = generator.integers(0, 400, 900)
    findings, groups = [], {}
    for shard, part in enumerate(np.split(contents, [100, 350, 600])):
        split = "train" if shard < 2 else "validation"
        # Equal first halves, different second ones, must not count as equal.
        digests = np.stack([part // 2, part], axis=1).astype(np.uint64)
        records = np.arange(len(part), dtype=np.uint32)
        finding = Finding(split, str(shard), np.zeros(1), None, None, digests, records)
        findings.append(finding)
        for content in part.tolist():
            groups.setdefault(content, []).append(split)
    found = find_duplicates(findings, ("train", "validation"))
    for split in ("train", "validation"):
        times = [group.count(split) for group in groups.values()]
        assert found.within[split] == sum(n - 1 for n in times if n)
    leaking = [group for group in groups.values() if len(set(group)) == 2]
    assert found.leaks == len(leaking) > 10
    assert found.across["train"] == sum(group.count("train") for group in leaking)
    for first, second in found.leaked_examples:
        assert (findings[first.shard].split, findings[second.shard].split) == (
            "train",
            "validation",
        )
        values = [findings[p.shard].digests[p.record, 1] for p in (first, second)]
        assert values[0] == values[1]
