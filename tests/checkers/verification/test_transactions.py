"""Verdicts on transactions have certificates that verify, and no wrong certificate verifies."""

from __future__ import annotations

from random import Random

import msgspec
import pytest

from checkers.certificates.transactions import certificate_of
from checkers.transactions.isolation import Isolation
from checkers.verification.certificate import (
    Anomaly,
    Certificate,
    CertificateError,
    Claim,
    CommitOrder,
    Dependencies,
    Edge,
    ForcedOrders,
    Proof,
    SnapshotOrder,
    loaded,
    stored,
)
from checkers.verification.recheck import recheck_transactions
from history import History, Recording
from tests.checkers.transactions.minimal import history
from tests.checkers.transactions.oracle import serializable, small_history, snapshot_isolated, txns_of
from tests.checkers.transactions.test_anomalies import TOGETHER_OF_LISTS, TOGETHER_OF_REGISTERS

LEVELS = ("serializable", "strong-session-serializable", "strict-serializable", "snapshot-isolation")
WITHOUT_CIRCLE = "no certificate of this invalid history was found"
"""Where unread appends have no order at snapshot isolation, several circles together show it, not one."""
REASONS = ("ww", "wr", "rw", "process", "real time")


def certified(recorded: History, workload: str, consistency: str) -> Certificate:
    verdict = Isolation(workload, consistency).check(Recording(nodes=(), history=recorded))
    found = certificate_of(recorded, verdict, workload=workload, consistency=consistency, options={})
    assert loaded(stored(found)) == found
    return found


def truth(recorded: History, consistency: str) -> Claim:
    txns = txns_of(recorded)
    keeps = (
        snapshot_isolated(txns)
        if consistency == "snapshot-isolation"
        else serializable(txns, LEVELS.index(consistency))
    )
    return Claim.VALID if keeps else Claim.INVALID


@pytest.mark.parametrize("consistency", LEVELS)
def test_every_verdict_on_lists_has_a_certificate_that_verifies(consistency: str) -> None:
    claims, missing = [], 0
    for seed in range(150):
        recorded = small_history(
            Random(seed), lists=True, kind=("serial", "torn", "mutated")[seed % 3], most=4
        )
        found = certified(recorded, "list-append", consistency)
        if found.claim is None:
            assert "read anything" in found.without or WITHOUT_CIRCLE in found.without, (seed, found.without)
            missing += WITHOUT_CIRCLE in found.without
            continue
        recheck_transactions(recorded, found, lists=True)
        assert found.claim is truth(recorded, consistency), seed
        claims.append(found.claim)
    assert min(claims.count(Claim.VALID), claims.count(Claim.INVALID)) > 10
    assert missing <= 2


@pytest.mark.parametrize("case", TOGETHER_OF_LISTS)
def test_the_smallest_history_of_each_anomaly_of_lists_has_a_certificate(case: str) -> None:
    lines, expected = TOGETHER_OF_LISTS[case]
    recorded = history(*lines, together=True)
    found = certified(recorded, "list-append", "serializable")
    assert found.claim is (Claim.INVALID if expected else Claim.VALID), found.without
    recheck_transactions(recorded, found, lists=True)


@pytest.mark.parametrize("case", TOGETHER_OF_REGISTERS)
def test_the_smallest_history_of_each_anomaly_of_registers_has_a_certificate(case: str) -> None:
    lines, _ = TOGETHER_OF_REGISTERS[case]
    recorded = history(*lines, together=True, lists=False)
    found = certified(recorded, "rw-register", "serializable")
    if case == "garbage":  # what was read may have been there before any write
        assert "--option initial=1" in found.without
        return
    assert found.claim is Claim.INVALID, found.without
    recheck_transactions(recorded, found, lists=False)


@pytest.mark.parametrize("consistency", LEVELS)
def test_nearly_every_verdict_on_registers_has_a_certificate(consistency: str) -> None:
    claims, missing, forced = [], 0, 0
    for seed in range(300):
        recorded = small_history(
            Random(seed), lists=False, kind=("serial", "torn", "mutated")[seed % 3], most=5
        )
        found = certified(recorded, "rw-register", consistency)
        if found.claim is None:
            missing += "read anything" not in found.without
            continue
        recheck_transactions(recorded, found, lists=False)
        assert found.claim is truth(recorded, consistency), seed
        claims.append(found.claim)
        forced += isinstance(found.proofs[0], ForcedOrders)
    assert min(claims.count(Claim.VALID), claims.count(Claim.INVALID)) > 10
    assert missing <= 3


def a_history_that_needs_forced_orders() -> tuple[History, Certificate, ForcedOrders]:
    for seed in range(4000):
        recorded = small_history(Random(seed), lists=False, kind="mutated", most=5)
        found = certified(recorded, "rw-register", "strict-serializable")
        if found.claim is Claim.INVALID and isinstance(found.proofs[0], ForcedOrders):
            return recorded, found, found.proofs[0]
    raise AssertionError("no such history")


def test_forced_orders_with_a_step_changed_or_left_out_do_not_verify() -> None:
    recorded, found, proof = a_history_that_needs_forced_orders()
    recheck_transactions(recorded, found, lists=False)
    changed: list[ForcedOrders] = [
        msgspec.structs.replace(proof, refuted=()),
        msgspec.structs.replace(proof, circle=proof.circle[1:], rule=None),
    ]
    for place, step in enumerate(proof.steps):
        turned = msgspec.structs.replace(step, before=step.after, after=step.before)
        bare = msgspec.structs.replace(step, refuted=())
        for other in ([turned], [bare] if step.refuted else [turned], []):
            steps = (*proof.steps[:place], *other, *proof.steps[place + 1 :])
            changed.append(msgspec.structs.replace(proof, steps=steps))
    opened = [
        msgspec.structs.replace(one, circle=one.circle[:-1]) for one in proof.refuted if len(one.circle) > 1
    ]
    assert opened, "the last rule is refuted by no circle of two links"
    others = proof.refuted[len(opened) :]
    changed.append(msgspec.structs.replace(proof, refuted=(*opened, *others)))
    for wrong in changed:
        with pytest.raises(CertificateError):
            recheck_transactions(recorded, msgspec.structs.replace(found, proofs=(wrong,)), lists=False)


def forged(random: Random, recorded: History, certificate: Certificate) -> Certificate:
    """A certificate that somebody made up, or one with a small change."""
    begun = [op.index for op in recorded if op.type == "invoke"]
    proof = certificate.proofs[0]
    change = random.randrange(3)
    made_up: Proof
    if change == 0 and isinstance(proof, CommitOrder | SnapshotOrder):
        if isinstance(proof, CommitOrder):
            made_up = CommitOrder(tuple(random.sample(proof.transactions, len(proof.transactions))))
        else:
            made_up = SnapshotOrder(tuple(random.sample(proof.moments, len(proof.moments))))
        return msgspec.structs.replace(certificate, proofs=(made_up,))
    if change == 1:
        nodes = random.sample(begun, random.randrange(2, min(4, len(begun)) + 1))
        made_up = Dependencies(
            tuple(
                Edge(one, other, random.choice(REASONS))
                for one, other in zip(nodes, [*nodes[1:], nodes[0]], strict=True)
            )
        )
    else:
        name = random.choice(["internal", "G1a", "G1b", "lost-update", "incompatible-order", "garbage-read"])
        made_up = Anomaly(name, tuple(random.sample(begun, random.randrange(1, len(begun) + 1))))
    return msgspec.structs.replace(certificate, claim=Claim.INVALID, proofs=(made_up,))


@pytest.mark.parametrize("lists", [True, False], ids=["lists", "registers"])
@pytest.mark.parametrize("consistency", LEVELS)
def test_whatever_verifies_is_true(consistency: str, lists: bool) -> None:
    random = Random(16)
    verified = refused = 0
    for seed in range(120):
        recorded = small_history(
            Random(seed), lists=lists, kind=("serial", "torn", "mutated")[seed % 3], most=4
        )
        certificate = certified(recorded, "list-append" if lists else "rw-register", consistency)
        if certificate.claim is None or sum(op.type == "invoke" for op in recorded) < 2:
            continue
        expected = truth(recorded, consistency)
        for _ in range(20):
            fake = forged(random, recorded, certificate)
            try:
                recheck_transactions(recorded, fake, lists=lists)
            except CertificateError:
                refused += 1
            else:
                verified += 1
                assert fake.claim is expected, (seed, fake)
    assert verified > 15
    assert refused > 100
