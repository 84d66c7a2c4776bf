import numpy as np


def test_blocks_are_all_rows_in_order(make_table):
    table, arrays = make_table()
    found = list(table.blocks())
    assert [(rows.start, rows.stop) for rows, _ in found] == [(0, 2), (2, 4), (4, 5)]
    for name, array in arrays.items():
        blocks = [block[name] for _, block in found]
        np.testing.assert_array_equal(np.concatenate(blocks), array)
        assert table.array_shape(name) == array.shape


def test_blocks_of_one_layer_have_more_rows(make_table):
    table, arrays = make_table()
    found = list(table.blocks(["fc7"]))
    assert [rows.stop for rows, _ in found] == [5] and list(found[0][1]) == ["fc7"]
    np.testing.assert_array_equal(found[0][1]["fc7"], arrays["fc7"])
