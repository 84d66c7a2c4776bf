from tfrecords.building.timings import timing_lines
from tfrecords.stopwatch import Seconds


def test_the_table_has_phases_sums_and_shares():
    parent = {"scan": Seconds(2, 0.5), "rest": Seconds(10, 0.25)}
    workers = {"decode": Seconds(30, 20), "encode": Seconds(10, 10)}
    head, *rows, share = timing_lines(parent, workers, 1000)
    assert head.split("  ")[-1].strip() == "ms a picture"
    assert [row.split() for row in rows] == [
        ["parent", "scan", "2.000", "0.500", "0.500"],
        ["parent", "rest", "10.000", "0.250", "0.250"],
        ["parent", "all", "12.000", "0.750", "0.750"],
        ["workers", "decode", "30.000", "20.000", "20.000"],
        ["workers", "encode", "10.000", "10.000", "10.000"],
        ["workers", "all", "40.000", "30.000", "30.000"],
    ]
    assert share == "The parent's processor time is 2.5% of the workers'."


def test_a_build_that_wrote_nothing_has_no_workers():
    lines = [*timing_lines({"scan": Seconds(1, 1)}, {}, 0)]
    assert lines[-1].split() == ["workers", "all", "0.000", "0.000", "0.000"]
