"""Watches: a client that watches a key gets every change once, in order, also after an interruption.

A `watch` operation asks for the changes of its key after an index, and is answered with those up to another:

- the invocation's value is `{"after": A}`: the client knows all changes up to index A;
- the completion's value is `{"events": [[index, value], ...], "until": U}`: every change after A up to U. A
  removal has the value None. A watch that failed delivered nothing, and may be repeated.

Four promises (those that etcd makes for its watches, in its API guarantees):

- *ordered*: indices ascend, and none lies after U;
- *unique*: no change is delivered twice, in one answer or to a watch that knew it already (an index up to A);
- *reliable*: every change that was acknowledged with an index in (A, U] is delivered, with its value; and
  only values that a client may have written are delivered;
- *resumable*: all this also holds for a watch that goes on after an interruption: its A is the U of the last
  answer.

A process that goes on from a later index than its last answer reached would itself miss changes: such a
history is refused. Writes are `register`, `update`, `write` (of a value) and `deregister`, with the index
that their reply names. A deregister changes a key to nothing; an update that is answered False changes
nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from checkers.limits import MOST_EVIDENCE
from checkers.registry.names import DEREGISTER, REGISTER, UPDATE
from checkers.verdict import Evidence, IllegalOperation, Mark, Unjudged, Validity, Verdict, checked
from checkers.words import seconds
from history import History, Operation, Recording
from history.values import frozen

WATCH = "watch"
_WRITES = frozenset({REGISTER, UPDATE, "write", DEREGISTER})


class AnsweredWatch(NamedTuple):
    """One watch that was answered, with its values read."""

    invocation: Operation
    completion: Operation
    after: int
    until: int
    events: tuple[tuple[int, Any], ...]


class BrokenPromise(NamedTuple):
    """A promise that the answer to a watch did not keep."""

    promise: str
    watch: AnsweredWatch
    why: str


@dataclass(frozen=True)
class WatchPromises:
    """Compares every answered watch with the writes of its key."""

    name: str = "watch"

    def judge(self, recording: Recording) -> Verdict:
        """Judge all watches by the four promises.

        Raises:
            IllegalOperation: a watch's values have another form, or it goes on from a later index than the
                last answer reached.
        """
        history = recording.history
        watches = list(_watches(history))
        found = list(_broken(history, watches))
        evidence = tuple(
            Evidence(
                f"a watch of {one.watch.invocation.key} was not {one.promise}, answered at "
                f"{seconds(one.watch.completion.time)}",
                f"operation {one.watch.invocation.index} ({WATCH} {one.watch.invocation.key} after index "
                f"{one.watch.after}): {one.why}.",
                (one.watch.invocation.index,),
                kind=f"a watch that is not {one.promise}",
            )
            for one in found[:MOST_EVIDENCE]
        )
        events = sum(len(watch.events) for watch in watches)
        mark: Mark
        if found:
            mark, summary = Validity.INVALID, f"{len(found)} violations; for example: {evidence[0].text}"
        elif not events:
            mark, summary = Unjudged.NOT_EXERCISED, "no watch delivered a change, so no promise was tested"
        else:
            mark = Validity.VALID
            summary = f"{len(watches)} watches delivered {events} changes: each once, in order, none missing"
        measures = {"watches": len(watches), "events": events, "resumed": _resumed(history)}
        return Verdict.marked(self.name, mark, summary, evidence, measures)

    def check(self, recording: Recording) -> Verdict:
        """Judge, and answer `unknown` to a history that `judge` refuses."""
        return checked(self, recording)


def _watches(history: History) -> Iterator[AnsweredWatch]:
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
            rule = f"the watch goes on after index {after}, but its last answer reached only {reached[here]}"
            raise IllegalOperation(invocation.index, rule)
        completion = history.completion(invocation)
        if completion is None or completion.type != "ok":
            continue
        until, events = _answer(completion)
        reached[here] = max(reached[here], until)
        yield AnsweredWatch(invocation, completion, after, until, events)


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


def _broken(history: History, watches: list[AnsweredWatch]) -> Iterator[BrokenPromise]:
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
            # A deregister or an update that found nothing changed nothing: no watch must deliver it.
            if (invocation.f, completion.value) not in ((DEREGISTER, None), (UPDATE, False)):
                changes.setdefault(invocation.key, {})[completion.raft_index] = value
        else:
            possible.setdefault(invocation.key, set()).add(value)
    for watch in watches:
        key = watch.invocation.key
        yield from _one(watch, changes.get(key, {}), possible.get(key, set()))


def _one(watch: AnsweredWatch, changes: dict[int, Any], possible: set[Any]) -> Iterator[BrokenPromise]:
    """The promises that one answer breaks."""
    last = watch.after
    for index, _ in watch.events:
        if index == last or index <= watch.after:
            yield BrokenPromise("unique", watch, f"it delivered index {index}, which the client knew already")
        elif index < last or index > watch.until:
            why = f"it delivered index {index} after index {last}, in an answer that reached {watch.until}"
            yield BrokenPromise("ordered", watch, why)
        last = max(last, index)
    delivered = dict(watch.events)
    for index, value in sorted(changes.items()):
        if watch.after < index <= watch.until and index not in delivered:
            why = f"it reached index {watch.until} but left out the change at index {index} to {value!r}"
            yield BrokenPromise("reliable", watch, why)
            break
    for index, value in watch.events:
        if index in changes and changes[index] != value:
            why = f"it delivered {value!r} at index {index}, where the key changed to {changes[index]!r}"
            yield BrokenPromise("reliable", watch, why)
            break
        if index not in changes and value not in possible:
            why = f"it delivered {value!r} at index {index}, a value that no client wrote"
            yield BrokenPromise("reliable", watch, why)
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
