"""Writes certificates about transactions: an order of them, a circle of dependencies, or an anomaly.

What is written is rechecked at once, and left out if that fails: so a certificate that was written verifies.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from itertools import chain

from checkers.certificates.forced_orders import forced_orders
from checkers.certificates.snapshots import snapshot_order
from checkers.transactions.assumed import assumed_by
from checkers.transactions.consistency import LIST_APPEND, RW_REGISTER, SEARCHED, base_of, level_of
from checkers.transactions.graph.dependencies import dependencies
from checkers.transactions.list_append import read_lists
from checkers.transactions.rw_register import read_registers
from checkers.transactions.solver.decide import Answer, decide
from checkers.transactions.solver.problem import problem
from checkers.transactions.solver.search import ORDERED, REFUTED
from checkers.transactions.transactions import transactions
from checkers.verdict import Evidence, Validity, Verdict
from checkers.verification.certificate import (
    Anomaly,
    Certificate,
    CertificateError,
    Claim,
    CommitOrder,
    Dependencies,
    Edge,
    Proof,
    SnapshotOrder,
)
from checkers.verification.recheck import recheck_transactions
from checkers.verification.transactions.steps import facts_of
from history import History


def certificate_of(
    history: History, verdict: Verdict, *, workload: str, consistency: str, options: Mapping[str, str]
) -> Certificate:
    """The proof of a verdict on transactions, or why there is none.

    Args:
        history: the history that was judged.
        verdict: what the judge found.
        workload: `list-append` or `rw-register`.
        consistency: the consistency model.
        options: the question's options.
    """
    lists = workload == LIST_APPEND

    def certificate(claim: Claim | None, proofs: tuple[Proof, ...] = (), without: str = "") -> Certificate:
        return Certificate(workload, claim, consistency, options, proofs, without)

    if verdict.validity not in (Validity.VALID, Validity.INVALID):
        return certificate(None, without=verdict.summary)
    claim = Claim(verdict.validity.value)
    proofs = (
        chain(_refutations(history, verdict), () if lists else _forced(history, consistency, options))
        if claim is Claim.INVALID
        else _orders(history, consistency)
        if lists
        else _orders_of_registers(history, consistency, options)
    )
    reason = ""
    for proof in proofs:
        found = certificate(claim, (proof,))
        try:
            recheck_transactions(history, found, lists=lists)
        except CertificateError as refusal:
            reason = reason or f": {refusal}"
        else:
            return found
    return certificate(None, without=f"no certificate of this {claim} history was found{reason}")


def _refutations(history: History, verdict: Verdict) -> Iterator[Proof]:
    for evidence in verdict.evidence:
        if evidence.links:
            yield Dependencies(tuple(Edge(link.source, link.target, link.kind) for link in evidence.links))
        else:
            yield Anomaly(evidence.kind, _invocations(history, evidence))


def _invocations(history: History, evidence: Evidence) -> tuple[int, ...]:
    return tuple(index for index in evidence.operations if history[index].type == "invoke")


def _orders(history: History, consistency: str) -> Iterator[Proof]:
    """Orders that the dependencies allow; one that is serial proves every level below, too."""
    txns = transactions(history, lists=True)
    graph = dependencies(read_lists(txns), level_of(consistency))
    facts = facts_of(history, lists=True)
    happened = [int(index) in facts.happened for index in txns.invoked]
    serial = _sorted(graph.source.tolist(), graph.target.tolist(), graph.nodes)
    if serial is not None:
        yield CommitOrder(
            tuple(int(txns.invoked[node]) for node in serial if node < len(txns) and happened[node])
        )
    moments = snapshot_order(graph, txns, happened)
    if moments is not None:
        yield SnapshotOrder(tuple((what, int(txns.invoked[node])) for what, node in moments))


def _orders_of_registers(history: History, consistency: str, options: Mapping[str, str]) -> Iterator[Proof]:
    """The order that the search finds: a serial one if there is one, which proves every level below, too."""
    for snapshots in (False, True):
        answer = _searched(history, consistency, options, snapshots=snapshots)
        if answer.state == ORDERED:
            moments = answer.moments
            yield SnapshotOrder(moments) if snapshots else CommitOrder(tuple(txn for _, txn in moments))


def _forced(history: History, consistency: str, options: Mapping[str, str]) -> Iterator[Proof]:
    """The orders that must hold, until the search found that none is left."""
    base = base_of(consistency)
    if base not in SEARCHED:
        return
    answer = _searched(history, consistency, options, snapshots=SEARCHED[base])
    found = forced_orders(answer) if answer.state == REFUTED else None
    if found is not None:
        yield found


def _searched(history: History, consistency: str, options: Mapping[str, str], *, snapshots: bool) -> Answer:
    assumed, level = assumed_by(RW_REGISTER, options), level_of(consistency)
    txns = transactions(history, lists=False, duplicates=assumed.duplicates)
    registers = read_registers(txns, level, assumed)
    form, initial = registers.form, registers.is_initial
    return decide(problem(txns, form, level, snapshots=snapshots, is_initial=initial))


def _sorted(source: list[int], target: list[int], nodes: int) -> list[int] | None:
    sorter: TopologicalSorter[int] = TopologicalSorter(dict.fromkeys(range(nodes), ()))
    for before, after in zip(source, target, strict=True):
        sorter.add(after, before)
    try:
        return list(sorter.static_order())
    except CycleError:
        return None
