import io
import pickle
import tracemalloc

import numpy as np
import pytest

from keras_alexnet.weights.fitting import find_misfits, weight_shapes
from keras_alexnet.weights.npy import read
from tests import small
from tests.keras_alexnet.weights import pickles
from tfrecords.errors import UserError

PRESET = small.preset("caffe_alexnet")


@pytest.fixture(scope="module")
def layers():
    generator = np.random.default_rng(0)
    arrays = {
        name: generator.normal(size=shape).astype("float32")
        for name, shape in weight_shapes(PRESET, 5).items()
    }
    names = dict.fromkeys(name.split(".")[0] for name in arrays)
    return {n: [arrays[f"{n}.kernel"], arrays[f"{n}.bias"]] for n in names}


def saved(thing):
    buffer = io.BytesIO()
    np.save(buffer, thing, allow_pickle=True)
    return buffer.getvalue()


HEADER = saved({})[: saved({}).index(b"\n") + 1]


def python_two(layers):
    """What NumPy of Python 2 wrote: protocol 2, and byte strings for the numbers."""

    def text(value):
        return b"U" + bytes([len(value)]) + value

    def kind(name, order):
        return (
            b"cnumpy\ndtype\n"
            + text(name)
            + b"K\x00K\x01\x87R(K\x03"
            + text(order)
            + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
        )

    def array(state):
        made = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85"
        return made + text(b"b") + b"\x87R(K\x01" + state + b"tb"

    def numbers(a):
        shape = b"(" + b"".join(b"M" + n.to_bytes(2, "little") for n in a.shape) + b"t"
        raw = a.tobytes()
        data = b"T" + len(raw).to_bytes(4, "little") + raw
        return array(shape + kind(b"f4", b"<") + b"\x89" + data)

    items = b"".join(
        text(name.encode()) + b"]" + b"".join(numbers(a) + b"a" for a in pair) + b"s"
        for name, pair in layers.items()
    )
    whole = array(b")" + kind(b"O8", b"|") + b"\x89]}" + items + b"a")
    return HEADER + b"\x80\x02" + whole + b"."


@pytest.mark.parametrize("form", [saved, python_two])
def test_files_of_any_python_give_the_same_bits(file, layers, form):
    found = read(file(form(layers)))
    assert found.presets == ("caffe_alexnet", "caffenet") and not found.certain
    assert not find_misfits(found, PRESET)
    first, last = layers["conv1"][0], layers["fc8"]
    np.testing.assert_array_equal(found.arrays["conv1.kernel"], first[:, :, ::-1])
    np.testing.assert_array_equal(found.arrays["fc8.kernel"], last[0])
    np.testing.assert_array_equal(found.arrays["fc8.bias"], last[1])


def test_named_parts_columns_first_and_other_widths(file, layers):
    named = {n: {"weights": w, "biases": b} for n, (w, b) in layers.items()}
    named["fc7"]["weights"] = np.asfortranarray(named["fc7"]["weights"], "float64")
    found = read(file(saved(named)))
    assert not find_misfits(found, PRESET)
    np.testing.assert_array_equal(found.arrays["fc7.kernel"], layers["fc7"][0])


CASES = [*pickles.hostile("x")]


@pytest.mark.parametrize("case", CASES)
def test_hostile_files_are_refused_before_harm(file, tmp_path, case):
    trace = tmp_path / "trace"
    path = file(HEADER + pickles.hostile(trace)[case])
    tracemalloc.start()
    try:
        with pytest.raises(UserError) as error:
            read(path)
        assert tracemalloc.get_traced_memory()[1] < 64e6
    finally:
        tracemalloc.stop()
    assert "\n" not in str(error.value) and not trace.exists()


def state(shape, data, kind=b"f4"):
    """An array with a state of one's own."""
    made = (
        b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R"
    )
    dtype = b"cnumpy\ndtype\nU\x02" + kind + b"K\x00K\x01\x87R"
    content = b"(K\x01" + shape + dtype + b"\x89" + data + b"tb"
    return b"\x80\x02" + made + content + b"."


FOUR = b"U\x04abcd"
BIG = b"\x8a\x08" + b"\0" * 7 + b"\x10"  # 2^60


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (state(b"K\x01\x85", FOUR), "Expected a dictionary"),  # a good array alone
        (state(b"K\x02\x85", FOUR), "more or fewer numbers"),
        (state(BIG + BIG + b"\x86", FOUR), "more or fewer numbers"),
        (state(b"J\xff\xff\xff\xff\x85", FOUR), "a shape that is none"),
        (state(b"]", FOUR), "no shape"),
        (state(b"K\x01\x85", b"K\x07"), "no numbers"),
        (state(b"K\x01\x85", b"]K\x01a", b"O8"), "an array of objects"),
        (state(b"K\x01\x85", FOUR, b"V4"), "array of 'V4'"),
        (pickle.dumps([1], 2), "found a list"),
        (pickle.dumps({3: []}, 2), "Expected a dictionary"),
        (pickle.dumps({"conv1": "text"}, 2), "found a str"),
        (pickle.dumps({"conv1": ["text"]}, 2), "arrays of numbers of 'conv1'"),
    ],
)
def test_what_is_not_a_dictionary_of_arrays_is_refused(file, data, reason):
    with pytest.raises(UserError, match=reason) as error:
        read(file(HEADER + data))
    assert "\n" not in str(error.value)


def test_a_piece_of_a_file_is_not_made_many_arrays(file):
    raw = b"\x80\x02T" + (10**6).to_bytes(4, "little") + bytes(10**6) + b"q\x00"
    one = state(b"J" + (10**6 // 4).to_bytes(4, "little") + b"\x85", b"h\x00")[2:-1]
    with pytest.raises(UserError, match="more bytes than the file"):
        read(file(HEADER + raw + one * 100 + b"."))


@pytest.mark.parametrize("part", [0.001, 0.5, 0.99])
def test_a_truncated_file_is_refused(file, layers, part):
    data = saved(layers)
    with pytest.raises(UserError):
        read(file(data[: int(len(data) * part)]))


def test_arrays_without_a_dictionary_are_refused(file):
    with pytest.raises(UserError, match=r"found an array \(3,\) of float32"):
        read(file(saved(np.ones(3, "f"))))
    with pytest.raises(UserError, match=r"found an array \(2,\) of object"):
        read(file(saved(np.array([{}, {}], object))))
