"""docs/api.md is what the docstrings say now, all of it, and reads as Markdown."""

import dataclasses
import importlib
import re
import textwrap

import pytest

from keras_alexnet.registry import Registry
from tests.docs import api_page

TEXT = api_page.PAGE.read_text()


class Plain:
    """Something with a name.

    Args:
        first: What comes first, said
            in two lines.
        *rest: What comes then.

    Attributes:
        a, b: As given.

    Example:

    >>> Plain(1)
    >>> Plain(2, None)

    Reference: section 1.
    """

    def __init__(self, first: "int", *rest: str, longer: float = 1.5) -> None:
        self.a, self.b = first, rest

    def get_config(self):
        """Of Keras."""

    def _own(self):
        """Private."""

    @property
    def half(self) -> "float":
        """Half of it.

        Raises:
            ValueError: There is
                none.
        """

    def bring(
        self, something: dict[str, int], *, something_else: str = "x", more: float = 1.0
    ) -> bytes:
        """Bring it.

        Returns:
            All that was
            asked for.
        """


@dataclasses.dataclass
class Fields:
    """Fields.

    Attributes:
        told: In the docstring.
    """

    told: int
    # Above it,
    # in two lines.
    above: int = 2
    behind: str = "x"  # behind it
    below: "Plain | None" = None
    """Below
    it."""
    made: list[int] = dataclasses.field(default_factory=list)


def lines(*words):
    return "\n".join(words)


def test_generating_the_page_again_changes_nothing():
    assert api_page.page() == TEXT, "run python -m tests.docs.api_page"


@pytest.mark.parametrize("package", api_page.PACKAGES)
def test_every_public_name_is_on_the_page(package):
    module = importlib.import_module(package)
    left_out = {"__version__", "data", "layers", "training"}
    for name in {*module.__all__} - left_out:
        assert f"\n### `{package}.{name}`\n" in TEXT


def test_every_link_leads_to_a_heading():
    headings = re.findall(r"^### `([\w.]+)`$", TEXT, re.MULTILINE)
    anchors = [heading.replace(".", "").lower() for heading in headings]
    links = re.findall(r"\]\(#(\w+)\)", TEXT)
    assert links == anchors and len({*anchors}) == len(anchors) > 50


def test_a_class_has_its_arguments_and_what_is_public_of_it():
    found = lines(*api_page.entry("package.Plain", Plain))
    parts = re.split(r"\n#### ", found)
    assert parts[0].startswith(
        "```python\nclass Plain(first: int, *rest: str, longer: float = 1.5)"
    )
    assert [part.split("\n")[0] for part in parts[1:]] == [
        *("`Plain.half`", "`Plain.bring`")
    ]
    assert "```python\nhalf: float\n```" in parts[1]
    assert "- `ValueError`: There is\n  none." in parts[1]
    code = """\
        bring(
            something: dict[str, int],
            *,
            something_else: str = 'x',
            more: float = 1.0,
        ) -> bytes
        ```"""
    assert textwrap.dedent(code) in parts[2]
    assert parts[2].endswith("Bring it.\n\n**Returns**\n\nAll that was\nasked for.")


def test_sections_of_a_docstring_are_markdown():
    wanted = """\
        Something with a name.

        **Args**

        - `first`: What comes first, said
          in two lines.
        - `*rest`: What comes then.

        **Attributes**

        - `a, b`: As given.

        Example:

        ```python
        Plain(1)
        Plain(2, None)
        ```

        Reference: section 1."""
    assert api_page.docstring(Plain) == textwrap.dedent(wanted)


def test_fields_say_what_is_written_with_them():
    found = lines(*api_page.entry("package.Fields", Fields))
    assert found.endswith(
        "- `told`: In the docstring.\n\n"
        "- `above: int = 2`: Above it, in two lines.\n"
        "- `behind: str = 'x'`: behind it\n"
        "- `below: Plain | None = None`: Below it.\n"
        "- `made: list[int] = ...`"
    )


def test_a_registry_has_its_names(monkeypatch):
    monkeypatch.setattr(api_page, "SOME", Registry("thing", {"x": "a:b"}), False)
    found = lines(*api_page.entry("tests.docs.api_page.SOME", api_page.SOME))
    assert found == "Each thing by its name, imported at first use.\n\n- `x`"
