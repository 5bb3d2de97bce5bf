"""What final reads show that the durability rule does not allow, and how that is said."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from checkers.registry.durability.rule import Flags, KeyRules, Writes
from checkers.verdict import Evidence
from history.history import OK

LINEARIZABLE = "linearizable"

LOST = "lost"
RESURRECTED = "resurrected"
FAILED = "failed but present"
INVENTED = "invented"
UNACKNOWLEDGED = "unacknowledged but present"
"""Allowed: the register or update is `info`, and it did happen."""

VIOLATIONS = (LOST, RESURRECTED, FAILED, INVENTED)


@dataclass(frozen=True)
class Read:
    """A final read that was answered."""

    service: str
    place: str
    """`linearizable`, or the node that read its own state."""
    invoked: int
    completed: int
    value: int


@dataclass(frozen=True)
class Finding:
    """One id at one key that the rule does not allow (or, `UNACKNOWLEDGED`, that it tolerates)."""

    kind: str
    key: str
    id: str
    row: int
    """The write row of the register or update that puts it there; -1 if there is none."""


def as_evidence(
    finding: Finding, reads: list[Read], writes: Writes, keys: KeyRules, must_not: Flags
) -> Evidence:
    """A violation in words."""
    kind, row = finding.kind, finding.row
    cited: list[int] = []
    verb = "shows it"
    if row < 0:
        story = f"No operation writes {finding.id} to {finding.key}."
    else:
        position = int(np.searchsorted(keys.code, writes.key[row]))
        story = _write(writes, row, finding, cited)
        if kind == LOST:
            is_last = keys.must[position] == row
            which, verb = ("other write", "does not show it") if is_last else ("deregister", "shows nothing")
            story += (
                f" Every {which} of that key that may have happened had been acknowledged before it began."
            )
        elif kind == RESURRECTED and must_not[row]:
            story += f" {_later(writes, int(keys.last_end[position]), 'began later', cited)}"
        elif kind == RESURRECTED and keys.vacancy[position] >= 0:
            late = "began after every registration of that key had been acknowledged"
            story += f" {_later(writes, int(keys.vacancy[position]), late, cited)}"
            story += " From then on there was nothing to update."
        elif kind == RESURRECTED:
            story += " No registration of that key happened, so there was nothing to update."
    first: dict[str, Read] = {}
    for read in reads:
        first.setdefault(read.place, read)
    shown = [
        f"the {'linearizable list' if place == LINEARIZABLE else f'local read of {place}'} "
        f"at operation {read.completed} {verb}"
        for place, read in first.items()
    ]
    cited += [read.completed for read in first.values()]
    title = {
        LOST: f"registration {finding.id} was lost",
        RESURRECTED: f"registration {finding.id} is there after it was replaced or removed",
        FAILED: f"registration {finding.id} is there although it was refused",
        INVENTED: f"{finding.id} is there although nobody registered it for {finding.key}",
    }[kind]
    return Evidence(
        title=title,
        text=f"{story} Yet in the end {'; '.join(shown)}.",
        operations=tuple(sorted(set(cited))),
        nodes=tuple(sorted(place for place in first if place != LINEARIZABLE)),
    )


def _write(writes: Writes, row: int, finding: Finding, cited: list[int]) -> str:
    """What a setter did and how it ended; adds its operations to `cited`."""
    begun, ended = int(writes.invoked[row]), int(writes.completed[row])
    cited += [begun] if ended < 0 else [begun, ended]
    did = f"registered {finding.id} for {finding.key}"
    if writes.updates[row]:
        did = f"updated {finding.key} to {finding.id}"
    how = "was never acknowledged"
    if writes.found_nothing[row]:
        how = f"was told at operation {ended} that there was nothing to update"
    elif writes.void[row]:
        how = f"was refused as certainly not done at operation {ended}"
    elif writes.outcome[row] == OK:
        how = f"was acknowledged at operation {ended}"
    return f"Operation {begun} {did} and {how}."


def _later(writes: Writes, row: int, when: str, cited: list[int]) -> str:
    """What a write did that shows the end of another one; adds its operations to `cited`."""
    begun, ended = int(writes.invoked[row]), int(writes.completed[row])
    cited += [begun, ended]
    if writes.found_nothing[row]:
        return f"Operation {begun} {when}, and found nothing to update, as operation {ended} says."
    what = "wrote another id" if writes.setters[row] else "deregistered the key"
    return f"Operation {begun} {when}, {what}, and was acknowledged at operation {ended}."
