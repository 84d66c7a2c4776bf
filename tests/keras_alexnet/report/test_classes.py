from keras_alexnet.report.classes import classes_section, confusion_section


def test_rows_are_those_of_evaluate_worst_first(measured):
    runs, data = measured
    found = classes_section(runs[:1], data)
    expected = {row["class"]: row for row in runs[0].best.classes()}
    assert {row["class"] for row in found["rows"]} == {*expected}
    for row in found["rows"]:
        one = expected[row["class"]]
        assert row["errors"] == [one["top1_error"]] and row["images"] == one["images"]
        assert row["interval"] == one["top1_interval"]
        assert row["taken_for"] == one["taken_for"] and row["times"] == one["times"]
        label = data.manifest.labels.index(row["class"])
        assert row["learnt"] == data.manifest.class_counts["train"][label]
    errors = [row["errors"][0] for row in found["rows"]]
    assert errors == sorted(errors, reverse=True) and not found["has_words"]


def test_of_several_the_largest_difference_comes_first(measured):
    found = classes_section(*measured)
    assert found["runs"] == ["run", "second"]
    spreads = [abs(a - b) for a, b in (row["errors"] for row in found["rows"])]
    assert spreads == [row["spread"] for row in found["rows"]]
    assert spreads == sorted(spreads, reverse=True) and spreads[0] > 0


def test_pairs_and_matrix_count_the_wrong_guesses(measured):
    (_, run), data = measured
    found = confusion_section(run, data)
    counts = run.best.confusion
    matrix = found["matrix"]
    assert [[each["times"] for each in row] for row in matrix] == counts.tolist()
    for row, times in zip(matrix, counts, strict=True):
        shares = [each["share"] for each in row]
        assert shares == (times / times.sum()).tolist()
    wrong = counts.sum() - counts.trace()
    assert sum(pair["times"] for pair in found["pairs"]) == wrong > 0


def test_a_matrix_that_nobody_could_read_is_left_out(measured, monkeypatch):
    (run, _), data = measured
    monkeypatch.setattr("keras_alexnet.report.classes.MOST_CONFUSION", 2)
    assert confusion_section(run, data)["matrix"] is None
