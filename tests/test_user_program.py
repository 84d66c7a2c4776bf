"""A program of a user's own: compile and fit as in Keras' guides, with our network."""

import csv

import keras
import numpy as np
import pytest

import keras_alexnet
from keras_alexnet.training.update.metrics import TopKError
from keras_alexnet.training.update.optimizer import CoupledSGD
from tests import small
from tests.reference import relative, training_bound

CLASSES = 3
IMAGES = np.random.default_rng(1).uniform(-90, 90, (8, 67, 67, 3)).astype("float32")
LABELS = np.arange(8) % CLASSES


def network(**options):
    options = {"num_classes": CLASSES, "seed": 1, **small.NETWORK, **options}
    return keras_alexnet.alexnet(**options)


def compiled(model, optimizer=None, **options):
    model.compile(
        optimizer or CoupledSGD(1e-3),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        weighted_metrics=[TopKError(2, name="top2_error")],
        **{"jit_compile": False, **options},
    )
    return model


def fit(model, **options):
    options = {"batch_size": 4, "epochs": 2, "verbose": 0, **options}
    return model.fit(IMAGES, LABELS, **options).history


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    """One fit with the callbacks of Keras' guides; tests must not change it."""
    folder = tmp_path_factory.mktemp("program")
    weights = {"save_weights_only": True}
    best = {"patience": 9, "restore_best_weights": True}
    callbacks = [
        keras.callbacks.ModelCheckpoint(folder / "whole.keras"),
        keras.callbacks.ModelCheckpoint(folder / "a.weights.h5", **weights),
        keras.callbacks.EarlyStopping("val_loss", **best),
        keras.callbacks.ReduceLROnPlateau(
            "val_loss", factor=0.5, patience=1, min_delta=9
        ),
        keras.callbacks.CSVLogger(folder / "log.csv"),
        keras.callbacks.BackupAndRestore(folder / "backup"),
        keras.callbacks.TerminateOnNaN(),
    ]
    model = compiled(network())
    history = fit(
        model, epochs=3, callbacks=callbacks, validation_data=(IMAGES, LABELS)
    )
    return folder, model, history


def test_the_callbacks_of_keras_work(program):
    folder, model, history = program
    assert history["learning_rate"] == pytest.approx([1e-3, 1e-3, 5e-4])
    with open(folder / "log.csv") as file:
        rows = list(csv.DictReader(file))
    assert [float(row["val_top2_error"]) for row in rows] == history["val_top2_error"]


def test_a_checkpoint_goes_on_as_a_whole_model_and_as_weights(program):
    folder, model, _ = program
    whole = keras.models.load_model(folder / "whole.keras")
    assert isinstance(whole.optimizer, CoupledSGD)
    assert int(whole.optimizer.iterations) == 6
    weights = network(seed=2)
    weights.load_weights(folder / "a.weights.h5")
    for one, other in zip(whole.get_weights(), weights.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    fit(whole, epochs=1)
    assert int(whole.optimizer.iterations) == 8


def test_json_and_clones_are_the_same_network(program):
    model = program[1]
    expected = model.predict(IMAGES, verbose=0)
    for other in (
        keras.models.model_from_json(model.to_json()),
        keras.models.clone_model(model),
        type(model).from_config(model.get_config()),
    ):
        other.set_weights(model.get_weights())
        np.testing.assert_array_equal(other.predict(IMAGES, verbose=0), expected)


def test_class_weights_and_sample_weights_leave_out_what_weighs_nothing():
    only_first = {0: 1.0, 1: 0.0, 2: 0.0}
    weights = np.array([only_first[label] for label in LABELS])
    # Without dropout: the masks are of one generator, the steps of two models.
    losses = [
        fit(compiled(network(dropout=None)), epochs=1, **given)["loss"]
        for given in ({"class_weight": only_first}, {"sample_weight": weights})
    ]
    np.testing.assert_allclose(losses[0], losses[1], atol=2 * small.probability_bound())
    assert losses[0][0] < 0.6 * np.log(CLASSES)  # three of eight pictures count


@pytest.mark.bfloat16
@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_policies_of_the_program_are_those_of_the_network(policy):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        model = compiled(network())
    finally:
        keras.config.set_dtype_policy(before)
    assert model.get_layer("conv2").dtype_policy.name == policy
    assert np.isfinite(fit(model, epochs=1)["loss"]).all()


def test_frozen_layers_stay_and_a_new_head_learns():
    base = network()
    for layer in base.layers:
        layer.trainable = False
    features = base.get_layer("fc7").output
    head = keras.layers.Dense(2, name="head")
    model = compiled(keras.Model(base.input, head(features)))
    before = [weight.numpy() for weight in base.weights]
    fresh = head.get_weights()
    labels = LABELS % 2
    model.fit(IMAGES, labels, batch_size=4, verbose=0)
    for weight, old in zip(base.weights, before, strict=True):
        np.testing.assert_array_equal(weight, old)
    assert (head.get_weights()[0] != fresh[0]).any()


@pytest.mark.filterwarnings("ignore:.*does not have a `quantize`:UserWarning")
def test_dense_layers_can_be_quantised_to_whole_numbers(tmp_path):
    model = network()
    expected = model.predict(IMAGES, verbose=0)
    model.quantize("int8")
    assert model.get_layer("fc6").kernel.dtype == "int8"
    quantised = model.predict(IMAGES, verbose=0)
    spread = np.abs(expected).max()
    # Weights and units of three layers are rounded by up to 1 / 254 of the most.
    np.testing.assert_allclose(quantised, expected, atol=spread * 3 * 2 / 254)
    model.save(tmp_path / "int8.keras")
    again = keras.models.load_model(tmp_path / "int8.keras")
    np.testing.assert_array_equal(again.predict(IMAGES, verbose=0), quantised)


def test_layers_of_ours_stand_in_a_network_of_the_users():
    model = keras.Sequential(
        [
            keras.Input((67, 67, 3)),
            keras_alexnet.layers.GroupedConv2D(4, 5, 4, activation="relu"),
            keras_alexnet.layers.LocalResponseNormalization(),
            keras.layers.GlobalAveragePooling2D(),
            keras_alexnet.layers.InvertedDropout(0.5),
            keras.layers.Dense(CLASSES),
        ]
    )
    compiled(
        model, keras.optimizers.Adam(1e-3), run_eagerly=True, steps_per_execution=2
    )
    assert np.isfinite(fit(model)["loss"]).all()


def test_a_loop_of_the_programs_own_takes_the_same_steps():
    import tensorflow as tf

    by_fit, by_hand = (network(dropout=None) for _ in range(2))
    fit(compiled(by_fit), epochs=1, shuffle=False)
    optimizer = CoupledSGD(1e-3)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    for rows in (slice(4), slice(4, 8)):
        with tf.GradientTape() as tape:
            value = loss(LABELS[rows], by_hand(IMAGES[rows], training=True))
        gradients = tape.gradient(value, by_hand.trainable_variables)
        optimizer.apply(gradients, by_hand.trainable_variables)
    for one, other in zip(by_fit.get_weights(), by_hand.get_weights(), strict=True):
        assert relative(one, other) < training_bound("float32", small.TERMS, steps=2)
