import numpy as np
import pytest
import tensorflow as tf

from keras_alexnet.layers import GroupedConv2D, LocalResponseNormalization
from keras_alexnet.layers.kernel_forms import (
    NATIVE,
    KernelForms,
    current_forms,
    use_forms,
)
from tests.keras_alexnet.layers.conftest import whole_numbers
from tests.reference import relative, rounding_bound

SHAPE = (2, 9, 9, 12)
LAYERS = {
    "convolution": (lambda: GroupedConv2D(8, 3, groups=2, activation="relu"), "Conv2D"),
    "norm": (lambda: LocalResponseNormalization(groups=2, alpha=0.1), "LRN"),
}


def kinds(layer, inputs):
    graph = tf.function(layer).get_concrete_function(inputs).graph
    return [operation.type for operation in graph.get_operations()]


@pytest.mark.parametrize("name", LAYERS)
def test_each_layer_is_one_operation_with_the_same_result(name):
    make, operation = LAYERS[name]
    inputs = tf.constant(np.random.default_rng(0).normal(size=SHAPE), tf.float32)
    layer = make()
    expected = layer(inputs)
    usual = kinds(layer, inputs)
    with use_forms(NATIVE):
        got = layer(inputs)
        native = kinds(layer, inputs)
    # Both round; the longest sum is of 3 x 3 pixels of 6 maps, a norm has more steps.
    assert relative(got, expected) < 2 * rounding_bound("float32", 54, steps=20)
    assert native.count(operation) == 1
    assert "Split" not in native and "MatMul" not in native
    assert usual.count(operation) != 1


def test_it_ends_with_its_block_even_after_an_error():
    before = current_forms()
    with pytest.raises(KeyError), use_forms(NATIVE):
        assert current_forms() == NATIVE
        raise KeyError
    assert current_forms() == before


@pytest.fixture
def a_gpu_is_visible(monkeypatch):
    monkeypatch.setattr(tf.config, "get_visible_devices", lambda kind: [kind])


def forms_traced(device, compiled, dtype=tf.float32):
    """What a layer sees that is traced for a device, which need not be there."""
    seen = []

    @tf.function(jit_compile=compiled)
    def layer():
        with tf.device(device):
            seen.append(current_forms(dtype))

    layer.get_concrete_function()
    return seen[0]


ARITHMETIC = [tf.float32, tf.bfloat16, tf.float16]


@pytest.mark.parametrize("dtype", [*ARITHMETIC, tf.float64])
@pytest.mark.parametrize("compiled", [False, True])
def test_a_gpu_that_is_not_used_changes_nothing(a_gpu_is_visible, compiled, dtype):
    on_cpu = KernelForms(*[True] * 7, compiled_norm=not compiled)
    assert forms_traced("CPU:0", compiled, dtype) == on_cpu
    with tf.device("CPU:0"):
        assert current_forms(dtype) == KernelForms(*[True] * 8)


@pytest.mark.parametrize("dtype", ARITHMETIC)
def test_forms_are_those_of_device_compiler_and_arithmetic(a_gpu_is_visible, dtype):
    for device in (None, "GPU:0", "/job:worker/task:1/GPU:3"):
        on_gpu = KernelForms(True, True, False, False)
        assert forms_traced(device, False, dtype) == on_gpu
        assert forms_traced(device, True, dtype) == NATIVE
    assert forms_traced("TPU:0", False, dtype) == NATIVE


def test_what_was_not_measured_is_native(a_gpu_is_visible):
    assert forms_traced("GPU:0", False, tf.float64) == NATIVE


FORMS = [KernelForms(p, s, f) for p in (0, 1) for s in (0, 1) for f in (0, 1)]


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("name", LAYERS)
def test_all_forms_have_the_same_values_and_gradients(unfused, name, compiled):
    x = tf.constant(np.random.default_rng(0).normal(size=SHAPE), tf.float32)
    layer = LAYERS[name][0]()
    upstream = tf.constant(
        np.random.default_rng(1).normal(size=layer(x).shape), x.dtype
    )

    def answers(forms):
        @tf.function(jit_compile=compiled)
        def step(x):
            with tf.GradientTape() as tape:
                tape.watch(x)
                y = layer(x)
            wanted = [x, *layer.trainable_variables]
            return [y, *tape.gradient(y, [*map(_tensor, wanted)], upstream)]

        with use_forms(forms):
            return step(x)

    expected = answers(NATIVE)
    # The longest sum, of a filter's gradient, is of 2 pictures of 7 x 7 places.
    bound = 2 * rounding_bound("float32", 2 * 7 * 7, steps=20)
    for forms in FORMS:
        for got, own in zip(answers(forms), expected, strict=True):
            assert relative(got, own) < bound


def _tensor(each):
    return getattr(each, "value", each)


def test_dilation_with_native_kernels_is_the_same():
    x = tf.constant(whole_numbers((2, 9, 9, 4), 1))
    layer = GroupedConv2D(4, 3, dilation_rate=2, groups=2, padding="same")
    split = layer(x)
    with use_forms(NATIVE):
        native = layer(x)
    assert relative(native, split) < 2 * rounding_bound("float32", 9 * 2)
