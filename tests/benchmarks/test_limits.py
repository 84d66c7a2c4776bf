from scripts.benchmarks import limits


def test_memory_is_read_once_by_all_threads(monkeypatch):
    monkeypatch.setattr(limits, "READ_BYTES", 8 * 1000)
    task = limits.prepare({"limit": "memory", "threads": 3})
    assert task.work() == [334, 333, 333]  # the sums of as many ones
