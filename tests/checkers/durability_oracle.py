"""The durability rule, word for word, in plain loops over operations: slow and obvious."""

from __future__ import annotations

from typing import NamedTuple

from history import History


class Write(NamedTuple):
    """A register, update or deregister of one key."""

    f: str
    id: str | None
    invoked: int
    completed: int
    outcome: str
    """`ok`, `info`, `fail`, or `empty`: an update that was told that there is nothing to update."""

    @property
    def may_happen(self) -> bool:
        return self.outcome in ("ok", "info")

    @property
    def is_end(self) -> bool:
        return self.outcome in ("ok", "empty")

    def ended_before(self, other: Write) -> bool:
        return self.outcome == "ok" and self.completed < other.invoked


def _writes(history: History, key: str) -> list[Write]:
    found = []
    for op in history:
        if op.type == "invoke" and op.key == key and op.f in ("register", "update", "deregister"):
            end = history.completion(op)
            outcome: str = "info" if end is None else end.type
            if op.f == "update" and end is not None and outcome == "ok" and end.value is False:
                outcome = "empty"
            id_ = None if op.f == "deregister" else op.value
            found.append(Write(op.f, id_, op.index, -1 if end is None else end.index, outcome))
    return found


def judge(history: History, key: str, present: str | None) -> set[tuple[str, str]]:
    """(kind, id) of every violation, if a read after everything found `present` at `key`."""
    writes = _writes(history, key)
    setters = [write for write in writes if write.id is not None]
    registers = [write for write in writes if write.f == "register" and write.may_happen]
    deregisters = [write for write in writes if write.f == "deregister" and write.may_happen]
    vacancies = [
        write
        for write in writes
        if write.outcome == "empty" or (write.f, write.outcome) == ("deregister", "ok")
    ]
    must_be_empty = not registers or any(
        all(register.ended_before(vacancy) for register in registers) for vacancy in vacancies
    )
    violations = set()
    kept = None
    for write in setters:
        others = [other for other in writes if other is not write]
        if write.outcome == "ok":
            if all(other.ended_before(write) for other in others if other.may_happen):
                if present != write.id:
                    violations.add(("lost", str(write.id)))
            elif present is None and all(other.ended_before(write) for other in deregisters):
                kept = write.id
        if present != write.id:
            continue
        if write.outcome in ("fail", "empty"):
            violations.add(("failed but present", str(write.id)))
        elif must_be_empty or (
            write.outcome == "ok"
            and any(other.is_end and other.invoked > write.completed for other in others)
        ):
            violations.add(("resurrected", str(write.id)))
    if kept is not None and not any(kind == "lost" for kind, _ in violations):
        violations.add(("lost", kept))
    if present is not None and present not in {write.id for write in setters}:
        violations.add(("invented", present))
    return violations
