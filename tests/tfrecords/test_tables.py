import io

from tfrecords.tables import Console, Table


def printed(thing):
    file = io.StringIO()
    Console(file=file, width=60).print(thing)
    return file.getvalue()


def test_markup_emoji_and_highlights_stay_text():
    text = "[red]a[/b] :smile: 12 'x'"
    assert printed(text) == f"{text}\n"


def test_a_row_shows_what_its_cells_hold_in_one_line():
    table = Table()
    table.add_column("name")
    table.add_column("count")
    table.add_row("a\nb\x1b[31m", 7)
    lines = printed(table).splitlines()
    (row,) = [line for line in lines if "7" in line]
    assert r"a\nb\x1b[31m" in row
