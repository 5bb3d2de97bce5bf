"""What final reads show that the durability rule does not allow, and how evidence says it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from checkers.registry.durability.rule import Flags, KeyRules, RegistryWrites
from checkers.verdict import Evidence
from checkers.words import by_and_at
from history import History
from history.history import OK

LINEARIZABLE = "linearizable"

LOST = "lost"
RESURRECTED = "resurrected"
FAILED = "failed but present"
INVENTED = "invented"
UNACKNOWLEDGED = "unacknowledged but present"
"""No violation: the register or update is `info`, and it did happen."""

VIOLATIONS = (LOST, RESURRECTED, FAILED, INVENTED)


@dataclass(frozen=True)
class FinalRead:
    """A final read that was answered."""

    service: str
    place: str
    """`linearizable`, or the name of the node whose own state was read."""
    invoked: int
    completed: int
    value: int


@dataclass(frozen=True)
class DurabilityFinding:
    """One id at one key that the rule does not allow (or, if `UNACKNOWLEDGED`, that it does)."""

    kind: str
    key: str
    id: str
    row: int
    """The write row of the register or update that wrote the id; -1 if there is none."""


def as_evidence(
    history: History,
    finding: DurabilityFinding,
    reads: list[FinalRead],
    writes: RegistryWrites,
    keys: KeyRules,
    must_not: Flags,
) -> Evidence:
    """A violation in words."""
    kind, row = finding.kind, finding.row
    cited: list[int] = []
    verb = "shows it"
    if row < 0:
        story = f"No operation wrote {finding.id} to {finding.key}."
    else:
        position = int(np.searchsorted(keys.code, writes.key[row]))
        story = _write(history, writes, row, finding, cited)
        if kind == LOST:
            is_last = keys.must[position] == row
            which, verb = ("other write", "does not show it") if is_last else ("deregister", "shows nothing")
            story += f" Every {which} of that key that may have happened was acknowledged before that began."
        elif kind == RESURRECTED and must_not[row]:
            story += f" {_later(writes, int(keys.last_end[position]), 'began later', cited)}"
        elif kind == RESURRECTED and keys.vacancy[position] >= 0:
            late = "began after every registration of that key was acknowledged"
            story += f" {_later(writes, int(keys.vacancy[position]), late, cited)}"
            story += " From then on there was nothing to update."
        elif kind == RESURRECTED:
            story += " No registration of that key happened, so there was nothing to update."
    first: dict[str, FinalRead] = {}
    for read in reads:
        first.setdefault(read.place, read)
    shown = [
        f"the {'linearizable list' if place == LINEARIZABLE else f'local read of {place}'} "
        f"of operation {read.invoked} {verb}"
        for place, read in first.items()
    ]
    cited += [read.invoked for read in first.values()]
    title = {
        LOST: f"registration {finding.id}{_acknowledged(history, writes, row)} was lost",
        RESURRECTED: f"registration {finding.id} is present although it was replaced or removed",
        FAILED: f"registration {finding.id} is present although it was refused",
        INVENTED: f"{finding.id} is present although no client registered it for {finding.key}",
    }[kind]
    where = " and ".join(
        "in the linearizable list" if place == LINEARIZABLE else f"on {place}" for place in list(first)[:3]
    ) + (" and elsewhere" if len(first) > 3 else "")
    return Evidence(
        title=f"{title} {where}",
        text=f"{story} But at the end {'; '.join(shown)}.",
        operations=tuple(sorted(set(cited))),
        nodes=tuple(sorted(place for place in first if place != LINEARIZABLE)),
        kind=f"registration {kind}",
    )


def _acknowledged(history: History, writes: RegistryWrites, row: int) -> str:
    """Where and when a write was acknowledged, for a headline."""
    if row < 0 or writes.completed[row] < 0 or writes.outcome[row] != OK:
        return ""
    return f", acknowledged{by_and_at(history[int(writes.completed[row])])},"


def _write(
    history: History, writes: RegistryWrites, row: int, finding: DurabilityFinding, cited: list[int]
) -> str:
    """What a write did and how it ended; adds its operations to `cited`."""
    begun, ended = int(writes.invoked[row]), int(writes.completed[row])
    cited.append(begun)
    did = f"registered {finding.id} for {finding.key}"
    if writes.updates[row]:
        did = f"updated {finding.key} to {finding.id}"
    how = "was never acknowledged"
    if writes.found_nothing[row]:
        how = "found nothing to update, by its reply"
    elif writes.void[row]:
        how = "certainly failed, by its reply"
    elif writes.outcome[row] == OK:
        how = f"was acknowledged{by_and_at(history[ended])}"
    return f"Operation {begun} {did} and {how}."


def _later(writes: RegistryWrites, row: int, when: str, cited: list[int]) -> str:
    """How a write ended the registration of another one; adds its operations to `cited`."""
    begun = int(writes.invoked[row])
    cited.append(begun)
    if writes.found_nothing[row]:
        return f"Operation {begun} {when}, and found nothing to update, by its reply."
    what = "wrote another id" if writes.setters[row] else "deregistered the key"
    return f"Operation {begun} {when}, {what}, and was acknowledged."
