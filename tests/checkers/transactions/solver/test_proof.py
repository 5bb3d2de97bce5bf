"""What the search says can be rechecked: an order explains every read, a refutation follows step by step."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from checkers.certificates.transactions import certificate_of
from checkers.transactions.assumed import Assumed
from checkers.transactions.isolation import Isolation
from checkers.transactions.rw_register import read_registers
from checkers.transactions.solver.decide import Answer, decide
from checkers.transactions.solver.problem import INITIAL, Problem, problem
from checkers.transactions.solver.proof import FORCED, Alternative, Proof, Rule, Step, proof_of
from checkers.transactions.solver.search import REFUTED
from checkers.transactions.transactions import transactions
from checkers.verdict import Validity
from tests.checkers.builders import recording
from tests.checkers.stores.rw_register import broken_history
from tests.checkers.transactions.minimal import history, judged

LEVELS = ("strong-session-snapshot-isolation", "serializable", "strict-serializable")


def answers(seeds: range, *, duplicates: bool) -> Iterator[tuple[int, Answer]]:
    """What the search says of the histories whose reads each have a candidate."""
    for seed in seeds:
        txns = transactions(broken_history(seed, duplicates=duplicates), lists=False, duplicates=duplicates)
        registers = read_registers(txns, 0, Assumed(duplicates))
        if registers.reading.anomalies.counts.keys() - {"lost-update"}:
            continue
        for level in range(3):
            for snapshots in (False, True):
                yield (
                    seed,
                    decide(
                        problem(
                            txns,
                            registers.form,
                            level,
                            snapshots=snapshots,
                            is_initial=registers.is_initial,
                        )
                    ),
                )


Pair = tuple[int, int]


def alternatives(task: Problem, rule: Rule) -> set[Pair]:
    """The pairs of points of which a rule asks for one, once the write that a read saw is chosen."""

    def begin(slot: int) -> int:
        return int(task.writers.member[slot]) * task.width

    def end(slot: int) -> int:
        return begin(slot) + task.width - 1

    if rule.read < 0:
        assert task.snapshots
        assert task.writers.key[rule.author] == task.writers.key[rule.other]
        return {(end(rule.author), begin(rule.other)), (end(rule.other), begin(rule.author))}
    reader = int(task.reads.member[rule.read]) * task.width
    low, high = task.reads.candidates_at[rule.read], task.reads.candidates_at[rule.read + 1]
    candidates = task.reads.candidate[low:high].tolist()
    if rule.candidates:
        assert list(rule.candidates) == candidates
        return {(end(slot), reader) for slot in candidates if slot != INITIAL}
    assert rule.author in candidates
    assert rule.other not in candidates
    assert task.writers.key[rule.other] == task.reads.key[rule.read]
    found = {(reader, end(rule.other))}
    return found if rule.author == INITIAL else found | {(end(rule.other), end(rule.author))}


def recheck_alternative(task: Problem, proof: Proof, one: Alternative, before: int) -> None:
    """Each link of the circle is certain, or a step before this one."""
    if not one.circle:
        assert one.step >= 0 or one.before == one.after
        assert one.step < before
        return
    at = one.after
    for link in one.circle:
        assert at in (-1, link.before)
        at = link.after
        if link.kind == FORCED:
            assert 0 <= link.step < before
            step = proof.steps[link.step]
            assert (step.before, step.after) == (link.before, link.after)
        else:
            certain = task.certain
            found = (certain.source == link.before) & (certain.target == link.after)
            assert np.any(found & (certain.kind == link.kind))
    assert at == (one.before if one.before >= 0 else one.circle[0].before)


def recheck_step(task: Problem, proof: Proof, step: Step, number: int) -> None:
    """All alternatives of the step's rule but its own are refuted."""
    for one in step.refuted:
        recheck_alternative(task, proof, one, number)
    if step.rule is not None and not step.rule.candidates:
        left = alternatives(task, step.rule)
        left -= {(one.before, one.after) for one in step.refuted}
        assert left <= {(step.before, step.after)}


def recheck(task: Problem, proof: Proof) -> None:
    """The steps follow from each other, and end where nothing is left."""
    for number, step in enumerate(proof.steps):
        recheck_step(task, proof, step, number)
    for one in proof.last:
        recheck_alternative(task, proof, one, len(proof.steps))
    if proof.last_rule is None:
        assert len(proof.last) == 1
        assert proof.last[0].circle
    elif not proof.last_rule.candidates:
        refuted = {(one.before, one.after) for one in proof.last}
        assert alternatives(task, proof.last_rule) <= refuted


@pytest.mark.parametrize("duplicates", [False, True])
def test_every_refutation_follows_step_by_step_or_says_that_it_does_not(duplicates: bool) -> None:
    complete = learned = 0
    for _, answer in answers(range(400), duplicates=duplicates):
        proof = proof_of(answer) if answer.state == REFUTED else None
        if proof is None:
            continue
        if proof.complete:
            recheck(answer.task, proof)
        complete += proof.complete
        learned += not proof.complete
    assert complete > 50 > learned, (complete, learned)


def test_the_order_of_every_valid_history_is_one_that_the_verifier_accepts() -> None:
    accepted = 0
    for seed in range(150):
        recorded = broken_history(seed)
        for level in LEVELS:
            verdict = Isolation("rw-register", level).check(recording(recorded))
            if verdict.validity is Validity.VALID:
                found = certificate_of(
                    recorded, verdict, workload="rw-register", consistency=level, options={}
                )
                assert found.claim is not None, (seed, level, found.without)
                accepted += 1
    assert accepted > 150, accepted


def test_a_forced_order_is_shown_with_what_the_other_direction_would_close() -> None:
    """T3 overwrote x, in between what T1 saw before it and T4 after it: reads alone show no cycle."""
    lines = ("wx2 wy3", "wx1", "ry3 rx1", "rx1 ry")
    verdict = judged(*lines, together=True, lists=False, consistency="serializable")
    assert verdict.validity is Validity.INVALID
    assert verdict.measures["anomalies"] == {}
    assert "serializable" in verdict.measures["not"]
    assert "read-committed" not in verdict.measures["not"]
    shown = verdict.evidence[0]
    assert "(1) T1 comes before T3: T1 read nothing of y" in shown.text
    assert "it cannot be that T3 comes before T2, since T1 read T2's write of 1 to x" in shown.text
    assert "it cannot be that T4 comes before T3, since T4 read T3's write of 3 to y" in shown.text
    assert {link.kind for link in shown.links} == {"wr", "ww", "rw"}


def test_a_search_that_gives_up_is_unknown_and_says_what_is_open() -> None:
    lines = ("rx1 ry", "wx1", "wx2 wy3", "ry3 rx1")
    judge = Isolation("rw-register", "serializable", looks=0)
    verdict = judge.check(recording(history(*lines, together=True, lists=False)))
    assert verdict.validity is Validity.UNKNOWN
    assert "the order of 2 transactions that wrote 1 key (x) is open after 3 looks" in verdict.summary
