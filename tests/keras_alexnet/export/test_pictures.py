import dataclasses

import numpy as np
import pytest

from keras_alexnet import load
from keras_alexnet.data import eval_dataset
from keras_alexnet.export import pictures as module
from keras_alexnet.export.pictures import (
    LEAST,
    current_pictures,
    export_pictures,
    use_pictures,
)
from keras_alexnet.trained.network import TrainedNetwork
from tests import small
from tfrecords.errors import UserError


def moved(network):
    """The same network, whose run no longer knows a dataset."""
    config = dataclasses.replace(network.config, control=None)
    given = (network.model, network.labels, config, network.statistics)
    return TrainedNetwork(*given)


def test_the_dataset_of_the_run_is_taken_as_inference_takes_it(network, dataset):
    found = export_pictures(network)
    assert found.told == "all 12 pictures of the validation split of small"
    (batch,) = eval_dataset(dataset, batch_size=12, input_size=small.INPUT)
    ours, theirs = (
        sorted(zip(labels.tolist(), map(np.ndarray.tobytes, images), strict=True))
        for images, labels in [
            (found.images, found.labels),
            (batch[0].numpy(), batch[1].numpy()),
        ]
    )
    assert ours == theirs
    expected = network.probabilities(found.images)
    np.testing.assert_array_equal(found.expected, expected)


def test_fewer_than_all_are_said_as_a_number(network, monkeypatch):
    monkeypatch.setattr(module, "COUNT", 5)
    assert export_pictures(network).told.startswith("5 pictures of the validation")


def test_int8_is_calibrated_on_training_pictures_alone(network, dataset):
    images = export_pictures(network).calibration()
    (batch,) = eval_dataset(
        dataset, split="train", batch_size=len(images), input_size=small.INPUT
    )
    ours, theirs = ({x.tobytes() for x in y} for y in (images, batch[0].numpy()))
    assert ours == theirs


def test_without_a_dataset_there_is_noise_and_no_calibration(network):
    found = export_pictures(moved(network))
    assert found.images.shape == (LEAST, small.INPUT, small.INPUT, 3)
    assert "noise" in found.told and found.labels is None
    np.testing.assert_array_equal(found.images, export_pictures(moved(network)).images)
    with pytest.raises(UserError, match="Give one with --data DATA"):
        found.calibration()


def test_a_dataset_may_be_given_and_has_to_fit(network, dataset, other):
    assert export_pictures(moved(network), data=dataset).labels is not None
    built_otherwise = other(filter="box")
    with pytest.raises(UserError, match="resize filter is bicubic"):
        export_pictures(network, data=built_otherwise)
    control = {**network.config.control, "data": str(built_otherwise)}
    config = dataclasses.replace(network.config, control=control)
    rebuilt = TrainedNetwork(network.model, network.labels, config, network.statistics)
    assert "noise" in export_pictures(rebuilt).told


def test_files_are_read_as_predict_reads_them(network, tmp_path):
    files = [tmp_path / f"{number}.png" for number in range(LEAST)]
    for number, file in enumerate(files):
        file.write_bytes(small.encode(small.picture(1, number, 90, 120), "PNG"))
    found = export_pictures(network, files)
    assert found.told == "32 pictures" and found.data is not None
    expected = network.predict(files, top=1)
    classes = found.expected.argmax(axis=1)
    assert classes.tolist() == [p.classes[0] for p in expected]
    with pytest.raises(UserError, match="at least 32 pictures for --check, got 31"):
        export_pictures(network, files[1:])
    files[3].write_bytes(b"none")
    with pytest.raises(UserError, match=r"for --check; .*3.png: unknown_format"):
        export_pictures(network, files)


def test_pictures_are_those_of_the_block_for_their_own_network_alone(run, network):
    given = export_pictures(network)
    with use_pictures(given):
        assert current_pictures(network) is given
        assert current_pictures(load(run)).network is not network
    assert current_pictures(network) is not given
