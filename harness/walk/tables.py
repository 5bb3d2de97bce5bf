"""Walks of several systems as tables of Markdown, next to each other."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest

from harness.walk.record import Moment, Seen, Silence, Step, Walk


def moments_table(walks: Sequence[Walk]) -> str:
    """One row a moment: what each member of each system said of itself, and what was answered."""
    rows = [_row("moment", *(walk.system for walk in walks)), _rule(len(walks) + 1)]
    for number, moments in enumerate(zip_longest(*(walk.moments for walk in walks)), 1):
        names = {moment.name for moment in moments if moment is not None}
        one = next(moment for moment in moments if moment is not None)
        same = one.name if len(names) == 1 else _in_common(sorted(names))
        cells = ("" if moment is None else _cell(moment, own_name=len(names) > 1) for moment in moments)
        rows.append(_row(f"{number}. {same}", *cells))
    return "\n".join(rows)


def steps_table(walk: Walk) -> str:
    """The steps of the registration through a follower."""
    rows = [_row("ms", "where", "step"), _rule(3)]
    rows += [_row(f"{step.after_ms:.1f}", step.where, step.what) for step in _by_time(walk.steps)]
    return "\n".join(rows)


def silence_table(walks: Sequence[Walk]) -> str:
    """The silent follower of each system, until it equals its leader."""
    head = (
        "system",
        "silent",
        "acknowledged, held by the leader",
        "sent to it meanwhile",
        "held by it, seconds after",
    )
    return "\n".join([_row(*head), _rule(len(head)), *(_silent(walk.system, walk.silence) for walk in walks)])


def _silent(system: str, one: Silence) -> str:
    held = ", ".join(f"{count} at {at:.2f} s" for at, count in one.held)
    return _row(
        system,
        f"{one.node}, {one.silent_s:.1f} s",
        f"{one.acknowledged}, {one.leader_held}",
        f"{one.sent_while_silent} {one.counted}",
        held,
    )


def _by_time(steps: Sequence[Step]) -> list[Step]:
    return sorted(steps, key=lambda step: step.after_ms)


def _cell(moment: Moment, *, own_name: bool) -> str:
    parts = [f"*{moment.name}*"] if own_name else []
    parts += [f"{name} {_state(seen)}" for name, seen in moment.seen.items()]
    return "<br>".join([*parts, *(f"({note})" for note in moment.notes)])


def _state(seen: Seen) -> str:
    if seen.term is None:
        return seen.role
    role = f"**{seen.role}**" if seen.role == "leader" else seen.role
    other = f", names {seen.leader or 'none'}" if seen.role != "leader" else ""
    return f"{role}, term {seen.term}{other}"


def _in_common(names: Sequence[str]) -> str:
    """What names of one moment share, which differ only in the members that they name."""
    words = [name.split() for name in names]
    return " ".join(one[0] if len(set(one)) == 1 else "..." for one in zip(*words, strict=False))


def _row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _rule(columns: int) -> str:
    return "|" + "---|" * columns
