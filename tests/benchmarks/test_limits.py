from scripts.benchmarks import limits


def test_memory_is_read_once_by_all_threads(monkeypatch):
    monkeypatch.setattr(limits, "READ_BYTES", 8 * 1000)
    read = []
    monkeypatch.setattr(
        limits.np, "array_split", lambda array, n: parts(array, n, read)
    )
    limits.prepare({"limit": "memory", "threads": 3}).work()
    assert sorted(read) == [333, 333, 334]


def parts(array, count, read):
    class Part:
        def __init__(self, size):
            self.size = size

        def sum(self):
            read.append(self.size)

    whole, more = divmod(len(array), count)
    return [Part(whole + (place < more)) for place in range(count)]
