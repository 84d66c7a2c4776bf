"""What this processor has instructions for, and whether TensorFlow uses them."""

import functools
import os
import platform
from pathlib import Path

from tfrecords.errors import UserError

CPUINFO = Path("/proc/cpuinfo")  # on Linux

# Instructions and what they are called there, from the oldest on.
INSTRUCTIONS = {
    "AVX2": {"avx2"},
    "AVX512": {"avx512f", "avx512bw", "avx512dq", "avx512vl"},
    "AVX512-BF16": {"avx512_bf16"},
    "AMX-BF16": {"amx_bf16"},
}
# Of these, how many are left by a limit of oneDNN, which has more names than these.
_LEFT_BY_LIMIT = {
    **{"sse41": 0, "avx": 0, "avx2": 1, "avx2_vnni": 1, "avx2_vnni_2": 1},
    **{"avx512_core": 2, "avx512_core_vnni": 2, "avx512_core_bf16": 3},
    **{"avx512_core_fp16": 3, "avx10_1_512": 3},
}


def processor_instructions() -> tuple[str, ...]:
    """Return those of `INSTRUCTIONS` that oneDNN may use; none outside Linux on x86.

    The processor's own, within ONEDNN_MAX_CPU_ISA (DNNL_MAX_CPU_ISA of old): with this
    a processor imitates an older one.
    """
    limit = os.environ.get("ONEDNN_MAX_CPU_ISA", os.environ.get("DNNL_MAX_CPU_ISA", ""))
    names = list(INSTRUCTIONS)[: _LEFT_BY_LIMIT.get(limit.lower())]
    flags = processor_flags()
    return tuple(name for name in names if flags >= INSTRUCTIONS[name])


def computes_bfloat16() -> bool:
    """Return whether bfloat16 is faster than float32 on this processor.

    It takes instructions for it, and oneDNN to use them. Without oneDNN, or where there
    is not even AVX512, TensorFlow takes Eigen's kernels, whose gradients of a bfloat16
    convolution are some hundred times slower than in float32.
    """
    instructions = {*processor_instructions()}
    return _uses_onednn() and bool({"AVX512-BF16", "AMX-BF16"} & instructions)


def refuses_bfloat16() -> bool:
    """Return whether a bfloat16 operation would end the process.

    TensorFlow asks oneDNN for it on every processor with AVX512, and oneDNN refuses
    when ONEDNN_MAX_CPU_ISA keeps it below. No processor is like this of itself.
    """
    return (
        _uses_onednn()
        and processor_flags() >= INSTRUCTIONS["AVX512"]
        and "AVX512" not in processor_instructions()
    )


def check_processor(precision: str) -> None:
    """Raise UserError for a precision that would end the process on this CPU."""
    if precision == "mixed_bfloat16" and refuses_bfloat16():
        raise UserError(
            "Expected float32 where ONEDNN_MAX_CPU_ISA is below AVX512_CORE, got "
            "mixed_bfloat16: TensorFlow goes by the processor, and oneDNN refuses. "
            "Take --precision float32, or set TF_ENABLE_ONEDNN_OPTS=0."
        )


def _uses_onednn() -> bool:
    switch = os.environ.get("TF_ENABLE_ONEDNN_OPTS", "1")
    return switch.lower() not in ("0", "false")


@functools.cache
def processor_flags() -> frozenset[str]:
    """Return what the kernel says of this processor; nothing outside Linux on x86."""
    return frozenset(_first("flags").split())


def processor_name() -> str:
    """Return the model's name; outside Linux what Python knows of it."""
    return _first("model name") or platform.processor() or platform.machine()


def _first(key: str) -> str:
    """Return what stands under a key of CPUINFO, for the first core; "" if nothing."""
    try:
        lines = CPUINFO.read_text().splitlines()
    except OSError:
        return ""
    values = [line.partition(":")[2] for line in lines if line.startswith(key)]
    return values[0].strip() if values else ""
