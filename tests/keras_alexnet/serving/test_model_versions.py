import asyncio
import gc
import shutil
import weakref

import pytest

from keras_alexnet import load
from keras_alexnet.serving.model_versions import is_versions_folder, list_versions
from tests.keras_alexnet.serving.client import GOOD, answering, base64_of

pytestmark = pytest.mark.anyio
INFER = "/v2/models/alexnet/infer"
INPUT = {"name": "image_bytes", "datatype": "BYTES", "shape": [1]}
ASKED = {"inputs": [{**INPUT, "data": [base64_of(GOOD)]}]}


@pytest.fixture
def folder(exported, tmp_path):
    """A folder with version 2 of a SavedModel."""
    shutil.copytree(exported, tmp_path / "model" / "2")
    return tmp_path / "model"


def add(folder, exported, version):
    """Put a version there at once, as `alexnet export` does."""
    shutil.copytree(exported, folder / "new")
    (folder / "new").rename(folder / version)


async def version(client):
    response = await client.post(INFER, json=ASKED)
    assert response.status_code == 200, response.text
    return response.json()["model_version"]


def test_versions_are_told_by_number(folder, exported, run):
    for name in ("10", "x", "9"):
        add(folder, exported, name)
    (folder / "11").mkdir()  # nothing in it yet
    assert [path.name for path in list_versions(folder)] == ["10", "9", "2"]
    assert is_versions_folder(folder)
    assert not is_versions_folder(folder / "10") and not is_versions_folder(run)


async def test_a_newer_version_answers_no_request_is_lost_and_the_old_one_goes(
    folder, exported
):
    network = load(folder)
    gone = weakref.ref(network)
    # It looks by itself.
    fields = {"folder": folder, "reload_seconds": 0.01}
    async with answering(network, **fields) as client, asyncio.timeout(60):
        del network
        done, found = asyncio.Event(), []

        async def ask():
            while not done.is_set():
                found.append(await version(client))

        asking = [asyncio.create_task(ask()) for _ in range(4)]
        with client.service.model.used():  # for longer than the others
            add(folder, exported, "10")
            while found.count("10") < 8:
                await asyncio.sleep(0)
            gc.collect()
            assert gone() is not None
        while gone() is not None:
            await asyncio.sleep(0)
        done.set()
        await asyncio.gather(*asking)
        assert {*found[:4]} == {"2"} and {*found[-4:]} == {"10"}
        assert found == sorted(found, key=int)
        told = (await client.get("/v1/models/alexnet")).json()["model_version_status"]
        assert told[0]["version"] == "10"
        assert (await client.get("/v2/models/alexnet/versions/2")).status_code == 404
        assert 'version="10"' in (await client.get("/metrics")).text


async def test_a_broken_version_is_refused_until_it_is_mended(folder, exported, capsys):
    async with answering(load(folder), folder=folder) as client:
        look = client.service.look_for_versions
        add(folder, exported, "3")
        variables = folder / "3" / "variables"
        (weights,) = variables.glob("*.data-*")
        whole = weights.read_bytes()
        weights.write_bytes(whole[:100])  # as while it is copied
        await look()
        assert await version(client) == "2"
        told = capsys.readouterr().err
        assert "Version 3 is refused, version 2 goes on answering" in told
        await look()
        assert not capsys.readouterr().err  # once
        weights.write_bytes(whole)
        await look()
        assert await version(client) == "3"
        shutil.rmtree(folder / "3")  # taken back, as TensorFlow Serving does
        await look()
        assert await version(client) == "2"
