import pytest
from prometheus_client.parser import text_string_to_metric_families

from keras_alexnet.serving.metrics import Metrics
from tests.keras_alexnet.serving.client import GOOD, JPEG, answering, form

pytestmark = pytest.mark.anyio


def samples(text):
    return {
        (each.name, *sorted(each.labels.values())): each.value
        for family in text_string_to_metric_families(text)
        for each in family.samples
    }


async def test_what_was_asked_is_counted(network):
    async with answering(network) as client:
        await client.post("/predict", files=form(GOOD, GOOD, b"bad"))
        await client.post("/predict", content=b"bad", headers=JPEG)
        for name in ("a", "b", "c"):
            await client.get(f"/v1/models/{name}")
            await client.get(f"/{name}")
        response = await client.get("/metrics")
    assert response.headers["content-type"].startswith("text/plain; version=0.0.4")
    found = samples(response.text)
    assert found["alexnet_requests_total", "/predict", "200"] == 1
    assert found["alexnet_requests_total", "/predict", "422"] == 1
    # A label for each route, and none for each address that somebody makes up.
    assert found["alexnet_requests_total", "/v1/models/{name}", "404"] == 3
    assert found["alexnet_requests_total", "404", "none"] == 3
    assert found["alexnet_request_duration_seconds_count", "/predict"] == 2
    assert found["alexnet_batch_pictures_sum",] == 2
    assert found["alexnet_decode_seconds_count",] == 2
    assert found["alexnet_wait_seconds_count",] == 2
    assert found["alexnet_queue_pictures",] == 0
    assert found["alexnet_model_info", "1", "released", "tensorflow"] == 1


def test_only_what_is_served_now_is_shown():
    metrics = Metrics()
    metrics.show_model("released", "1", "tensorflow")
    metrics.show_model("released", "2", "tensorflow")
    found = samples(metrics.page().decode())
    shown = [key for key in found if key[0] == "alexnet_model_info"]
    assert shown == [("alexnet_model_info", "2", "released", "tensorflow")]
