"""Make the C allocator keep what TensorFlow frees."""

import ctypes
import sys

# Parameters of glibc's mallopt(3).
TRIM_THRESHOLD, TOP_PAD, MMAP_MAX, ARENA_MAX = -1, -2, -4, -8
NEVER = 2**31 - 1
STEP = 64 << 20  # bytes by which the heap grows


def keep_freed_memory() -> bool:
    """Serve large blocks from the heap and never give freed memory back.

    By default glibc maps every block of more than 32 MB afresh and unmaps it when it is
    freed. TensorFlow's CPU kernels keep their tensors in a pool of their own, but what
    is allocated beside it pays for page faults: a tenth or so of a training step (see
    results/step/float32.json). Does nothing where the C library is not glibc.

    Returns:
        Whether the allocator took the settings.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except AttributeError:
        return False
    settings = ((MMAP_MAX, 0), (TRIM_THRESHOLD, NEVER), (TOP_PAD, STEP), (ARENA_MAX, 1))
    return all([mallopt(name, value) for name, value in settings])
