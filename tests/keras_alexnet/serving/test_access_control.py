import pytest

from keras_alexnet.serving.access_control import (
    LOOPBACK_NAMES,
    is_loopback,
    read_key,
)
from tests.keras_alexnet.serving.client import GOOD, JPEG, answering, error
from tfrecords.errors import UserError

pytestmark = pytest.mark.anyio
KEY = "0123456789abcdef"


async def ask(client, *, to="/predict", **headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await client.post(to, content=GOOD, headers={**JPEG, **named})


async def test_only_names_of_this_machine_may_call_it(network):
    async with answering(network, hosts=LOOPBACK_NAMES) as client:
        for host in ("localhost", "LOCALHOST:8501", "127.0.0.1:80", "[::1]:8501"):
            assert (await ask(client, host=host)).status_code == 200
        for host in ("evil.example", "localhost.evil.example:8501", "", "[::1", "::1"):
            response = await ask(client, host=host)
            assert response.status_code == 400, host
            assert "--allow-host" in await error(response)
    async with answering(network) as client:  # open to all, by whatever name
        assert (await ask(client, host="evil.example")).status_code == 200


async def test_pages_of_others_may_not_ask(network):
    async with answering(network) as client:
        assert (await ask(client, origin="http://localhost")).status_code == 200
        for origin in ("https://evil.example", "null", "http://localhost:81"):
            response = await ask(client, origin=origin)
            assert response.status_code == 403
            assert "--allow-origin" in await error(response)
        asked = {
            "Origin": "https://evil.example",
            "Access-Control-Request-Method": "GET",
        }
        response = await client.options("/predict", headers=asked)
        assert response.status_code == 405
        assert not [name for name in response.headers if name.startswith("access-")]


async def test_pages_that_are_allowed_may(network):
    page = "https://page.example"
    async with answering(network, allow_origin=(page,)) as client:
        response = await ask(client, origin=page)
        assert response.status_code == 200
        assert response.headers["access-control-allow-origin"] == page
        asked = {"Origin": page, "Access-Control-Request-Method": "POST"}
        response = await client.options("/predict", headers=asked)
        assert response.status_code == 200
        assert (await ask(client, origin="https://evil.example")).status_code == 403
    async with answering(network, allow_origin=("*",)) as client:
        assert (await ask(client, origin=page)).status_code == 200


async def test_without_the_key_only_health_is_told(network):
    async with answering(network, key=KEY) as client:
        good = f"Bearer {KEY}"
        assert (await ask(client, authorization=good)).status_code == 200
        for wrong in (KEY, f"Bearer {KEY}x", f"Bearer {KEY[:-1]}", "Bearer ", "ü"):
            bytes_ = wrong.encode("latin-1")
            response = await ask(client, authorization=bytes_)
            assert response.status_code == 401
            assert response.headers["www-authenticate"] == "Bearer"
            assert KEY not in await error(response)
        for path in ("/metrics", "/v2", "/v1/models/alexnet", "/nothing"):
            assert (await client.get(path)).status_code == 401
        for path in ("/v2/health/live", "/v2/health/ready"):
            assert (await client.get(path)).status_code == 200


def test_loopback_is_told_from_addresses_of_others():
    for host in ("localhost", "127.0.0.1", "127.1.2.3", "::1"):
        assert is_loopback(host)
    for host in ("0.0.0.0", "::", "192.168.0.1", "example.org", ""):
        assert not is_loopback(host)


def test_a_key_is_one_line_of_a_file(tmp_path):
    path = tmp_path / "key"
    path.write_text(f"{KEY}\n")
    assert read_key(path) == KEY
    for wrong in ("", "\n", "short", f"{KEY}\n{KEY}\n", f"{KEY} x", "ü" * 20):
        path.write_text(wrong)
        with pytest.raises(UserError, match=f"key.*{path}"):
            read_key(path)
    with pytest.raises(UserError, match="No such file"):
        read_key(tmp_path / "none")
