import pytest

from keras_alexnet import processor
from keras_alexnet.processor import computes_bfloat16, processor_instructions

HASWELL = "fma avx avx2"
SKYLAKE = f"{HASWELL} avx512f avx512bw avx512dq avx512vl"
ZEN4 = f"{SKYLAKE} avx512_vnni avx512_bf16"
SAPPHIRE_RAPIDS = f"{ZEN4} avx512_fp16 amx_bf16 amx_tile amx_int8"
ALL = ("AVX2", "AVX512", "AVX512-BF16", "AMX-BF16")


@pytest.fixture
def this_processor(monkeypatch, tmp_path):
    """Let `/proc/cpuinfo` name other flags, without limits in the environment."""
    for name in ("ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA", "TF_ENABLE_ONEDNN_OPTS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(processor, "CPUINFO", tmp_path / "cpuinfo")

    def pretend(flags):
        core = "vendor_id\t: Maker\nmodel name\t: One  2\n"
        core += f"flags\t\t: fpu {flags}\nvmx flags\t: ept\n\n"
        (tmp_path / "cpuinfo").write_text(2 * core)
        processor.processor_flags.cache_clear()

    yield pretend
    processor.processor_flags.cache_clear()


@pytest.mark.parametrize(
    ("flags", "count", "bfloat16"),
    [
        ("sse4_2", 0, False),
        (HASWELL, 1, False),
        (f"{HASWELL} avx512f", 1, False),  # Knights Landing: not what is meant
        (SKYLAKE, 2, False),
        (ZEN4, 3, True),
        (SAPPHIRE_RAPIDS, 4, True),
    ],
)
def test_instructions_are_those_that_the_kernel_lists(
    this_processor, flags, count, bfloat16
):
    this_processor(flags)
    assert processor.processor_name() == "One  2"
    assert processor_instructions() == ALL[:count]
    assert computes_bfloat16() is bfloat16


@pytest.mark.parametrize("text", [None, "Features\t: asimd bf16\n", ""])
def test_elsewhere_there_are_none(this_processor, text):
    this_processor("")
    if text is None:
        processor.CPUINFO.unlink()
    else:
        processor.CPUINFO.write_text(text)
    assert processor_instructions() == ()
    assert not computes_bfloat16()


@pytest.mark.parametrize(
    ("limit", "count"),
    [
        ("SSE41", 0),
        ("AVX", 0),
        ("AVX2", 1),
        ("avx2_vnni", 1),
        ("AVX512_CORE", 2),
        ("AVX512_CORE_VNNI", 2),
        ("AVX512_CORE_BF16", 3),
        ("AVX10_1_512", 3),
        ("AVX512_CORE_AMX", 4),
        ("AVX10_1_512_AMX_FP16", 4),
        ("DEFAULT", 4),
        ("all", 4),
        ("no such thing", 4),  # oneDNN passes over it too
    ],
)
@pytest.mark.parametrize("name", ["ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA"])
def test_a_limit_of_onednn_is_respected(
    this_processor, monkeypatch, name, limit, count
):
    this_processor(SAPPHIRE_RAPIDS)
    monkeypatch.setenv(name, limit)
    assert processor_instructions() == ALL[:count]
    assert computes_bfloat16() is (count > 2)


def test_without_onednn_bfloat16_is_not_used(this_processor, monkeypatch):
    this_processor(ZEN4)
    for value, used in (("0", False), ("false", False), ("1", True), ("TRUE", True)):
        monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", value)
        assert computes_bfloat16() is used
        assert "AVX512-BF16" in processor_instructions()


@pytest.mark.parametrize(
    ("flags", "limit", "onednn", "refused"),
    [
        (ZEN4, "AVX2", "1", True),
        (SKYLAKE, "AVX2", "1", True),
        (ZEN4, "AVX2", "0", False),
        (ZEN4, "AVX512_CORE", "1", False),
        (HASWELL, "AVX2", "1", False),  # TensorFlow does not ask oneDNN
        (HASWELL, "", "1", False),
    ],
)
def test_what_onednn_would_refuse_is_known(
    this_processor, monkeypatch, flags, limit, onednn, refused
):
    this_processor(flags)
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", limit)
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", onednn)
    assert processor.refuses_bfloat16() is refused
