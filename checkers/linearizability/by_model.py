"""Linearizability of any history whose data type has a model, key by key."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from checkers.linearizability.answer import NEVER, Answer, Budget, Result
from checkers.linearizability.part import Part, parts
from checkers.linearizability.words import call_in_words, operation_in_words
from checkers.models.model import IMPOSSIBLE, IllegalCall, Model, Scalar
from checkers.verdict import Evidence, Validity, Verdict
from harness.history import History, Recording

if TYPE_CHECKING:
    from checkers.linearizability.engine import Engine
    from checkers.linearizability.impossible import Impossible

EVIDENCE_LIMIT = 12
NAMED = 12


@dataclass(frozen=True)
class LinearizabilityOf:
    """Searches, per key, for an order that explains every reply.

    A key that goes over its budget is `unknown`, no other; an invalid one makes the whole invalid.
    """

    model: Model
    budget: Budget = field(default_factory=Budget)
    name: str = "linearizability"

    def check(self, recording: Recording) -> Verdict:
        """Judge every key."""
        # Not above: these load the compiled search, and those that hold a checker do not always judge.
        from checkers.linearizability.engine import Engine
        from checkers.linearizability.impossible import explain

        refused = first_illegal(recording.history, self.model)
        if refused is not None:
            operation, rule = refused
            return Verdict(self.name, Validity.UNKNOWN, f"operation {operation}: {rule}")
        engine = Engine(self.model)
        doubts: list[str] = []
        evidence: list[Evidence] = []
        bad = operations = most = 0
        found = parts(recording.history)
        for part, searched in zip(found, engine.decide_all(found, self.budget), strict=True):
            result = confirmed(engine, part, self.budget, searched)
            operations += len(part)
            most = max(most, result.configurations)
            where = "the history" if part.key is None else f"key {part.key!r}"
            if result.answer is Answer.NOT_LINEARIZABLE:
                impossible = explain(self.model, part, self.budget)
                if impossible is None:
                    doubts.append(f"{where}: found impossible, but the exact search ran out of its budget")
                    continue
                bad += 1
                if len(evidence) < EVIDENCE_LIMIT:
                    evidence.append(as_evidence(where, impossible))
            elif result.answer is Answer.GAVE_UP:
                doubts.append(
                    f"{where}: no answer within {result.why}; the longest order found places "
                    f"{len(result.order)} of {len(part)} operations"
                )
        if not operations:
            doubts.append("there is no operation to judge")
        evidence += [Evidence(title="not judged", text=doubt) for doubt in doubts[:EVIDENCE_LIMIT]]
        if bad:
            validity = Validity.INVALID
            summary = (
                f"{bad} of {len(found)} keys are not linearizable" if len(found) > 1 else "not linearizable"
            )
        elif doubts:
            validity, summary = Validity.UNKNOWN, f"{len(doubts)} doubts, as: {doubts[0]}"
        else:
            validity = Validity.VALID
            summary = f"{operations} operations on {len(found)} keys: each key's have an order"
        return Verdict(
            checker=self.name,
            validity=validity,
            summary=summary,
            evidence=tuple(evidence),
            measures={
                "model": self.model.name,
                "keys": len(found),
                "keys_not_linearizable": bad,
                "keys_not_judged": len(doubts),
                "operations": operations,
                "most_configurations_for_a_key": most,
            },
            caveats=(f"the initial state is taken to be {self.model.initial!r}",),
        )


def first_illegal(history: History, model: Model) -> tuple[int, str] | None:
    """The first operation that the model does not know, and why; each different call is tried once."""
    tried = set()
    for part in parts(history):
        for place in range(len(part)):
            call = part.call(place)
            if call in tried:
                continue
            tried.add(call)
            try:
                _ = model.effect(call) if isinstance(model, Scalar) else model.step(model.initial, call)
            except IllegalCall as refusal:
                known = ", ".join(sorted(model.functions))
                rule = str(refusal) if call.f in model.functions else f"{refusal}; {model.name} has {known}"
                return int(part.invoked[place]), rule
    return None


def confirmed(engine: Engine, part: Part, budget: Budget, searched: Result | None = None) -> Result:
    """Search, and replay an order that was found on the real values: a valid verdict is a proof.

    Where the replay fails (two texts of one fingerprint: see `engine`), the exact search decides. What was
    `searched` is not searched again.
    """
    result = engine.decide(part, budget) if searched is None else searched
    if result.answer is not Answer.LINEARIZABLE:
        return result
    state = engine.model.initial
    for place in result.order:
        after = engine.model.step(state, part.call(int(place)))
        if after is IMPOSSIBLE:
            return type(engine)(engine.model, exact=True).decide(part, budget)
        state = after
    return result


def as_evidence(where: str, found: Impossible) -> Evidence:
    """One impossible key in words."""
    part = found.part
    core = [operation_in_words(part, place) for place in found.core[:NAMED]]
    if len(found.core) > NAMED:
        core.append(f"and {len(found.core) - NAMED} more")
    order = [
        f"operation {int(part.invoked[later])} began after operation {int(part.completed[earlier])}"
        for earlier, later in zip(found.core[:NAMED], found.core[1:NAMED], strict=False)
        if part.completed[earlier] < part.invoked[later]
    ]
    culprit = operation_in_words(part, found.culprit)
    text = (
        f"{where}: every reply before operation {int(part.completed[found.culprit])} is explained by some "
        f"order; with that of {culprit}, none is. The smallest impossible part found: {'; '.join(core)}. "
    )
    if order:
        text += f"In real time, {', '.join(order)}. "
    if found.from_any_state:
        text += "No state before these operations explains them. "
    if found.maybe:
        named = ", ".join(
            f"operation {int(part.invoked[place])} ({call_in_words(part.call(place))})"
            for place in found.maybe[:NAMED]
        )
        more = f" and {len(found.maybe) - NAMED} more" if len(found.maybe) > NAMED else ""
        text += f"Nor do they if {named}{more} took effect at any time since, or did not. "
    ends = np.concatenate([part.invoked[list(found.core)], part.completed[list(found.core)]])
    indices = sorted(int(index) for index in ends if index != NEVER)
    return Evidence(title=f"{where} is not linearizable", text=text + found.stuck, operations=tuple(indices))
