import weakref

import keras
import pytest
import tensorflow as tf

from keras_alexnet.benchmark import device

AMPERE, VOLTA = (8, 0), (7, 0)


@pytest.fixture
def gpu(monkeypatch):
    """Let TensorFlow see a GPU of a compute capability, and count its memory."""

    def see(capability):
        held = {"current": 5, "peak": 9}
        experimental = tf.config.experimental
        details = {"compute_capability": capability}
        monkeypatch.setattr(tf.config, "get_visible_devices", lambda kind: ["GPU:0"])
        monkeypatch.setattr(experimental, "get_device_details", lambda gpu: details)
        monkeypatch.setattr(experimental, "get_memory_info", lambda name: held)
        monkeypatch.setattr(
            experimental,
            "reset_memory_stats",
            lambda name: held.update(peak=held["current"]),
        )

    return see


@pytest.mark.parametrize(
    ("capability", "allowed", "name"),
    [
        (AMPERE, True, "float32 (TF32)"),
        (AMPERE, False, "float32"),
        (VOLTA, True, "float32"),
    ],
)
def test_float32_is_called_what_the_gpu_takes_it_for(gpu, capability, allowed, name):
    gpu(capability)
    before = tf.config.experimental.tensor_float_32_execution_enabled()
    tf.config.experimental.enable_tensor_float_32_execution(allowed)
    try:
        assert device.arithmetic("float32") == name
        assert device.arithmetic("mixed_bfloat16") == "mixed_bfloat16"
    finally:
        tf.config.experimental.enable_tensor_float_32_execution(before)


def test_on_a_cpu_float32_is_itself_and_no_peak_is_known():
    device.forget_peak()
    assert (device.arithmetic("float32"), device.peak_bytes()) == ("float32", None)


def test_the_peak_is_counted_from_when_it_was_forgotten(gpu):
    gpu(AMPERE)
    assert device.peak_bytes() == 9
    device.forget_peak()
    assert device.peak_bytes() == 5


def test_networks_of_before_do_not_count():
    layer = keras.layers.Dense(1)
    layer.circle = [layer]
    gone = weakref.ref(layer)
    del layer
    device.forget_peak()
    assert gone() is None
