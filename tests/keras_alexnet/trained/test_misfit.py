from keras_alexnet.trained.misfit import Misfit, print_misfits, shape_misfits


def test_what_is_missing_other_or_left_over_has_a_row_and_nothing_else():
    expected = {"a": (1, 2), "b": (3,), "c": (), "d": (4,)}
    received = {"e": (5,), "d": (4,), "b": (3, 1), "c": ()}
    assert shape_misfits(expected, received) == [
        ("a", "(1, 2)", "nothing"),
        ("b", "(3,)", "(3, 1)"),
        ("e", "nothing", "(5,)"),
    ]
    assert not shape_misfits(expected, expected)


def test_they_are_printed_as_they_are(capsys):
    print_misfits([Misfit("[red]fc8", "(3,)", "nothing")])
    assert "[red]fc8" in capsys.readouterr().out
