"""Cycles in words: why each transaction must come before the next, and why that is impossible."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from checkers.limits import MOST_ELEMENTS_SHOWN
from checkers.linearizability.answer import NEVER
from checkers.transactions.graph.cycles import DependencyStep
from checkers.transactions.graph.dependencies import PROCESS, REAL_TIME, RW, WR, WW
from checkers.transactions.graph.scan import READ
from checkers.transactions.reading import Reading
from checkers.transactions.transactions import F_NAMES, Transactions
from checkers.verdict import Arrow
from history.history import OK

KINDS = {WW: "ww", WR: "wr", RW: "rw", PROCESS: "process", REAL_TIME: "real time"}


def value_in_words(value: Any) -> str:
    """A value as JSON; of a long list only its end."""
    if isinstance(value, list):
        inner = " ".join(map(str, value[-MOST_ELEMENTS_SHOWN:]))
        return f"[{'... ' if len(value) > MOST_ELEMENTS_SHOWN else ''}{inner}]"
    return "nothing" if value is None else str(value)


def transaction_in_words(txns: Transactions, txn: int) -> str:
    """A transaction with its steps: `[append x 1, r y [1 2]]`."""
    steps = []
    for step in range(int(txns.first[txn]), int(txns.first[txn + 1])):
        read = txns.f[step] == READ
        known = not read or txns.outcome[txn] == OK
        value = value_in_words(txns.step_value(step)) if known else "?"
        steps.append(f"{F_NAMES[txns.f[step]]} {txns.key_name(int(txns.key[step]))} {value}")
    return f"[{', '.join(steps)}]"


def _written(reading: Reading, txn: int, key: int) -> str:
    """The last value that a transaction wrote to a key, with the key."""
    txns = reading.txns
    last = [
        step
        for step in range(int(txns.first[txn]), int(txns.first[txn + 1]))
        if txns.key[step] == key and txns.f[step] != READ
    ][-1]
    return f"{txns.key_name(key)} {value_in_words(txns.step_value(last))}"


def reason(reading: Reading, step: DependencyStep, names: Sequence[str]) -> str:
    """Why the first of two transactions with these names must come before the second."""
    txns = reading.txns
    first, second = names
    if step.kind == PROCESS:
        return f"process {int(txns.process[step.before])} did {first} before {second}"
    if step.kind == REAL_TIME:
        return f"{first} had completed before {second} began"
    initial = step.version >= txns.versions
    key = step.version - txns.versions if initial else int(txns.version_key[step.version])
    name = txns.key_name(key)
    old = "the initial state" if initial else value_in_words(txns.value(step.version))
    if step.kind == WR:
        return f"{second} read {first}'s {'append' if txns.lists else 'write'} of {old} to {name}"
    new = _written(reading, step.after, key).split(" ", 1)[1]
    verb, noun = ("appended", "append") if txns.lists else ("wrote", "write")
    if step.kind == WW:
        return f"{second} {verb} {new} to {name} after {first} {verb} {old} to it"
    return f"{first} saw {old} of {name} and so did not observe {second}'s {noun} of {new}"


def cycle_in_words(reading: Reading, cycle: Sequence[DependencyStep]) -> tuple[str, tuple[Arrow, ...]]:
    """A cycle as an argument in words, and its steps as arrows for a picture."""
    members = list(dict.fromkeys(step.before for step in cycle))
    names = {txn: f"T{place + 1}" for place, txn in enumerate(members)}
    txns = reading.txns
    members_in_words = [
        f"Let {names[t]} be operation {int(txns.invoked[t])}, {transaction_in_words(txns, t)}"
        + ("" if txns.completed[t] != NEVER else ", which has no reply")
        for t in members
    ]
    reasons = [reason(reading, step, (names[step.before], names[step.after])) for step in cycle]
    arguments = [
        f"{names[s.before]} comes before {names[s.after]}, because {why}"
        for s, why in zip(cycle, reasons, strict=True)
    ]
    text = (
        f"{'. '.join(members_in_words)}. {'; '.join(arguments[:-1])}. However, {arguments[-1]}: no order "
        "agrees with all of that."
    )
    links = tuple(
        Arrow(
            source=int(txns.invoked[step.before]),
            target=int(txns.invoked[step.after]),
            kind=KINDS[step.kind],
            text=why,
        )
        for step, why in zip(cycle, reasons, strict=True)
    )
    return text, links


def operations_of(reading: Reading, members: Sequence[int]) -> tuple[int, ...]:
    """The numbers of transactions, in order."""
    return tuple(sorted({int(reading.txns.invoked[t]) for t in members}))
