"""What arithmetic a processor has instructions for."""

import os
from pathlib import Path

# From what oneDNN is told to take at most to the flags that it then leaves unused.
_ABOVE = {
    "AVX2": ("avx512", "amx", "avx_vnni"),
    "AVX512_CORE": ("avx512_vnni", "avx512_bf16", "avx512_fp16", "amx"),
    "AVX512_CORE_VNNI": ("avx512_bf16", "avx512_fp16", "amx"),
    "AVX512_CORE_BF16": ("avx512_fp16", "amx"),
}


def processor_instructions() -> tuple[str, ...]:
    """Return the vector instructions that kernels may use, as /proc/cpuinfo names them.

    ONEDNN_MAX_CPU_ISA is respected; nothing is known, and returned, where there is no
    /proc/cpuinfo.
    """
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return ()
    names = ("flags", "Features")  # on x86 and on ARM
    line = next((ln for ln in lines if ln.startswith(names)), ":")
    vector = ("sse4", "avx", "amx", "fma", "f16c", "asimd", "neon", "sve", "bf16")
    found = [flag for flag in line.split(":")[1].split() if flag.startswith(vector)]
    unused = _ABOVE.get(os.environ.get("ONEDNN_MAX_CPU_ISA", "").upper(), ())
    return tuple(sorted(f for f in found if not unused or not f.startswith(unused)))
