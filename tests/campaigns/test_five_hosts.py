"""How the table of five hosts counts; the runs themselves are `python -m tests.campaigns.five_hosts`."""

from __future__ import annotations

from typing import Any

from harness.history import Operation
from harness.history.operation import NEMESIS
from harness.nemesis import FINAL_HEAL
from tests.campaigns.five_hosts import times_together


def done(f: str, *, took_effect: bool = True) -> Operation:
    value: dict[str, Any] = {"actions": [{"kind": "Any", "took_effect": took_effect}]}
    return Operation(0, 0, NEMESIS, "info", f, None, value)


def test_kinds_are_together_once_all_took_effect_and_none_was_healed() -> None:
    four = [done(f) for f in ("kill", "pause", "partition", "clock")]
    assert times_together(four) == 1
    assert times_together([*four, done("power")]) == 1, "it is still the same time"
    assert times_together([*four, done("heal"), done("partition")]) == 2
    assert times_together([*four[:3], done("clock", took_effect=False)]) == 0
    assert times_together([*four[:3], done("start"), done("clock")]) == 0
    assert times_together([*four[:3], done(FINAL_HEAL), done("clock")]) == 0
