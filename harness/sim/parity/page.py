"""Writes the tables of docs/parity.md from the declared scenarios: `python -m harness.sim.parity.page`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from harness.sim.parity.disk_calls import CALLS
from harness.sim.parity.scenario import Fact, Scenario
from harness.sim.parity.scenarios import SCENARIOS

PAGE = Path(__file__).parents[3] / "docs" / "parity.md"
BEGIN, END = "<!-- written by harness/sim/parity/page.py -->", "<!-- end of what is written -->"


def tables() -> str:
    """Both tables."""
    rows = [row for scenario in SCENARIOS.values() for row in _rows(scenario)]
    scenarios = ["| what is done | what is seen | simulator | kernel |", "|---|---|---|---|", *rows]
    calls = ["| calls, then a loss of power | simulator | by FUSE |", "|---|---|---|"]
    for one in CALLS:
        by_fuse = "the same" if one.by_fuse is None else f"{_set(one.by_fuse)}. {one.why}"
        calls.append(f"| {one.about} | {_set(one.found)} | {by_fuse} |")
    return "\n".join(["## Scenarios", "", *scenarios, "", "## Disks, call by call", "", *calls])


def _set(found: frozenset[str]) -> str:
    return ", ".join(sorted(found))


def _rows(scenario: Scenario) -> Iterator[str]:
    where = ", ".join(scenario.worlds)
    mutant = f"; nodes of mutant `{scenario.mutant}`" if scenario.mutant else ""
    for number, fact in enumerate(scenario.facts):
        what = "" if number else f"**{scenario.name}** ({where}{mutant}): {scenario.about}"
        yield f"| {what} | {fact.what} | {fact.sees} | {_on_kernel(fact)} |"


def _on_kernel(fact: Fact) -> str:
    if not fact.on:
        return "the same"
    return "; ".join(f"{world}: {seen}" for world, seen in fact.on.items()) + f". {fact.why}"


def with_tables(page: str) -> str:
    """The page with the tables as the scenarios have them now."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{tables()}\n{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(with_tables(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
