"""The tables of docs/article.md, written from the walks that are kept; a test compares the two."""

from __future__ import annotations

from pathlib import Path

import msgspec

from harness.walk.record import Walk
from harness.walk.tables import moments_table, silence_table, steps_table

DOCS = Path(__file__).parents[2] / "docs"
PAGE = DOCS / "article.md"
WALKS = DOCS / "results" / "walks"
BEGIN, END = "<!-- {}: written by python -m harness.walk -->", "<!-- end of {} -->"


def keep(name: str, walk: Walk) -> None:
    """Keep the walk of a system in place of its last one, and write the page."""
    WALKS.mkdir(parents=True, exist_ok=True)
    file_of(name).write_bytes(msgspec.json.format(msgspec.json.encode(walk), indent=1) + b"\n")
    PAGE.write_text(with_tables(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


def file_of(name: str) -> Path:
    """Where the walk of a system is kept."""
    return WALKS / f"{name.replace('@', '-')}.json"


def kept() -> list[Walk]:
    """All walks that are kept, ours first."""
    files = sorted(WALKS.glob("*.json"), key=lambda file: (not file.stem.startswith("node"), file.stem))
    return [msgspec.json.decode(file.read_bytes(), type=Walk) for file in files]


def with_tables(page: str) -> str:
    """The page with its tables as the kept walks have them."""
    walks = kept()
    tables = {
        "runs": "\n".join(
            f"- {walk.system}: {walk.date}, `{walk.command}`, load {walk.load:.0f} at the start"
            for walk in walks
        ),
        "moments": moments_table(walks),
        "silence": silence_table(walks),
        "steps": "\n\n".join(
            f"{walk.system} (from {walk.steps_from}):\n\n{steps_table(walk)}" for walk in walks
        ),
    }
    for name, table in tables.items():
        before, _, rest = page.partition(BEGIN.format(name))
        _, _, after = rest.partition(END.format(name))
        page = f"{before}{BEGIN.format(name)}\n{table}\n{END.format(name)}{after}"
    return page
