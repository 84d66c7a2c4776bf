import pytest

from keras_alexnet import storage


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A machine whose mounts and disks are written by the tests."""
    mounts, devices = tmp_path / "mountinfo", tmp_path / "block"
    monkeypatch.setattr(storage, "MOUNTS", mounts)
    monkeypatch.setattr(storage, "DEVICES", devices)

    def make(*lines, **rotates):
        rows = [
            f"{n} 1 {device} / {point} rw shared:{n} - {kind} source rw"
            for n, (device, point, kind) in enumerate(lines)
        ]
        mounts.write_text("\n".join(rows) + "\n")
        for name, flag in rotates.items():
            folder = devices / name.replace("_", ":").removeprefix("d") / "queue"
            folder.mkdir(parents=True)
            (folder / "rotational").write_text(f"{flag}\n")
        return tmp_path

    return make


def test_a_disk_that_rotates_is_slow(machine):
    folder = machine(("8:1", "/", "ext4"), d8_1=1)
    assert storage.slow_to_seek(folder) == "the disk rotates"


def test_a_partition_is_of_its_disk(machine, tmp_path):
    folder = machine(("8:1", "/", "ext4"))
    disk = tmp_path / "block" / "sda"
    (disk / "queue").mkdir(parents=True)
    (disk / "queue" / "rotational").write_text("1\n")
    (disk / "sda1").mkdir()
    (tmp_path / "block" / "8:1").symlink_to(disk / "sda1")
    assert storage.slow_to_seek(folder) == "the disk rotates"


@pytest.mark.parametrize("kind", ["ext4", "overlay", "tmpfs"])
def test_flash_and_memory_are_not(machine, kind):
    assert storage.slow_to_seek(machine(("8:1", "/", kind), d8_1=0)) is None
    assert storage.slow_to_seek(machine(("0:55", "/", kind))) is None


@pytest.mark.parametrize("kind", ["nfs4", "nfs", "cifs", "lustre", "fuse.gcsfuse"])
def test_the_mount_that_counts_is_the_innermost(machine, kind, tmp_path):
    inner = tmp_path / "my data"
    inner.mkdir()
    told = str(inner).replace(" ", "\\040")
    folder = machine(("8:1", "/", "ext4"), ("0:55", told, kind), ("0:7", "/proc", "x"))
    assert storage.slow_to_seek(folder) is None
    assert storage.slow_to_seek(inner).startswith(f"{kind} asks another machine")
    assert storage.slow_to_seek(inner / "file").startswith(kind)


def test_elsewhere_nobody_knows(tmp_path, monkeypatch):
    monkeypatch.setattr(storage, "MOUNTS", tmp_path / "nowhere")
    assert storage.slow_to_seek(tmp_path) is None


def test_this_machine_can_be_asked(tmp_path):
    storage.slow_to_seek(tmp_path)
    assert storage.slow_to_seek("/proc/self/mountinfo") is None
