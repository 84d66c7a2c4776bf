import json

import numpy as np
import pytest

from keras_alexnet import cli
from keras_alexnet.serving.app import create_app
from keras_alexnet.serving.neighbours import COUNT, THUMBNAIL, thumbnail
from keras_alexnet.serving.options import ServingOptions
from keras_alexnet.trained.neighbour_search import NeighbourSearch
from tests import small
from tests.keras_alexnet.serving.client import GOOD, QUICK, answering, error, form
from tests.keras_alexnet.serving.drawn import pixels_of

pytestmark = pytest.mark.anyio
MANY = 10**9


def served(network, index):
    search = NeighbourSearch(network, index)
    app = create_app(network, ServingOptions(**QUICK), search=search)
    return answering(network, app=app)


def files_of(index):
    return json.loads(index.with_name(f"{index.name}.json").read_text())["files"]


async def test_files_of_the_index_are_shown_by_name_and_what_is_gone_is_not(
    run, network, tmp_path
):
    tree, index = small.write_tree(tmp_path / "tree", 1), tmp_path / "index.h5"
    pictures = [*sorted(tree.rglob("*.jpg"))]
    assert cli.main(["features", str(run), str(tree), "--out", str(index)]) == 0
    found = NeighbourSearch(network, index).nearest([GOOD], COUNT)[0]
    pictures[0].write_text("secret = 1")  # no picture any more
    pictures[1].unlink()
    async with served(network, index) as client:
        assert (await client.get("/network")).json()["neighbours"] is True
        answer = (await client.post("/neighbours", files=form(GOOD))).json()
        bad = await client.post("/neighbours", files=form(b"nothing"))
    assert bad.status_code == 422 and "unknown_format" in await error(bad)
    assert len(answer["neighbours"]) == 3
    for near, each in zip(answer["neighbours"], found, strict=True):
        assert near["name"] == each.file.rsplit("/", 1)[1] and near["label"] is None
        assert near["distance"] == each.distance
        assert str(tmp_path) not in str(near)
        if each.file == str(pictures[2]):
            shown = pixels_of(near["picture"], "jpeg")
            expected = thumbnail(pictures[2], MANY, MANY)
            assert np.abs(shown.astype(int) - expected).mean() < 4  # JPEG's
        else:
            assert near["picture"] is None


async def test_rows_of_a_dataset_have_labels_and_no_file(
    network, index, tmp_path, monkeypatch
):
    # Where the server runs there may be files of the same names.
    monkeypatch.chdir(tmp_path)
    small.write_tree(tmp_path, 16)
    assert all((tmp_path / name).is_file() for name in files_of(index))
    async with served(network, index) as client:
        answer = (await client.post("/neighbours", files=form(GOOD))).json()
    assert len(answer["neighbours"]) == COUNT
    for near in answer["neighbours"]:
        assert near["label"] in (0, 1, 2) and near["picture"] is None


async def test_without_an_index_there_is_no_such_route(network):
    async with answering(network) as client:
        response = await client.post("/neighbours", files=form(GOOD))
        facts = (await client.get("/network")).json()
    assert response.status_code == 404 and facts["neighbours"] is False


def test_a_thumbnail_is_the_central_square(tmp_path):
    pixels = np.zeros((100, 300, 3), np.uint8)
    pixels[:, 100:200] = (0, 200, 100)
    path = tmp_path / "wide.png"
    path.write_bytes(small.encode(pixels, "PNG"))
    shown = thumbnail(path, MANY, MANY)
    assert shown.shape == (THUMBNAIL, THUMBNAIL, 3)
    assert (shown == (0, 200, 100)).all()


def test_nothing_is_shown_of_what_is_no_picture_or_too_large(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(small.encode(np.zeros((20, 30, 3), np.uint8), "PNG"))
    size = path.stat().st_size
    assert thumbnail(path, size, 600) is not None
    assert thumbnail(path, size - 1, 600) is None
    assert thumbnail(path, size, 599) is None
    assert thumbnail(tmp_path, MANY, MANY) is None
    assert thumbnail(tmp_path / "missing.png", MANY, MANY) is None
    for content in (b"", b"root:x:0:0", path.read_bytes()[:40]):
        path.write_bytes(content)
        assert thumbnail(path, MANY, MANY) is None
