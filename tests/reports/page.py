"""Reads a report as a strict browser would: balanced tags, ids, links, and what it would fetch."""

from __future__ import annotations

from html.parser import HTMLParser

VOID = {"meta", "link", "br", "hr", "img", "input"}
FETCHING = {"src", "srcset", "data", "poster", "action", "formaction", "background", "xlink:href"}


class Page(HTMLParser):
    """The facts of a page that tests ask for; `errors` lists tags that do not balance."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.errors: list[str] = []
        self.ids: list[str] = []
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.text: list[str] = []
        self.by_class: dict[str, int] = {}
        self._open: list[str] = []
        self.feed(html)
        self.close()
        if self._open:
            self.errors.append(f"never closed: {self._open}")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.tags.append((tag, found))
        if "id" in found:
            self.ids.append(found["id"])
        for name in found.get("class", "").split():
            self.by_class[name] = self.by_class.get(name, 0) + 1
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID:
            return
        if not self._open or self._open[-1] != tag:
            self.errors.append(f"</{tag}> closes {self._open[-3:]} at {self.getpos()}")
        if tag in self._open:
            while self._open.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        if not self._open or self._open[-1] not in ("style", "script"):
            self.text.append(data)

    @property
    def words(self) -> str:
        """The page's text, white space folded."""
        return " ".join("".join(self.text).split())

    @property
    def links(self) -> list[str]:
        """Addresses of links that a reader may follow."""
        return [attrs["href"] for tag, attrs in self.tags if tag == "a" and "href" in attrs]

    @property
    def fetched(self) -> list[str]:
        """Addresses that a browser would load by itself."""
        addresses = [value for _, attrs in self.tags for name, value in attrs.items() if name in FETCHING]
        return addresses + [
            attrs["href"] for tag, attrs in self.tags if tag in ("link", "use", "image", "base")
        ]

    def handlers(self) -> list[str]:
        """Attributes that would run script."""
        return [name for _, attrs in self.tags for name in attrs if name.startswith("on")]


def assert_sound(html: str) -> Page:
    """Balanced, unique ids, anchors that resolve, nothing fetched, no inline handler; returns the page."""
    page = Page(html)
    assert page.errors == []
    assert len(page.ids) == len(set(page.ids)), sorted(i for i in set(page.ids) if page.ids.count(i) > 1)
    for link in page.links:
        assert link.startswith(("#", "./")), link
        if link.startswith("#"):
            assert link[1:] in page.ids, link
    for tag, attrs in page.tags:
        for name in ("aria-labelledby",):
            for target in attrs.get(name, "").split():
                assert target in page.ids, (tag, target)
        assert "style" not in attrs, (tag, attrs)
    assert all(address.startswith("data:image/svg+xml,") for address in page.fetched), page.fetched
    assert page.handlers() == []
    return page
