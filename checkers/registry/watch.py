"""Watches: whoever follows a key is told of every change once, in order, also after a break.

A `watch` operation asks for the changes of its key after an index, and is answered with those up to another:

- invocation's value: `{"after": A}`: all up to index A is known to the watcher;
- completion's value: `{"events": [[index, value], ...], "until": U}`: every change after A up to U. A change
  to nothing has the value None. A watch that failed told nothing, and may be asked for again.

Four promises (those that etcd makes for its watches, in its API guarantees):

- *ordered*: indices ascend, and none lies after U;
- *unique*: nothing is told twice, in one answer or to a watch that knew it already (an index up to A);
- *reliable*: every change that was acknowledged with an index in (A, U] is told, and as it was; nothing else
  is told than what somebody may have written;
- *resumable*: this holds for a watch that goes on after a break, too: its A is what the last answer reached.

A process that goes on from further than it was told would miss changes by its own doing: such a history is
refused. Writes are `register`, `update`, `write` (of a value) and `deregister`, with the index that their
reply names; what a deregister changes to is nothing, and an update that is answered False changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from checkers.limits import MOST_EVIDENCE
from checkers.linearizability.part import frozen
from checkers.registry.names import DEREGISTER, REGISTER, UPDATE
from checkers.verdict import Evidence, IllegalOperation, Validity, Verdict, checked
from history import History, Operation, Recording

WATCH = "watch"
_WRITES = frozenset({REGISTER, UPDATE, "write", DEREGISTER})


class Told(NamedTuple):
    """One answered watch."""

    invocation: Operation
    completion: Operation
    after: int
    until: int
    events: tuple[tuple[int, Any], ...]


class Broken(NamedTuple):
    """A promise that a watch did not keep."""

    promise: str
    told: Told
    why: str


@dataclass(frozen=True)
class Watches:
    """Judges every answered watch by the writes of its key."""

    name: str = "watch"

    def judge(self, recording: Recording) -> Verdict:
        """Hold all watches against the four promises.

        Raises:
            IllegalOperation: a watch's values have another form, or it goes on from further than it was told.
        """
        history = recording.history
        watches = list(_watches(history))
        found = list(_broken(history, watches))
        evidence = tuple(
            Evidence(
                f"a watch that is not {one.promise}",
                f"operation {one.told.invocation.index} ({WATCH} {one.told.invocation.key} after "
                f"{one.told.after}): {one.why}.",
                (one.told.invocation.index, one.told.completion.index),
            )
            for one in found[:MOST_EVIDENCE]
        )
        events = sum(len(told.events) for told in watches)
        if found:
            validity, summary = Validity.INVALID, f"{len(found)} times, as: {evidence[0].text}"
        elif not events:
            validity, summary = Validity.UNKNOWN, "no watch told of a change, so nothing was shown"
        else:
            validity = Validity.VALID
            summary = f"{len(watches)} watches told of {events} changes: each once, in order, none missing"
        measures = {"watches": len(watches), "events": events, "resumed": _resumed(history)}
        return Verdict(self.name, validity, summary, evidence, measures)

    def check(self, recording: Recording) -> Verdict:
        """As `judge`; what it refuses is unknown."""
        return checked(self, recording)


def _watches(history: History) -> Iterator[Told]:
    reached: dict[tuple[int, str | None], int] = {}
    for invocation in history:
        if invocation.f != WATCH or invocation.type != "invoke":
            continue
        after = invocation.value.get("after") if isinstance(invocation.value, dict) else None
        if not isinstance(after, int):
            raise IllegalOperation(
                invocation.index, f'a watch asks {{"after": index}}, not {invocation.value!r}'
            )
        here = (invocation.process, invocation.key)
        if after > reached.setdefault(here, after):
            rule = f"the watch goes on after {after}, but was told only up to {reached[here]}"
            raise IllegalOperation(invocation.index, rule)
        completion = history.completion(invocation)
        if completion is None or completion.type != "ok":
            continue
        until, events = _answer(completion)
        reached[here] = max(reached[here], until)
        yield Told(invocation, completion, after, until, events)


def _answer(completion: Operation) -> tuple[int, tuple[tuple[int, Any], ...]]:
    value = completion.value
    if isinstance(value, dict):
        until, events = value.get("until"), value.get("events")
        if isinstance(until, int) and isinstance(events, list | tuple):
            pairs = [frozen(event) for event in events]
            if all(isinstance(p, tuple) and len(p) == 2 and isinstance(p[0], int) for p in pairs):
                return until, tuple(pairs)
    form = '{"events": [[index, value], ...], "until": index}'
    raise IllegalOperation(completion.index, f"a watch answers {form}, not {value!r}")


def _broken(history: History, watches: list[Told]) -> Iterator[Broken]:
    changes: dict[str | None, dict[int, Any]] = {}
    possible: dict[str | None, set[Any]] = {}
    for invocation in history:
        if invocation.f not in _WRITES or invocation.type != "invoke":
            continue
        completion = history.completion(invocation)
        if completion is not None and completion.type == "fail":
            continue
        value = None if invocation.f == DEREGISTER else frozen(invocation.value)
        if completion is not None and completion.type == "ok" and completion.raft_index is not None:
            # A deregister or an update that found nothing changed nothing: nobody need be told.
            if (invocation.f, completion.value) not in ((DEREGISTER, None), (UPDATE, False)):
                changes.setdefault(invocation.key, {})[completion.raft_index] = value
        else:
            possible.setdefault(invocation.key, set()).add(value)
    for told in watches:
        key = told.invocation.key
        yield from _one(told, changes.get(key, {}), possible.get(key, set()))


def _one(told: Told, changes: dict[int, Any], possible: set[Any]) -> Iterator[Broken]:
    """What one answer breaks by itself."""
    last = told.after
    for index, _ in told.events:
        if index == last or index <= told.after:
            yield Broken("unique", told, f"it told of index {index}, which was known")
        elif index < last or index > told.until:
            yield Broken(
                "ordered", told, f"index {index} stands behind {last}, in an answer up to {told.until}"
            )
        last = max(last, index)
    heard = dict(told.events)
    for index, value in sorted(changes.items()):
        if told.after < index <= told.until and index not in heard:
            yield Broken("reliable", told, f"it reached {told.until} and left out index {index} ({value!r})")
            break
    for index, value in told.events:
        if index in changes and changes[index] != value:
            yield Broken(
                "reliable", told, f"it told {value!r} of index {index}, which was {changes[index]!r}"
            )
            break
        if index not in changes and value not in possible:
            yield Broken("reliable", told, f"it told {value!r} of index {index}, which nobody wrote")
            break


def _resumed(history: History) -> int:
    """How many watches followed one of the same process and key that had failed."""
    failed: set[tuple[int, str | None]] = set()
    resumed = 0
    for operation in history:
        here = (operation.process, operation.key)
        if operation.f != WATCH:
            continue
        if operation.type == "invoke":
            resumed += here in failed
            failed.discard(here)
        elif operation.type == "fail":
            failed.add(here)
    return resumed
