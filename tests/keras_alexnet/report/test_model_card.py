import hashlib

from keras_alexnet.report.model_card import model_card
from keras_alexnet.report.reported_run import open_runs


def test_parameters_and_digest_are_those_of_the_network(run):
    (opened,) = open_runs([run])
    found = model_card(opened)
    assert found["parameters"] == opened.network.model.count_params()
    assert sum(layer["parameters"] for layer in found["layers"]) == found["parameters"]
    assert len(found["layers"]) == 8
    content = (run / "network.keras").read_bytes()
    assert found["digest"] == hashlib.sha256(content).hexdigest()
    assert (found["preset"], found["size"], found["classes"]) == ("released", 67, 3)


def test_an_export_has_no_digest(exported):
    (opened,) = open_runs([exported])
    assert model_card(opened)["digest"] == ""
