"""Instances whose lookups may lag behind: is every acknowledged registration there in the end, and how old
was what lookups showed?

Operations: `register` of an id (each once), `deregister`, `lookup`, whose reply is an id or None. Writes are
assumed to take effect in one order that agrees with real time; a write of unknown outcome may take effect at
any later time, or never. A lookup shows some state of the instance, perhaps an old one.

`InstanceDurability` judges *late* lookups: those that began at least `bound_s` after the final heal was over
and after the last write of the instance. By then a lookup must show what the writes left: an id whose
registration no other certain write followed, or None if a deregister may have been the last, or if nothing
was registered. What differs from that has vanished, came back, or is out of date for good. Every node must
have shown it in two late lookups of each instance, at least `bound_s` apart: what is registered stays. If two
nodes show different things both times, their states differ for good. At any time, an id that no client
registered before is a violation.

`LookupAge` only measures: by how much, at least, a lookup was behind the writes that were acknowledged before
it began.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Annotated, Any, NamedTuple

import msgspec

from checkers.limits import MOST_EVIDENCE
from checkers.linearizability.answer import NEVER
from checkers.run.faults import fault_operations
from checkers.run.stalls import Stalls
from checkers.verdict import Evidence, IllegalOperation, Mark, Unjudged, Validity, Verdict, checked
from checkers.words import plural, seconds
from checkers.workloads.client_operations import (
    ClientOperation,
    by_key,
    client_operations,
    numbers,
    of,
    quantiles,
)
from history import Recording
from history.nemesis import FINAL_HEAL
from history.units import MILLISECOND_NS, SECOND_NS

REGISTER, DEREGISTER, LOOKUP = "register", "deregister", "lookup"
LATE_BOUND_S = 5.0
VANISHED = "an acknowledged registration vanished"
OUT_OF_DATE = "a node stayed out of date"
NEVER_REGISTERED = "a lookup showed what was never registered"
DIVERGED = "two nodes stayed different"


@dataclass(frozen=True)
class InstanceCalls:
    """All operations on one instance."""

    key: str | None
    writes: tuple[ClientOperation, ...]
    """The registrations and deregisters that did not fail."""
    failed: tuple[ClientOperation, ...]
    lookups: tuple[ClientOperation, ...]
    """Those that were answered."""

    @cached_property
    def registered(self) -> Mapping[str, ClientOperation]:
        """By id, the operation that registered it, if it did not fail."""
        return {one.invocation.value: one for one in self.writes if one.invocation.f == REGISTER}

    @cached_property
    def happened_by(self) -> Mapping[int, int]:
        """By position of a write, the position up to which it certainly happened, if it happened at all: that
        of its reply, or of the first lookup that showed it; `NEVER` if there is neither."""
        shown: dict[str, int] = {}
        for lookup in self.lookups:
            if lookup.reply is not None:
                shown[lookup.reply] = min(shown.get(lookup.reply, NEVER), lookup.until)
        return {
            one.at: min(one.until, shown.get(one.invocation.value, NEVER))
            if one.invocation.f == REGISTER
            else one.until
            for one in self.writes
        }

    @cached_property
    def may_be_last(self) -> tuple[ClientOperation, ...]:
        """The writes that no other certain write followed in real time."""
        latest = max((one.at for one in self.writes if one.outcome == "ok"), default=-1)
        return tuple(one for one in self.writes if self.happened_by[one.at] > latest)

    @cached_property
    def left(self) -> frozenset[str | None]:
        """What the writes may have left: ids, and None for no instance."""
        nothing: frozenset[str | None] = frozenset()
        if all(one.outcome != "ok" for one in self.writes):
            nothing = frozenset({None})
        return nothing | {
            one.invocation.value if one.invocation.f == REGISTER else None for one in self.may_be_last
        }


class LateLookup(NamedTuple):
    """A lookup after everything was healed and had time to settle."""

    lookup: ClientOperation
    node: str
    shown: str | None


@dataclass
class _Findings:
    counts: Counter[str]
    evidence: dict[str, list[Evidence]]
    doubts: list[str]

    def add(self, kind: str, title: str, text: str, *shown: ClientOperation) -> None:
        self.counts[kind] += 1
        cases = self.evidence.setdefault(kind, [])
        if len(cases) < MOST_EVIDENCE:
            cases.append(Evidence(title, text, numbers(*shown), kind=kind))


@dataclass(frozen=True)
class InstanceDurability:
    """Judges whether what was registered is there in the end, on every node, and stays."""

    bound_s: Annotated[float, msgspec.Meta(gt=0, le=1e6)] = LATE_BOUND_S
    """How long after the last write and the final heal a lookup may still be behind."""
    name: str = "instance-durability"

    def judge(self, recording: Recording) -> Verdict:
        """Judge a history of instances, by the longer of the bound and what the run's system states.

        Raises:
            IllegalOperation: an operation of another kind, or an id that is registered twice.
        """
        stated_s = recording.options.get("settle_bound_s", 0.0)
        return replace(self, bound_s=max(self.bound_s, stated_s))._judged(recording)

    def _judged(self, recording: Recording) -> Verdict:
        found = _Findings(Counter(), {}, [])
        healed = _healed_at(recording)
        for instances in instances_of(recording, self.name):
            found.counts["instances"] += 1
            found.counts["acknowledged"] += sum(
                one.outcome == "ok" and one.invocation.f == REGISTER for one in instances.writes
            )
            _never_registered(instances, found)
            self._judge_late(recording, instances, healed, found)
        return self._verdict(found)

    def check(self, recording: Recording) -> Verdict:
        """Judge, and answer `unknown` to a history that `judge` refuses."""
        return checked(self, recording)

    def _judge_late(
        self, recording: Recording, instances: InstanceCalls, healed: int | None, found: _Findings
    ) -> None:
        """Compare the late lookups of one instance with what its writes may have left."""
        if not instances.writes:
            return
        late = _late(recording, instances, healed, self.bound_s)
        allowed = instances.left
        for one in late:
            if one.shown in allowed:
                found.counts["late_lookups"] += 1
            elif one.shown is None:
                _vanished(instances, one, self.bound_s, found)
            else:
                _out_of_date(instances, one, self.bound_s, found)
        settled: dict[str, list[LateLookup]] = {}
        for one in late:
            settled.setdefault(one.node, []).append(one)
        pairs = {
            node: (shown[0], shown[-1])
            for node, shown in settled.items()
            if shown[-1].lookup.invocation.time - shown[0].lookup.invocation.time >= self.bound_s * SECOND_NS
        }
        for node in recording.nodes:
            if node not in pairs:
                often = plural(len(settled.get(node, [])), "late lookup")
                found.doubts.append(
                    f"of {instances.key} {node} answered {often}; two are needed, {self.bound_s:g} s apart"
                )
        steady = [
            pair
            for pair in pairs.values()
            if pair[0].shown == pair[1].shown and pair[0].shown in allowed  # what is not is noted already
        ]
        _diverged(instances, steady, self.bound_s, found)

    def _verdict(self, found: _Findings) -> Verdict:
        counts, doubts = found.counts, found.doubts
        shown = [case for cases in found.evidence.values() for case in cases][:MOST_EVIDENCE]
        mark: Mark
        if shown:
            tally = ", ".join(f"{kind}: {counts[kind]}" for kind in found.evidence)
            mark, summary = Validity.INVALID, f"{tally}; for example: {shown[0].text}"
        elif not counts["acknowledged"]:
            mark, summary = Unjudged.NOT_EXERCISED, "no registration was acknowledged"
        elif doubts:
            mark, summary = Validity.UNKNOWN, f"{plural(len(doubts), 'reason')}; for example: {doubts[0]}"
        else:
            mark = Validity.VALID
            registrations = plural(counts["acknowledged"], "acknowledged registration")
            summary = (
                f"{registrations} of {plural(counts['instances'], 'instance')}: every node showed in the end "
                f"what the writes left, and kept it ({plural(counts['late_lookups'], 'late lookup')})"
            )
        evidence = (
            *shown,
            *(Evidence("durability was not judged", f"{one}.") for one in doubts[:MOST_EVIDENCE]),
        )
        caveat = f"lookups are compared from {self.bound_s:g} s after the last write and the final heal on"
        return Verdict.marked(
            self.name, mark, summary, evidence, {**dict(counts), "doubts": len(doubts)}, (caveat,)
        )


@dataclass(frozen=True)
class LookupAge:
    """Measures how old the state in each lookup was at least; it judges nothing."""

    name: str = "lookup-age"

    def judge(self, recording: Recording) -> Verdict:
        """Measure a history of instances.

        Raises:
            IllegalOperation: an operation of another kind, or an id that is registered twice.
        """
        ages: list[float] = []
        by_node: dict[str, float] = {}
        for instances in instances_of(recording, self.name):
            for lookup in instances.lookups:
                age_ms = _age_ns(instances, lookup) / MILLISECOND_NS
                ages.append(age_ms)
                node = str(lookup.invocation.node)
                by_node[node] = max(by_node.get(node, 0.0), age_ms)
        if not ages:
            return Verdict.marked(self.name, Unjudged.NOT_EXERCISED, "no lookup was answered")
        old = sum(age > 0 for age in ages)
        summary = (
            f"{plural(len(ages), 'lookup')}: {old} showed an old state; the oldest was {max(ages):.0f} ms "
            "behind at least"
        )
        measures: dict[str, Any] = {
            "lookups": len(ages),
            "behind": old,
            "age_ms": quantiles(ages),
            "oldest_ms_by_node": {node: round(age, 3) for node, age in sorted(by_node.items())},
        }
        return Verdict.marked(self.name, Unjudged.ONLY_MEASURES, summary, (), measures)

    def check(self, recording: Recording) -> Verdict:
        """Measure, and answer `unknown` to a history that `judge` refuses."""
        return checked(self, recording)


def instances_of(recording: Recording, judge: str) -> Iterator[InstanceCalls]:
    """The operations of each instance.

    Raises:
        IllegalOperation: an operation of another kind, an id that is no text, or one registered twice.
    """
    calls_by_key = by_key(client_operations(recording.history, judge, (REGISTER, DEREGISTER, LOOKUP)))
    for key, calls in calls_by_key.items():
        ids: set[str] = set()
        for one in calls:
            if one.invocation.f != REGISTER:
                continue
            if not isinstance(one.invocation.value, str):
                raise IllegalOperation(one.at, f"an id is a text, not {one.invocation.value!r}")
            if one.invocation.value in ids:
                raise IllegalOperation(
                    one.at, f"{one.invocation.value!r} is registered a second time; each id must be new"
                )
            ids.add(one.invocation.value)
        writes = [one for one in calls if one.invocation.f != LOOKUP]
        yield InstanceCalls(
            key,
            tuple(one for one in writes if one.outcome != "fail"),
            tuple(one for one in writes if one.outcome == "fail"),
            tuple(one for one in calls if one.invocation.f == LOOKUP and one.outcome == "ok"),
        )


def _healed_at(recording: Recording) -> int | None:
    """When the last final heal was over, in nanoseconds; None if there is none."""
    heals = [fault for fault in fault_operations(recording.history) if fault.f == FINAL_HEAL]
    return heals[-1].completion.time if heals else None


def _late(
    recording: Recording, instances: InstanceCalls, healed: int | None, bound_s: float
) -> list[LateLookup]:
    """The lookups from the bound on; a time in which the harness did not run does not count."""
    if healed is None:
        return []
    ends = [one.completion.time for one in instances.writes if one.completion is not None]
    last = max([healed, *ends])
    stalls, bound_ns = Stalls.of(recording), int(bound_s * SECOND_NS)
    return [
        LateLookup(one, str(one.invocation.node), one.reply)
        for one in instances.lookups
        if one.invocation.time - last - stalls.within(last, one.invocation.time) >= bound_ns
    ]


def _never_registered(instances: InstanceCalls, found: _Findings) -> None:
    """Note the lookups that show an id that was not registered yet, or whose registration failed."""
    registered = instances.registered
    failed = {one.invocation.value: one for one in instances.failed if one.invocation.f == REGISTER}
    for lookup in instances.lookups:
        shown = lookup.reply
        if shown is None or (shown in registered and registered[shown].at < lookup.until):
            continue
        tried = failed.get(shown) or registered.get(shown)
        why = "which no client registered"
        if tried is not None:
            verb = "failed" if tried.outcome == "fail" else "began only after that"
            why = f"but the only operation that registers it, {tried.at}, {verb}"
        node = lookup.invocation.node
        found.add(
            NEVER_REGISTERED,
            f"{node} showed {shown!r}{of(instances.key)}, which was never registered",
            f"Operation {lookup.at}, answered by {node}, showed {shown!r}{of(instances.key)}, {why}.",
            lookup,
            *(() if tried is None else (tried,)),
        )


def _vanished(instances: InstanceCalls, one: LateLookup, bound_s: float, found: _Findings) -> None:
    last = [write for write in instances.may_be_last if write.outcome == "ok"]
    write = max(last, key=lambda other: other.until)
    assert write.completion is not None
    text = (
        f"Operation {write.at} registered {write.invocation.value!r}{of(instances.key)}, which was "
        f"acknowledged at {seconds(write.completion.time)}. No client deregistered it after that. But "
        f"operation {one.lookup.at}, which {one.node} answered at {_at(one)}, more than {bound_s:g} s after "
        "the last write and the final heal, found no instance."
    )
    title = (
        f"{write.invocation.value!r}{of(instances.key)}, acknowledged at "
        f"{seconds(write.completion.time)}, was not on {one.node} at {_at(one)}"
    )
    found.add(VANISHED, title, text, write, one.lookup)


def _out_of_date(instances: InstanceCalls, one: LateLookup, bound_s: float, found: _Findings) -> None:
    shown = instances.registered.get(one.shown or "")
    if shown is None:
        return  # it was never registered, which is noted already
    after = max(
        (
            other
            for other in instances.writes
            if other.outcome == "ok" and other.at > instances.happened_by[shown.at]
        ),
        key=lambda other: other.until,
    )
    assert after.completion is not None
    did = (
        f"registered {after.invocation.value!r} in its place"
        if after.invocation.f == REGISTER
        else "deregistered it"
    )
    text = (
        f"Operation {one.lookup.at}, which {one.node} answered at {_at(one)}, more than {bound_s:g} s after "
        f"the last write and the final heal, showed {one.shown!r}{of(instances.key)}. But operation "
        f"{after.at} {did}, acknowledged at {seconds(after.completion.time)}."
    )
    title = (
        f"{one.node} still showed {one.shown!r}{of(instances.key)} at {_at(one)}, after operation "
        f"{after.at} {did}"
    )
    found.add(OUT_OF_DATE, title, text, shown, after, one.lookup)


def _diverged(
    instances: InstanceCalls,
    pairs: list[tuple[LateLookup, LateLookup]],
    bound_s: float,
    found: _Findings,
) -> None:
    """Note two nodes that showed different things, each the same both times.

    Each id is registered once. So of two ids one is the later state, and the node with the other was behind
    for as long as from the first lookup of the one node to the last of the other. No instance may also be
    the state before an id and after it; then this claims nothing, unless there was no deregister.
    """
    returns = any(one.invocation.f == DEREGISTER for one in instances.writes)
    for first, again in pairs:
        for other, other_again in pairs:
            if first.node >= other.node or first.shown == other.shown:
                continue
            behind = min(_between(other, again), _between(first, other_again))
            nothing = None in (first.shown, other.shown)
            if behind < bound_s * SECOND_NS or (nothing and returns):
                different = f"{first.node} showed {first.shown!r} and {other.node} {other.shown!r}"
                found.doubts.append(
                    f"of {instances.key} {different} until the end, and one of them may only have been behind"
                )
                continue
            text = (
                f"{first.node} showed {first.shown!r}{of(instances.key)} at {_at(first)} and {_at(again)}, "
                f"{other.node} {other.shown!r} at {_at(other)} and {_at(other_again)}. Whichever of the two "
                "is the later state, one node stayed without it."
            )
            title = (
                f"{first.node} and {other.node} stayed different: {first.shown!r} and {other.shown!r}"
                f"{of(instances.key)}"
            )
            found.add(DIVERGED, title, text, first.lookup, other.lookup, again.lookup, other_again.lookup)


def _between(first: LateLookup, second: LateLookup) -> int:
    """Nanoseconds from the reply to the first lookup to the beginning of the second; negative if none."""
    assert first.lookup.completion is not None
    return second.lookup.invocation.time - first.lookup.completion.time


def _at(one: LateLookup) -> str:
    assert one.lookup.completion is not None
    return seconds(one.lookup.completion.time)


def _age_ns(instances: InstanceCalls, lookup: ClientOperation) -> int:
    """How long before the lookup began it was certain that the state had changed from what it showed."""
    shown = lookup.reply
    if shown is None:
        left = [one for one in instances.writes if one.invocation.f == DEREGISTER and one.at < lookup.until]
    else:
        left = [one for one in instances.writes if one.invocation.value == shown]
        if not left:
            return 0
    # What it showed held at the end of one of these at the latest, or, for None, at the beginning.
    latest = max((instances.happened_by[one.at] for one in left), default=-1)
    changed = [
        one.completion.time
        for one in instances.writes
        if one.outcome == "ok"
        and one.completion is not None
        and one.at > latest
        and one.until < lookup.at
        and (one.invocation.f == REGISTER or shown is not None)
    ]
    return lookup.invocation.time - min(changed) if changed else 0
