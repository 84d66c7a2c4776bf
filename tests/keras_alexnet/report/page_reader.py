"""What a page says, read by a parser that knows nothing of its templates."""

from html.parser import HTMLParser

VOID = {"meta", "link", "img", "br", "line", "rect", "polyline"}


class PageReader(HTMLParser):
    """Reads a page.

    Attributes:
        elements: Of each element its name and attributes, in order.
        tables: By the name of the group around it, rows of cells.
        texts: All text outside of `style`.
    """

    def __init__(self, page):
        super().__init__()
        self.elements, self.tables, self.texts = [], {}, []
        self._open, self._rows, self._cell = [], None, None
        self.feed(page)
        assert self._open == []  # every element ends

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.elements.append((tag, attributes))
        if tag not in VOID:
            self._open.append(tag)
        if attributes.get("role") == "group":
            self._rows = self.tables.setdefault(attributes["aria-label"], [])
        if tag == "tr":
            self._rows.append([])
        if tag in ("td", "th"):
            self._cell = []

    def handle_startendtag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        if tag in VOID:
            return
        assert self._open.pop() == tag
        if tag in ("td", "th"):
            self._rows[-1].append("".join(self._cell).strip())

    def handle_data(self, data):
        if self._open[-1:] == ["style"]:
            return
        self.texts.append(data)
        if self._cell is not None:
            self._cell.append(data)

    @property
    def text(self):
        """All that is said, in one line."""
        return " ".join("".join(self.texts).split())

    def values(self, name):
        """All values of an attribute."""
        return [each[name] for _, each in self.elements if name in each]
