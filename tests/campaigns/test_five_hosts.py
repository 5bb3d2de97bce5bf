"""How the table of five hosts counts; the runs themselves are `python -m tests.campaigns.five_hosts`."""

from __future__ import annotations

from typing import Any

from harness.nemesis import FINAL_HEAL
from history import Operation
from history.operation import NEMESIS
from tests.campaigns.five_hosts import most_together


def done(f: str, *, took_effect: bool = True) -> Operation:
    value: dict[str, Any] = {"actions": [{"kind": "Any", "took_effect": took_effect}]}
    return Operation(0, 0, NEMESIS, "info", f, None, value)


def test_kinds_are_together_once_they_took_effect_and_until_they_are_healed() -> None:
    three = [done(f) for f in ("kill", "pause", "partition")]
    assert most_together([*three, done("clock")]) == 4
    assert most_together([*three, done("kill")]) == 3
    assert most_together([*three, done("clock", took_effect=False)]) == 3
    assert most_together([*three, done("start"), done("clock")]) == 3
    assert most_together([*three, done(FINAL_HEAL), done("clock")]) == 3
    assert most_together([]) == 0
