"""The durability rule, word for word, in plain loops over operations: slow and obvious."""

from __future__ import annotations

from harness.history import History, Operation


def _writes(history: History, key: str) -> list[tuple[Operation, Operation | None, str]]:
    """(invocation, completion, outcome) of every register and deregister of a key."""
    found = []
    for op in history:
        if op.type == "invoke" and op.key == key and op.f in ("register", "deregister"):
            completion = history.completion(op)
            found.append((op, completion, "info" if completion is None else completion.type))
    return found


def judge(history: History, key: str, present: str | None) -> set[tuple[str, str]]:
    """(kind, id) of every violation, if a read after everything found `present` at `key`."""
    writes = _writes(history, key)
    violations = set()
    registers = {op.value: (op, end, outcome) for op, end, outcome in writes if op.f == "register"}
    for id_, (begun, ended, outcome) in registers.items():
        others = [write for write in writes if write[0] is not begun and write[2] != "fail"]
        must = outcome == "ok" and all(
            other == "ok" and end is not None and end.index < begun.index for _, end, other in others
        )
        if must and present != id_:
            violations.add(("lost", id_))
        if present != id_:
            continue
        if outcome == "fail":
            violations.add(("failed but present", id_))
        if outcome == "ok" and any(
            other == "ok" and ended is not None and op.index > ended.index for op, _, other in others
        ):
            violations.add(("resurrected", id_))
    if present is not None and present not in registers:
        violations.add(("invented", present))
    return violations
