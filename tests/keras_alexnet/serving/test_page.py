"""The page in a real browser: what people do with it, and what they are told."""

import base64
import configparser
import hashlib
import re

import numpy as np
import pytest

from keras_alexnet import cli
from keras_alexnet.serving.page import PAGE_FILE, page_headers
from keras_alexnet.trained.neighbour_search import NeighbourSearch
from tests import small
from tests.conftest import PATIENCE
from tests.keras_alexnet.serving.client import GOOD, OTHERS
from tests.keras_alexnet.serving.page_server import PageServer
from tests.source_tree import ROOT

CAT = {"name": "cat.jpg", "mimeType": "image/jpeg", "buffer": GOOD}
DOG = {"name": "dog.jpg", "mimeType": "image/jpeg", "buffer": OTHERS[0]}
BAD = {"name": "bad.jpg", "mimeType": "image/jpeg", "buffer": b"nothing"}
DROPPED = """([text, kind]) => {
  const transfer = new DataTransfer();
  const bytes = Uint8Array.from(atob(text), (each) => each.charCodeAt(0));
  transfer.items.add(new File([bytes], `${kind}.jpg`, { type: "image/jpeg" }));
  const told = kind === "drop" ? new DragEvent(kind, { dataTransfer: transfer })
    : new ClipboardEvent(kind, { clipboardData: transfer });
  document.dispatchEvent(told);
}"""
# What a browser itself says of a status that is no success.
STATUS = re.compile("Failed to load resource: (the server responded|net::ERR_)")


@pytest.fixture(scope="module")
def server(run, network, tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    tree, index = small.write_tree(folder / "tree", 1), folder / "index.h5"
    assert cli.main(["features", str(run), str(tree), "--out", str(index)]) == 0
    served = PageServer(network, NeighbourSearch(network, index))
    yield served
    served.stop()


@pytest.fixture
def opened(browser, server):
    """A function that opens the page in a new context; it has no error at the end."""
    contexts, said, strangers = [], [], []

    def note(request):
        if not request.url.startswith((server.address, "data:", "blob:")):
            strangers.append(request.url)

    def open_page(**options):
        context = browser.new_context(**options)
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", note)
        page.goto(server.address)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert strangers == [] and [each for each in said if not STATUS.match(each)] == []


def expect(found):
    from playwright.sync_api import expect

    return expect(found, "")


def painted(page, place):
    """The pixels of a canvas, uint8 `(67, 67, 3)`."""
    read = "each => [...each.getContext('2d').getImageData(0, 0, 67, 67).data]"
    pixels = page.locator(f"{place} canvas").evaluate(read)
    return np.array(pixels, np.uint8).reshape(67, 67, 4)[..., :3]


def all_shown(page):
    """Wait until everything about the chosen picture is there."""
    for place in ("#crop", "#occlusion", "#grad_cam"):
        expect(page.locator(f"{place} canvas")).to_be_visible()
    expect(page.locator("#near li")).to_have_count(3)
    expect(page.locator("#towers canvas")).to_have_count(4)


def test_an_upload_has_the_top_five_of_predict_and_all_that_explains_it(
    opened, network
):
    page = opened()
    page.set_input_files("#files", [CAT])
    all_shown(page)
    (answer,) = network.predict([GOOD])
    rows = page.locator("#classes tr")
    expect(rows).to_have_count(len(answer.labels))
    for place, (label, score) in enumerate(
        zip(answer.labels, answer.scores, strict=True)
    ):
        expect(rows.nth(place)).to_have_text(f"{label}{score:.1%}")
        width = rows.nth(place).locator(".bar").evaluate("each => each.style.width")
        assert float(width[:-1]) == pytest.approx(100 * score, abs=0.01)
    expect(page.locator("#best")).to_have_text(
        f"{answer.labels[0]}, {answer.scores[0]:.1%}"
    )
    expect(page.locator("#facts")).to_contain_text("3 classes · 67 × 67 pixels")
    np.testing.assert_array_equal(
        painted(page, "#crop"), network.explain(GOOD, "grad_cam").crop
    )
    expect(page.locator("#near img")).to_have_count(3)
    expect(page.locator("#which")).to_have_text("1 of 8, tower 1")
    check_occlusion(page, network.explain(GOOD).map)


def overlaid(crop, found, strength=0.75):
    """The crop, greyer, under orange where covering takes and blue where it gives."""
    values = found.astype(np.float64) / np.abs(found).max()
    share = strength * np.abs(values)[..., None] ** 0.8
    colour = np.where((values > 0)[..., None], [255, 94, 20], [43, 108, 255])
    grey = (crop @ [0.3, 0.59, 0.11])[..., None]
    own = crop + strength * (grey - crop)
    return own + share * (colour - own)


def check_occlusion(page, found):
    """The map is painted, and said, where covering takes most."""
    row, column = np.unravel_index(found.argmax(), found.shape)
    thirds = [("upper ", "", "lower "), ("left", "middle", "right")]
    words = [name[3 * at // 67] for name, at in zip(thirds, (row, column), strict=True)]
    where = "middle" if words == ["", "middle"] else "".join(words)
    label = page.locator("#occlusion canvas").get_attribute("aria-label")
    assert f"Covering the {where} takes most" in label
    under = painted(page, "#crop")
    # Levels are bytes, so a value is 1/255 of the largest off: with the power of 0.8,
    # and where that takes it to the other colour, 5 of 255; and each byte is rounded.
    np.testing.assert_allclose(
        painted(page, "#occlusion"), overlaid(under, found), rtol=0, atol=6
    )
    page.locator("#strength").fill("0")
    np.testing.assert_array_equal(painted(page, "#occlusion"), painted(page, "#crop"))


def test_all_of_it_goes_by_keyboard(opened, network):
    page = opened()
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Tab")
        expect(page.locator("#files")).to_be_focused()
        page.keyboard.press("Enter")
    chooser.value.set_files([CAT, DOG])
    all_shown(page)
    for place in ("#clear", "#strip button >> nth=0", "#strip button >> nth=1"):
        page.keyboard.press("Tab")
        expect(page.locator(place)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#photo-name")).to_have_text("dog.jpg")
    first, second, *_ = network.predict([OTHERS[0]])[0].labels
    expect(page.locator("#best")).to_contain_text(first)
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowDown")  # the next class
    expect(page.locator("#classes tr.chosen th")).to_have_text(second)
    expect(page.locator("#occlusion canvas")).to_have_attribute(
        "aria-label", re.compile(f"for {second},")
    )
    page.keyboard.press("Tab")
    expect(page.locator("#strength")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.locator("#kernel")).to_be_focused()
    page.keyboard.press("End")
    expect(page.locator("#which")).to_have_text("8 of 8, tower 2")
    page.locator("#clear").focus()
    page.keyboard.press("Space")
    expect(page.locator("#detail")).to_be_hidden()
    expect(page.locator("#files")).to_be_focused()


def test_pictures_come_by_dropping_and_pasting_too(opened, network):
    page = opened()
    label = network.predict([GOOD])[0].labels[0]
    for count, kind in enumerate(("drop", "paste"), start=1):
        page.evaluate(DROPPED, [base64.b64encode(GOOD).decode(), kind])
        expect(page.locator("#photo-name")).to_have_text(f"{kind}.jpg")
        expect(page.locator("#strip button")).to_have_count(count)
        expect(page.locator("#best")).to_contain_text(label)


def test_a_bad_picture_is_refused_with_the_reason_and_others_are_answered(opened):
    page = opened()
    large = {**BAD, "name": "large.jpg", "buffer": bytes(200_001)}
    page.set_input_files("#files", [BAD, CAT, large])
    expect(page.locator("#failed-title")).to_have_text("bad.jpg was refused")
    expect(page.locator("#reason")).to_contain_text("unknown_format")
    expect(page.locator("#again")).to_be_hidden()
    expect(page.locator("#answer")).to_be_hidden()
    strip = page.locator("#strip button")
    expect(strip.nth(0)).to_have_text("bad.jpg: refused")
    expect(strip.nth(1)).to_contain_text("%")
    strip.nth(2).click()
    expect(page.locator("#reason")).to_contain_text("this server takes 200,000")
    strip.nth(1).click()
    expect(page.locator("#failed")).to_be_hidden()
    expect(page.locator("#answer")).to_be_visible()


def test_a_server_that_has_gone_is_said_and_may_come_back(opened, server):
    page = opened()
    page.set_input_files("#files", [CAT])
    all_shown(page)
    server.stop()
    page.set_input_files("#files", [DOG])
    expect(page.locator("#failed-title")).to_have_text("No answer")
    expect(page.locator("#reason")).to_contain_text("The server does not answer")
    expect(page.locator("#status")).to_contain_text("The server does not answer")
    server.start()
    page.locator("#again").click()
    expect(page.locator("#photo-name")).to_have_text("dog.jpg")
    all_shown(page)


def test_a_key_is_asked_for_and_what_waited_is_answered(opened):
    page = opened()

    def guard(route):
        if route.request.headers.get("authorization") == "Bearer open sesame":
            return route.continue_()
        return route.fulfill(status=401, json={"error": "Expected a key."})

    for path in ("network", "predict", "crop", "explain*", "first-layer", "neighbours"):
        page.route(f"**/{path}", guard)
    page.reload()
    for key, answered in (("wrong", False), ("open sesame", True)):
        expect(page.locator("#key-text")).to_be_focused()
        page.keyboard.type(key)
        page.keyboard.press("Enter")
        if not answered:
            page.set_input_files("#files", [CAT])
            expect(page.locator("#reason")).to_have_text("Expected a key.")
            page.locator("#key-text").fill("")
            page.locator("#key-text").focus()
    all_shown(page)
    expect(page.locator("#key")).to_be_hidden()


def test_what_an_export_cannot_tell_is_not_asked_for(opened):
    page = opened()
    facts = {"preset": "released", "classes": 3, "size": 67, "name": "export"}
    facts |= {"explanations": ["occlusion"], "first_layer": None, "neighbours": False}
    page.route("**/network", lambda route: route.fulfill(json=facts))
    asked = []
    page.on("request", lambda request: asked.append(request.url.rsplit("/", 1)[1]))
    page.reload()
    page.set_input_files("#files", [CAT])
    expect(page.locator("#occlusion canvas")).to_be_visible()
    for place in ("#grad_cam", "#nearest", "#first"):
        expect(page.locator(place)).to_be_hidden()
    assert [each.split("&")[0] for each in asked if each and ":" not in each] == [
        *("network", "predict", "crop", "explain?method=occlusion")
    ]


def test_axe_finds_nothing_that_keeps_people_out(opened):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()

    def check():
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            assert axe.run(page).response["violations"] == []

    # Under the page's own policy axe could not be put into it.
    page = opened(bypass_csp=True, reduced_motion="reduce")
    check()
    page.set_input_files("#files", [CAT, BAD])
    all_shown(page)
    check()
    page.locator("#strip button").nth(1).click()
    expect(page.locator("#failed")).to_be_visible()
    check()


def test_a_phone_scrolls_in_one_direction_and_may_take_a_picture(opened):
    size = {"width": 360, "height": 740}
    page = opened(viewport=size, has_touch=True, is_mobile=True)
    expect(page.locator("label[for=camera]")).to_be_visible()
    page.set_input_files("#camera", [CAT])
    all_shown(page)
    widths = "[document.documentElement.scrollWidth, innerWidth]"
    assert page.evaluate(widths) == [360, 360]


def test_the_page_and_all_other_data_go_into_the_wheel():
    settings = configparser.ConfigParser()
    settings.read(ROOT / "setup.cfg")
    data = settings["options.package_data"]
    assert data["keras_alexnet.serving"].split() == [PAGE_FILE]
    listed = {
        path
        for package, patterns in data.items()
        for pattern in patterns.split()
        for path in ROOT.joinpath(*package.split(".")).glob(pattern)
    }
    files = [each for each in (ROOT / "keras_alexnet").rglob("*") if each.is_file()]
    assert {each for each in files if each.suffix not in (".py", ".pyc")} == listed


def test_only_what_is_in_the_page_may_run():
    page = b"<style>a{}</style><p>x</p><script>\nlet a;</script>"
    policy = page_headers(page)["Content-Security-Policy"]
    said = dict(part.split(" ", 1) for part in policy.split("; "))
    assert said["default-src"] == "'none'" and said["connect-src"] == "'self'"
    for name, text in (("style-src", b"a{}"), ("script-src", b"\nlet a;")):
        digest = base64.b64encode(hashlib.sha256(text).digest()).decode()
        assert said[name] == f"'sha256-{digest}'"
    other = page_headers(page.replace(b"let a", b"let b"))
    assert other["ETag"] != page_headers(page)["ETag"]
