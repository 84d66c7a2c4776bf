import tracemalloc

import numpy as np
import pytest

from keras_alexnet.weights.torch import read
from keras_alexnet.weights.torch_tensors import Tensor, read_torch
from tests.keras_alexnet.weights import pickles, torch_writer
from tests.keras_alexnet.weights.torch_writer import state_dict, storage, tensor
from tfrecords.errors import UserError

FORMS = {"zip": torch_writer.write_zip, "old": torch_writer.write_old}
DATA = np.arange(4, dtype="<f4")


@pytest.fixture(params=FORMS)
def write(request, tmp_path):
    def write_it(pickled, **options):
        return FORMS[request.param](tmp_path / "x.pth", pickled, **options)

    return write_it


def numbers(path):
    thing, bytes_of = read_torch(path)
    return {name: tensor.of(bytes_of(tensor.storage)) for name, tensor in thing.items()}


def test_tensors_are_where_their_strides_say(write):
    pickled = state_dict(
        plain=tensor(),
        turned=tensor(strides=(1, 2)),
        row=tensor(offset=1, shape=(3,), strides=(1,)),
        same=tensor(shape=(4,), strides=(0,)),
        empty=tensor(shape=(0, 2)),
        one=tensor(offset=3, shape=(), strides=()),
    )
    found = numbers(write(pickled, data=DATA.tobytes()))
    assert found["plain"].tolist() == [[0, 1], [2, 3]]
    assert found["turned"].tolist() == [[0, 2], [1, 3]]
    assert found["row"].tolist() == [1, 2, 3] and found["same"].tolist() == [0] * 4
    assert found["empty"].shape == (0, 2) and found["one"].item() == 3


@pytest.mark.parametrize(
    ("kind", "code", "values"),
    [
        ("DoubleStorage", "<f8", [1.5, -2.0, 1e-300, 3.0]),
        ("HalfStorage", "<f2", [1.5, -2.0, 0.25, 3.0]),
        ("LongStorage", "<i8", [1, -2, 2**40, 3]),
        ("ByteStorage", "u1", [1, 2, 255, 3]),
    ],
)
def test_numbers_of_every_kind(write, kind, code, values):
    pickled = state_dict(a=tensor(storage(kind=kind)))
    found = numbers(write(pickled, data=np.array(values, code).tobytes()))["a"]
    assert found.ravel().tolist() == values


def test_bfloat16_is_the_upper_half_of_float32(write):
    pickled = state_dict(a=tensor(storage(kind="BFloat16Storage")))
    values = np.array([1.5, -2, 2.0**100, 0.15625], "<f4")
    found = numbers(write(pickled, data=values.view("<u2")[1::2].tobytes()))["a"]
    np.testing.assert_array_equal(found.ravel(), values)


ODD = {
    "larger than storage": tensor(shape=(3, 2)),
    "beyond the end": tensor(offset=1),
    "stride beyond": tensor(strides=(3, 1)),
    "stride of nothing": tensor(shape=(2**30, 2**10), strides=(0, 0)),
    "negative offset": tensor(offset=-1),
    "negative side": tensor(shape=(-2, 2)),
    "negative stride": tensor(strides=(-1, 1)),
    "other length": tensor(strides=(1,)),
    "huge side": tensor(shape=(2**60, 0)),
    "huge storage": tensor(storage(count=2**50)),
    "negative storage": tensor(storage(count=-1)),
    "key that is a path": tensor(storage(key="../0")),
    "no storage": tensor(place=b"N"),
    "view of a storage": tensor(storage(more=b"K\x01")),
    "unknown storage": tensor(storage(kind="BoolStorage")),
    "parameter of nothing": b"ctorch._utils\n_rebuild_parameter\nN\x88}\x87R",
    "filled dictionary": b"ccollections\nOrderedDict\n]\x85R",
}


@pytest.mark.parametrize("case", ODD)
def test_a_tensor_that_reaches_out_of_its_storage_is_refused(write, case):
    path = write(state_dict(a=ODD[case]))
    tracemalloc.start()
    with pytest.raises(UserError, match="Nothing in it was run") as error:
        read_torch(path)
    assert tracemalloc.get_traced_memory()[1] < 64e6
    tracemalloc.stop()
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("case", [*pickles.hostile("x")])
def test_hostile_pickles_are_refused(write, tmp_path, case):
    trace = tmp_path / "trace"
    path = write(pickles.hostile(trace)[case])
    with pytest.raises(UserError) as error:
        read(path)
    assert "\n" not in str(error.value) and not trace.exists()


def test_a_storage_of_another_length_is_refused(tmp_path):
    pickled = state_dict(a=tensor())
    for data in (bytes(15), bytes(17)):
        path = torch_writer.write_zip(tmp_path / "x.pth", pickled, data=data)
        thing, bytes_of = read_torch(path)
        assert type(thing["a"]) is Tensor
        with pytest.raises(UserError):
            bytes_of(thing["a"].storage)
    with pytest.raises(UserError, match="not as the pickle says"):
        read_torch(torch_writer.write_old(tmp_path / "x.pth", pickled, count=5))


@pytest.mark.parametrize(
    ("entries", "reason"),
    [
        ({"constants.pkl": b""}, "TorchScript"),
        ({"byteorder": b"big"}, "little-endian"),
        ({"more/data.pkl": b""}, "found 2 of data.pkl"),
        ({"../../x": b""}, "the name 'net/../../x'"),
    ],
)
def test_other_zip_files_are_refused(tmp_path, entries, reason):
    path = tmp_path / "x.pth"
    torch_writer.write_zip(path, state_dict(a=tensor()), **entries)
    with pytest.raises(UserError, match=reason):
        read_torch(path)


@pytest.mark.parametrize("part", [0.2, 0.5, 0.8, 0.99])
def test_a_truncated_file_is_refused(write, part):
    path = write(state_dict(a=tensor()))
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * part)])
    with pytest.raises(UserError) as error:
        read_torch(path)
    assert "\n" not in str(error.value)
