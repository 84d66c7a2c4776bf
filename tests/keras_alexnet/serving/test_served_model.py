from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from keras_alexnet import load
from keras_alexnet.inference.runtimes import RUNTIMES
from keras_alexnet.serving.metrics import Metrics
from keras_alexnet.serving.options import ServingOptions
from keras_alexnet.serving.refusal import Refusal
from keras_alexnet.serving.served_model import ServedModel
from tests import small
from tests.keras_alexnet.serving.client import GOOD, OTHERS
from tfrecords.errors import UserError

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def readers():
    with ThreadPoolExecutor(2) as threads:
        yield threads


def make(network, readers, **fields):
    return ServedModel(network, ServingOptions(**fields), readers, Metrics())


async def answers(model, *contents):
    await model.start()
    try:
        return await model.classify(contents)
    finally:
        await model.close()


@pytest.mark.parametrize("runtime", RUNTIMES)
async def test_every_runtime_answers_as_predict_does(run, converted, readers, runtime):
    files = {"onnx": "network.onnx", "litert": "network.tflite"}
    folder = converted[files[runtime]] if runtime in files else run
    network = load(folder, runtime=runtime)
    rows = await answers(make(network, readers, max_batch=1), GOOD, *OTHERS, b"bad")
    expected = network.classifier()([GOOD, *OTHERS])
    bound = small.probability_bound()
    np.testing.assert_allclose(rows[:4], expected, rtol=0, atol=bound)
    assert isinstance(rows[4], Refusal) and rows[4].status == 422


@pytest.mark.parametrize("runtime", ["tensorflow", "openvino"])
async def test_an_export_answers_with_the_views_that_it_has(
    exported_ten, network, readers, runtime
):
    opened = load(exported_ten, runtime=runtime)
    model = make(opened, readers, max_batch=1)
    rows = await answers(model, GOOD, *OTHERS)
    expected = network.classifier(10)([GOOD, *OTHERS])
    bound = small.probability_bound()
    np.testing.assert_allclose(rows, expected, rtol=0, atol=bound)
    assert model.image_shape == (small.INPUT, small.INPUT, 3)


def test_other_views_than_those_built_in_are_refused(exported, readers):
    with pytest.raises(UserError, match="Expected 1 view"):
        make(load(exported), readers, views=10)


async def test_images_are_answered_too(network, readers):
    model = make(network, readers, views=10, max_batch=2)
    await model.start()
    images = network.preprocessing.images(np.array(OTHERS)).numpy()
    rows = await model.rows(images)
    bound = small.probability_bound()
    expected = network.probabilities(images)
    np.testing.assert_allclose(rows, expected, rtol=0, atol=bound)
    assert (await model.rows(images[:0])).shape == (0, len(small.CLASSES))
    await model.close()


async def test_every_size_is_computed_before_the_first_answer(run, readers):
    network, shapes = load(run), []
    compute = network.probabilities

    def probabilities(images):
        shapes.append(images.shape)
        return compute(images)

    network.probabilities = probabilities
    model = make(network, readers, max_batch=4, views=10)
    await model.start()
    one = (small.INPUT, small.INPUT, 3)
    warm = {(n, *shape) for n in (1, 2, 4) for shape in (one, (10, *one))}
    assert {*shapes} == warm
    await model.classify([GOOD] * 3)
    assert {*shapes} == warm  # and no other ever comes
    await model.close()


async def test_it_closes_when_nobody_uses_it(network, readers):
    import asyncio

    model = make(network, readers, max_batch=1)
    await model.start()
    with model.used() as same:
        assert same is model
        with model.used():
            closing = asyncio.create_task(model.close())
        await asyncio.sleep(0)
        (row,) = await model.classify([GOOD])
        assert not closing.done() and row.shape == (3,)
    await closing


async def test_no_more_classes_are_named_than_there_are(network, readers):
    assert make(network, readers, top=5).top == 3
    assert make(network, readers, top=2).top == 2
