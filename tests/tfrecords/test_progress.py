from tfrecords import progress


def lines(monkeypatch, capsys, total, updates, resumed=None):
    """Return the lines of updates at given seconds, the last of them at the end."""
    now = 0.0
    monkeypatch.setattr(progress.time, "monotonic", lambda: now)
    with progress.Progress("build", total) as shown:
        if resumed is not None:
            shown.resume(resumed)
        for now, done in updates:  # noqa: B007 (the clock reads it)
            shown.update(done)
    return capsys.readouterr().err.splitlines()


def test_the_time_to_go_leaves_the_start_out(monkeypatch, capsys):
    first, last = lines(monkeypatch, capsys, 1110, [(20, 10), (30, 110), (31, 120)])
    assert first == "build: 110 of 1,110 pictures, 10/s, 100 s left"
    assert last == "build: 120 of 1,110 pictures, 10/s, 99 s left"


def test_what_an_earlier_run_has_finished_is_no_pace(monkeypatch, capsys):
    updates = [(20, 510), (30, 610)]
    first, _ = lines(monkeypatch, capsys, 1110, updates, resumed=500)
    assert first == "build: 610 of 1,110 pictures, 10/s, 50 s left"


def test_one_update_counts_from_the_start(monkeypatch, capsys):
    assert lines(monkeypatch, capsys, 100, [(20, 100)]) == [
        "build: 100 of 100 pictures, 5/s, 0 s left"
    ]
