import pytest


@pytest.fixture
def file(tmp_path):
    """Write bytes to a file whose name says nothing of them, and return its path."""
    path = tmp_path / "given"

    def write(data):
        path.write_bytes(data)
        return path

    return write
