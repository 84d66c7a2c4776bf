import json

import tfrecords
from tests.tfrecords.verification.conftest import verify


def test_splits_are_counted(leaking):
    report = verify(leaking)
    train, validation = report.splits["train"], report.splits["validation"]
    assert (train.shards, train.records, train.classes) == (2, 14, 2)
    assert train.class_counts == (8, 6) and validation.class_counts == (6, 7)
    assert (train.duplicates, train.leaks) == (2, 1)
    assert (validation.duplicates, validation.leaks) == (0, 1)
    files = leaking.glob("tiny-train*")
    assert train.bytes == sum(path.stat().st_size for path in files)
    document = json.loads(report.to_json())
    assert document["splits"]["train"]["class_counts"] == [8, 6]
    assert (document["duplicates"], document["leaks"]) == (2, 1)


def test_leaks_are_problems_if_asked(leaking):
    assert verify(leaking).ok
    report = tfrecords.verify(leaking, processes=1, progress=False, fail_on_leaks=True)
    assert not report.ok and len(report.problems) == 1
    assert "1 pictures are in more than one split" in report.problems[0]
    assert report.notes and "leak.JPEG" not in "".join(report.notes)
