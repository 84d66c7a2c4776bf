import io
import tarfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tfrecords import DatasetError
from tfrecords.sources.ilsvrc.tar_headers import Member, TarHeaders
from tfrecords.sources.sample import RangeOrigin

FILES = {f"n01440764_{i}.JPEG": bytes([i]) * (100 * i) for i in range(1, 5)}


def packed(files=FILES, extra=(), **options):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", **options) as tar:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
        for name, kind, target in extra:
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, target
            tar.addfile(info)
    return buffer.getvalue()


def listed(path, within=None):
    tar = TarHeaders(path, within)
    members = list(tar.members())
    return members, tar.ignored


def contents(path, members):
    return {m.name: RangeOrigin(str(path), m.offset, m.size).read() for m in members}


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, 2])
def test_members_are_where_they_are_said_to_be(tmp_path, form):
    files = {**FILES, "./dir/" + "long" * 60 + ".JPEG": b"far", "empty": b""}
    if form == tarfile.USTAR_FORMAT:
        files.pop("./dir/" + "long" * 60 + ".JPEG")
    path = tmp_path / "a.tar"
    path.write_bytes(packed(files, format=form))
    members, ignored = listed(path)
    expected = {name.removeprefix("./"): data for name, data in files.items()}
    assert contents(path, members) == expected
    assert ignored == []


def test_a_tar_in_a_tar_is_read_where_it_lies(tmp_path):
    path = tmp_path / "outer.tar"
    other = {"z": b"not a part of the inner tar"}
    path.write_bytes(packed({"a.tar": packed(), "b.tar": packed(other)}))
    outer, _ = listed(path)
    for member, files in zip(outer, (FILES, other), strict=True):
        members, _ = listed(path, member)
        assert contents(path, members) == files


def test_what_could_lead_outside_is_listed_and_not_read(tmp_path):
    path = tmp_path / "a.tar"
    odd = [
        ("link", tarfile.SYMTYPE, "/etc/passwd"),
        ("hard", tarfile.LNKTYPE, "n01440764_1.JPEG"),
        ("device", tarfile.CHRTYPE, ""),
        ("block", tarfile.BLKTYPE, ""),
        ("pipe", tarfile.FIFOTYPE, ""),
        ("sparse", tarfile.GNUTYPE_SPARSE, ""),
        ("folder", tarfile.DIRTYPE, ""),
    ]
    outside = {"/etc/passwd": b"x", "../up.JPEG": b"x", "a/../../up.JPEG": b"x"}
    path.write_bytes(packed({**FILES, **outside}, odd))
    members, ignored = listed(path)
    assert contents(path, members) == FILES
    names = {i.file.removeprefix("a.tar/"): i.reason for i in ignored}
    assert names == {
        **dict.fromkeys(outside, "its path leads out of the tar"),
        "link": "a symbolic link",
        "hard": "a hard link",
        "device": "a device",
        "block": "a device",
        "pipe": "a pipe",
        "sparse": "a sparse file",
    }


def test_a_tar_that_ends_early_says_so_wherever_it_was_cut(tmp_path):
    whole = packed()
    end = whole.rstrip(b"\0")
    path = tmp_path / "a.tar"
    for length in range(0, len(end) + 512, 128):
        path.write_bytes(whole[:length])
        with pytest.raises(DatasetError, match=r"a\.tar is damaged.*at byte \d"):
            listed(path)
    path.write_bytes(whole[: len(end) + 1024])
    assert len(listed(path)[0]) == len(FILES)


def test_a_cut_inner_tar_does_not_run_into_the_next(tmp_path):
    path = tmp_path / "outer.tar"
    whole = packed()
    cut = whole[: whole.index(b"n01440764_3.JPEG")]  # at a member's end
    path.write_bytes(packed({"a.tar": cut, "b.tar": whole}))
    with pytest.raises(DatasetError, match=r"\(a\.tar in it\) is damaged"):
        listed(path, listed(path)[0][0])


def test_a_file_that_was_reserved_and_not_filled_is_damaged(tmp_path):
    path = tmp_path / "a.tar"
    whole = packed()
    path.write_bytes(whole + bytes(2 << 20))
    with pytest.raises(DatasetError, match="nothing is in the last"):
        listed(path)


def test_a_compressed_tar_is_one_clear_line(tmp_path):
    path = tmp_path / "a.tar"
    with tarfile.open(path, "w:gz") as tar:
        tar.addfile(tarfile.TarInfo("x"))
    with pytest.raises(DatasetError, match="compressed tar must be unpacked") as caught:
        listed(path)
    assert "\n" not in str(caught.value)


def test_a_header_that_wants_the_whole_file_is_refused(tmp_path):
    info = tarfile.TarInfo("././@LongLink")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, 3 << 20
    path = tmp_path / "a.tar"
    path.write_bytes(info.tobuf() + b"x" * (3 << 20) + packed())
    with pytest.raises(DatasetError, match="a header of more than"):
        listed(path)


def test_many_headers_before_one_member_are_an_error(tmp_path):
    info = tarfile.TarInfo("././@LongLink")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, 2
    path = tmp_path / "a.tar"
    path.write_bytes((info.tobuf() + b"x\0".ljust(512, b"\0")) * 2000 + packed())
    with pytest.raises(DatasetError, match="damaged"):
        listed(path)


def test_a_picture_that_has_gone_is_an_os_error(tmp_path):
    path = tmp_path / "a.tar"
    path.write_bytes(packed())
    members, _ = listed(path)
    path.write_bytes(packed()[:600])
    origin = RangeOrigin(str(path), members[-1].offset, members[-1].size)
    with pytest.raises(OSError, match="has changed"):
        origin.read()


def headers(data):
    """Return the places of the headers in a tar."""
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        return [(member.offset, member.offset_data) for member in tar]


def with_checksum(data, place):
    """Make the checksum of a header right, so that the other fields are believed."""
    data[place + 148 : place + 156] = b" " * 8
    total = sum(data[place : place + 512])
    data[place + 148 : place + 156] = b"%06o\0 " % total
    return data


FUZZED = {
    form: packed({**FILES, "dir/" + "long" * 60: b"far"}, format=form)
    for form in (tarfile.GNU_FORMAT, tarfile.PAX_FORMAT)
}


EDIT = st.tuples(
    st.integers(0, 40_000),
    st.one_of(
        st.binary(min_size=1, max_size=12),
        st.sampled_from(
            [b"\x80" + b"\xff" * 11, b"\xff" * 12, b"77777777777\0", b"-1\0"]
        ),
        st.sampled_from([b"L", b"K", b"x", b"g", b"S", b"1", b"2", b"5", b"\0" * 12]),
    ),
)


@settings(max_examples=400, derandomize=True, deadline=None, database=None)
@given(
    form=st.sampled_from(sorted(FUZZED)),
    edits=st.lists(EDIT, min_size=1, max_size=4),
    field=st.sampled_from([None, 0, 100, 124, 156, 157, 345, 386, 482]),
    checked=st.booleans(),
    length=st.one_of(st.none(), st.integers(0, 12_000)),
    inside=st.booleans(),
)
def test_mutated_headers_never_lead_out_of_the_file(
    tmp_path_factory, form, edits, field, checked, length, inside
):
    data = bytearray(FUZZED[form])
    places = headers(bytes(data))
    for at, new in edits:
        start, end = places[at % len(places)]
        place = start + (at % (end - start) if field is None else field)
        data[place : place + len(new)] = new
    for start, end in places:
        for place in range(start, end, 1024) if checked else ():
            with_checksum(data, place)
    tar = bytes(data[:length])
    before, after = (b"b" * 700, b"a" * 5000) if inside else (b"", b"")
    path = tmp_path_factory.getbasetemp() / "fuzzed.tar"
    path.write_bytes(before + tar + after)
    within = Member("inner", len(before), len(tar)) if inside else None
    try:
        members, _ = listed(path, within)
    except DatasetError as error:
        assert str(error).count("\n") == 0
        return
    for member in members:
        assert len(before) + 512 <= member.offset
        assert 0 <= member.size <= len(before) + len(tar) - member.offset
        assert not member.name.startswith(("/", "../"))
