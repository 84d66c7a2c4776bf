import pytest

from keras_alexnet import memory


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A machine of 1000 kB free, whose groups are written by the tests."""
    meminfo, groups = tmp_path / "meminfo", tmp_path / "cgroup"
    meminfo.write_text("MemTotal: 4000 kB\nMemFree: 10 kB\nMemAvailable: 1000 kB\n")
    groups.write_text("0::/\n")
    for name, path in (("MEMINFO", meminfo), ("CGROUP", groups), ("CGROUPS", tmp_path)):
        monkeypatch.setattr(memory, name, path)
    return tmp_path


def write(folder, **files):
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / f"memory.{name}").write_text(text)


def test_this_machine_has_some():
    assert memory.free_memory() > 0


def test_what_the_kernel_says_is_available_counts(machine):
    assert memory.free_memory() == 1_024_000
    write(machine, max="max\n", current="5000\n")  # no limit
    assert memory.free_memory() == 1_024_000
    (machine / "meminfo").unlink()
    assert memory.free_memory() is None


def test_files_in_memory_do_not_fill_a_group(machine):
    stat = "anon 100\ninactive_file 300\nfile 400\n"
    write(machine, max="1000\n", current="900\n", stat=stat)
    assert memory.free_memory() == 400
    write(machine, current="1500\n")
    assert memory.free_memory() == 0


def test_the_narrowest_of_the_groups_around_us_decides(machine):
    (machine / "cgroup").write_text("0::/slurm/job/step\n")
    write(machine / "slurm" / "job" / "step", max="max\n", current="50\n")
    write(machine / "slurm" / "job", max="700\n", current="100\n")
    write(machine / "slurm", max="900\n", current="250\n")
    assert memory.free_memory() == 600


def test_groups_of_the_first_version_count_too(machine):
    text = "5:cpu:/a\n4:memory,hugetlb:/a\n"
    (machine / "cgroup").write_text(text)
    stat = "inactive_file 1\ntotal_inactive_file 20\n"
    write(machine / "memory" / "a", limit_in_bytes="900\n", usage_in_bytes="100\n")
    write(machine / "memory" / "a", stat=stat)
    assert memory.free_memory() == 820
    write(machine / "a", limit_in_bytes="100\n", usage_in_bytes="100\n")  # of cpu
    assert memory.free_memory() == 820
