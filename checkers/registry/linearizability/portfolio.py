"""Judges a registry's history part by part, each by the cheapest method that decides it.

A part is a service that lists read, or a single key. The methods, in turn:

1. the index witness (`witness`), for all parts in one pass: a part whose replies it explains is proven;
2. the same with writes in the traces' order and each read where it fits (`placement`): this is a proof, too;
3. without any index, key by key: zones and the compiled search for large histories (`columns`), the search
   over blocks for others (`presence`, `item_search`); a key with expiries by `service`;
4. where all keys have an order, and lists read them: the whole service (`service`), projected to the keys
   that contradict each other, then entire.

Each step has a budget, counted in configurations and bytes; a part that exceeds it is `unknown`. The checkers
`linearizability` and `index-honesty` share one judgement of a recording.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from checkers.limits import MOST_EVIDENCE
from checkers.linearizability.answer import Answer, Budget
from checkers.registry.applied import AppliedLog
from checkers.registry.linearizability.by_index.placement import Misfit, fit
from checkers.registry.linearizability.by_index.witness import Witness, examine
from checkers.registry.linearizability.by_search.explain import LONG, as_evidence, decide, explain
from checkers.registry.linearizability.by_search.split import Split, split, split_operations
from checkers.registry.linearizability.claims import EFFECTS, EXPIRY, SNAPSHOT, Claims, Integers, claims_of
from checkers.registry.names import BEAT, CLIENT_OPERATIONS
from checkers.verdict import Evidence, Validity
from history import History, Recording
from history.history import FAIL, INVOKE

LARGE = 50_000
"""Operations from which on the compiled pass over all keys pays for being loaded."""


MAY_EXPIRE = (
    "its operations have no order, unless an instance expired; the traces do not show all that was applied, "
    "so it may have"
)


@dataclass(frozen=True)
class Limits:
    """The budgets of the searches for one key, for one service, and for all services."""

    configurations_per_key: int = 50_000
    configurations_per_operation: int = 50
    service: Budget = field(default_factory=lambda: Budget(300_000, 256 << 20))
    configurations_of_all_services: int = 1_000_000
    """What the searches of all services together may take; after that each gets `least_per_service`. If
    several services exceed their own budget, the history is hardly decided, and each more takes seconds."""
    least_per_service: int = 20_000

    def of_service(self, spent: int) -> Budget:
        """The budget of the next service, after all services before it took `spent` configurations."""
        left = max(self.configurations_of_all_services - spent, self.least_per_service)
        return Budget(min(self.service.configurations, left), self.service.memory_bytes)

    def of_key(self, operations: int) -> int:
        """The configurations that a key with this number of operations may take."""
        return self.configurations_per_key + self.configurations_per_operation * operations


@dataclass
class Judgement:
    """The result for every part of a history."""

    history: History
    claims: Claims
    witness: Witness
    applied: AppliedLog
    validity: list[Validity]
    """The validity of each part."""
    keys: int = 0
    bad_keys: int = 0
    bad_lists: int = 0
    operations: int = 0
    most_configurations: int = 0
    service_configurations: int = 0
    """What the searches of services took, all together."""
    evidence: list[Evidence] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)
    means: dict[str, int] = field(default_factory=dict)
    """By method, the number of parts that it decided."""
    may_expire: bool = False
    """Whether an instance may have expired although no trace shows it."""

    def decided(self, part: int, means: str, validity: Validity) -> None:
        """Note the result of a part, and the method that decided it."""
        self.validity[part] = Validity.worst((self.validity[part], validity))
        self.means[means] = self.means.get(means, 0) + 1

    def doubt(self, part: int, why: str) -> None:
        """Note why a part could not be judged."""
        self.validity[part] = Validity.worst((self.validity[part], Validity.UNKNOWN))
        self.doubts.append(why)


class Judgements:
    """Judges a recording once, for all checkers that share this object."""

    def __init__(self, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        self._recording: Recording | None = None
        self._judgement: Judgement | None = None

    def of(self, recording: Recording) -> Judgement:
        """The judgement of a recording; that of the last one is kept."""
        if self._judgement is None or self._recording is not recording:
            self._recording, self._judgement = recording, judge(recording, self._limits)
        return self._judgement


def judge(recording: Recording, limits: Limits) -> Judgement:
    """Judge every part of a recording's history."""
    history = recording.history
    applied = AppliedLog.of(recording.traces)
    claims = claims_of(history, applied)
    witness = examine(claims)
    found = Judgement(history, claims, witness, applied, [Validity.VALID] * len(witness.names))
    found.keys = sum(len(keys) for keys in witness.keys)
    found.operations = int((claims.effect != EXPIRY).sum())
    found.may_expire = not claims.covered and BEAT in history.columns.f_names
    found.doubts += _foreign(history)
    found.means["witness"] = int(witness.proven.sum())
    order = np.argsort(witness.parts, kind="stable")
    edges = np.searchsorted(witness.parts[order], np.arange(len(witness.names) + 1))
    left: dict[int, tuple[Integers, Misfit]] = {}
    for part in np.flatnonzero(~witness.proven).tolist():
        members = order[edges[part] : edges[part + 1]]
        is_long = len(members) >= LONG and len(witness.keys[part]) == 1  # then compiled code is quicker
        misfit = Misfit(int(members[0])) if is_long else _fit(claims, members, witness.keys[part], applied)
        if misfit is None:
            found.decided(part, "placement", Validity.VALID)
        else:
            left[part] = (members, misfit)
    if left:
        _without_index(found, history, left, limits)
    return found


def _fit(claims: Claims, members: Integers, keys: tuple[int, ...], applied: AppliedLog) -> Misfit | None:
    if claims.unreadable and not claims.unreadable.isdisjoint(claims.service[members].tolist()):
        return Misfit(int(members[0]))
    return fit(claims, members, keys, applied.first)


def _foreign(history: History) -> list[str]:
    """Operations that a registry does not have, or that name no key: they may have changed anything."""
    columns = history.columns
    known = np.array([f in CLIENT_OPERATIONS or f == BEAT for f in columns.f_names], dtype=bool)
    rows = np.flatnonzero((columns.type == INVOKE) & (columns.process >= 0))
    ends = history.pairs[rows]
    failed = (ends >= 0) & (columns.type[ends] == FAIL)
    strange = rows[~known[columns.f[rows]] & ~failed] if len(rows) else rows
    keyed = np.array([f in EFFECTS for f in columns.f_names], dtype=bool)
    nameless = rows[(columns.key[rows] < 0) & keyed[columns.f[rows]]] if len(rows) else rows
    return [
        f"operation {row} is a {columns.f_names[columns.f[row]]!r}, which a registry does not have"
        for row in strange[:MOST_EVIDENCE].tolist()
    ] + [f"operation {row} names no key" for row in nameless[:MOST_EVIDENCE].tolist()]


def _without_index(
    found: Judgement, history: History, left: dict[int, tuple[Integers, Misfit]], limits: Limits
) -> None:
    claims, witness = found.claims, found.witness
    by_step = set(np.unique(claims.key[claims.effect == EXPIRY]).tolist())
    searched = {claims.keys[key]: part for part in left for key in witness.keys[part] if key not in by_step}
    keys = _split(history, searched, claims)
    found.doubts += keys.problems
    for key, part in searched.items():
        if key in keys.unreadable:
            found.doubt(part, f"{key}: {keys.unreadable[key]}")
        elif key in keys.operations:
            _key(found, part, key, keys, limits)
        else:
            found.decided(part, "zones", Validity.VALID)
    for part, (members, misfit) in left.items():
        stepped = [key for key in witness.keys[part] if key in by_step]
        has_lists = bool((claims.effect[members] == SNAPSHOT).any())
        if any(claims.service[member] in claims.unreadable for member in members[:1].tolist()):
            continue
        for stepping in stepped:
            _service(found, part, members, [(stepping,)], limits)
        if has_lists and found.validity[part] is Validity.VALID:
            pair = misfit.keys[:2]
            projections = [pair] if len(pair) == 2 else []
            _service(found, part, members, [*projections, witness.keys[part]], limits)


def _split(history: History, keys: dict[str, int], claims: Claims) -> Split:
    """The keys to search one by one; of a large history, those that the pass over all keys did not prove."""
    if len(history) >= LARGE and not bool((claims.effect == SNAPSHOT).any()):
        # Not above: this loads the compiled code, which a usual run never needs.
        from checkers.registry.linearizability.by_search.columns import operations_on, screen

        screened = screen(history)
        if screened is not None:
            proven = {key for key, ok in zip(screened.keys, screened.proven, strict=True) if ok}
            return split_operations(operations_on(history, [key for key in keys if key not in proven]))
    return split(history, keys)


def _key(found: Judgement, part: int, key: str, keys: Split, limits: Limits) -> None:
    """Search for an order of the operations on one key."""
    operations = keys.operations[key]
    budget = limits.of_key(len(operations))
    answer, configurations = decide(operations, budget)
    found.most_configurations = max(found.most_configurations, configurations)
    match answer:
        case Answer.LINEARIZABLE:
            found.decided(part, "search", Validity.VALID)
        case Answer.GAVE_UP:
            found.doubt(
                part,
                f"{key}: no answer for its {len(operations)} operations after "
                f"{configurations} configurations",
            )
        case Answer.NOT_LINEARIZABLE if found.may_expire:
            found.doubt(part, f"{key}: {MAY_EXPIRE}")
        case Answer.NOT_LINEARIZABLE:
            found.decided(part, "search", Validity.INVALID)
            found.bad_keys += 1
            if len(found.evidence) < MOST_EVIDENCE:
                found.evidence.append(as_evidence(key, explain(operations, budget), found.history))


def _service(
    found: Judgement, part: int, members: Integers, projections: Sequence[Sequence[int]], limits: Limits
) -> None:
    """Search a service's lists together with its keys: invalid if one projection is, valid if the last is."""
    from checkers.linearizability import evidence as of_keys
    from checkers.linearizability.engine import Engine
    from checkers.linearizability.impossible import explain as explain_part
    from checkers.registry.linearizability.by_search.service import ServiceLists, part_of

    name = found.witness.names[part]
    for keys in projections:
        projected = part_of(found.claims, members, keys, name)
        budget = limits.of_service(found.service_configurations)
        result = Engine(ServiceLists()).decide(projected, budget)
        found.service_configurations += result.configurations
        found.most_configurations = max(found.most_configurations, result.configurations)
        if result.answer is Answer.NOT_LINEARIZABLE and found.may_expire:
            found.doubt(part, f"{name}: {MAY_EXPIRE}")
            return
        if result.answer is Answer.NOT_LINEARIZABLE:
            impossible = explain_part(ServiceLists(), projected, budget)
            if impossible is not None:
                found.decided(part, "search", Validity.INVALID)
                found.bad_lists += 1
                shown = ", ".join(found.claims.keys[key] for key in keys[:4])
                where = f"service {name} (only {shown} and what lists show of it)"
                found.evidence.append(of_keys.as_evidence(where, impossible, found.history))
                return
    if result.answer is Answer.LINEARIZABLE:
        found.decided(part, "search", Validity.VALID)
    else:
        found.doubt(
            part,
            f"{name}: it is not known whether every list was true at one moment: no answer within "
            f"{result.why}; the longest order found has {len(result.order)} of {len(projected)} operations",
        )
