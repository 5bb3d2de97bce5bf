"""The index witness and what follows it: agreed with trying every order, lists as single moments included."""

from __future__ import annotations

from collections import Counter
from random import Random

import msgspec
import numpy as np
import pytest

from checkers.linearizability.answer import Budget
from checkers.registry.applied import AppliedLog
from checkers.registry.linearizability import IndexHonesty, Linearizability
from checkers.registry.linearizability.by_index.placement import fit
from checkers.registry.linearizability.by_index.witness import examine
from checkers.registry.linearizability.by_search.service import ServiceLists, part_of
from checkers.registry.linearizability.claims import claims_of
from checkers.registry.linearizability.portfolio import Judgements, Limits
from checkers.verdict import Validity, Verdict
from history import History, NodeTrace, Operation, Recording, TraceEntry, TraceEvent
from tests.checkers.builders import NODES, HistoryBuilder, simulate
from tests.checkers.models.small_histories import linearizable

A, B, C = "svc/10.0.0.1:80", "svc/10.0.0.2:80", "other/10.0.0.1:80"
NO_TRACE = AppliedLog({}, (), 0)


def traces(ops: list[str | None]) -> dict[str, NodeTrace]:
    """One node that applied these operations, from index 1."""
    rows = tuple(TraceEntry(index, 1, f"h{index}", op) for index, op in enumerate(ops, start=1))
    last = len(rows)
    event = TraceEvent(1, 1, "apply", 1, "leader", last, last, last, entries=rows, node="n1", life=1)
    return {"n1": NodeTrace("n1", (event,))}


def verdicts(
    built: HistoryBuilder | History, ops: list[str | None] | None = None, limits: Limits | None = None
) -> tuple[Verdict, Verdict]:
    """Linearizability and index honesty of one recording."""
    history = built if isinstance(built, History) else built.history()
    recording = Recording(NODES, history, {} if ops is None else traces(ops))
    judgements = Judgements(limits)
    return Linearizability(judgements).check(recording), IndexHonesty(judgements).check(recording)


def oracle(history: History) -> bool:
    """Every service's operations, tried in every order; without indices and traces."""
    claims = claims_of(history, NO_TRACE)
    for service in range(len(claims.services)):
        keys = [key for key, own in enumerate(claims.service_of_key) if own == service]
        members = np.flatnonzero(claims.service == service)
        if len(members) and not linearizable(ServiceLists(), part_of(claims, members, keys, "svc")):
            return False
    return True


def tampered(history: History, random: Random, *, how: str) -> History:
    """One reply says something else: another value of the same shape, or another index."""
    operations = list(history)
    answered = [op for op in operations if op.type == "ok" and (how == "index" or op.f != "register")]
    if not answered:
        return history
    victim = random.choice(answered)
    if how == "index":
        changed = msgspec.structs.replace(victim, raft_index=random.randrange(12))
    elif victim.f == "list":
        shown = dict(victim.value)
        instance = random.choice(["10.0.0.1:80", "10.0.0.2:80"])
        ids = [op.value for op in operations if op.f == "register" and op.type == "invoke"] or ["r?"]
        if shown.pop(instance, None) is None or random.random() < 0.5:
            shown[instance] = random.choice(ids)
        changed = msgspec.structs.replace(victim, value=shown)
    else:
        values = [op.value for op in operations if op.f == victim.f or op.f == "register"]
        changed = msgspec.structs.replace(victim, value=random.choice([None, *values]))
    operations[victim.index] = changed
    return History(operations)


@pytest.mark.parametrize("how", ["nothing", "value", "index", "without traces", "without indices"])
def test_the_portfolio_agrees_with_trying_every_order(how: str) -> None:
    said: Counter[Validity] = Counter()
    for seed in range(500):
        random = Random(seed)
        built = simulate(random, keys=(A, B), steps=20, processes=3)
        history = built.history()
        ops: list[str | None] | None = [str(op) for op in built.applied]
        if how != "nothing":
            history = tampered(history, random, how="index" if how == "index" else "value")
        if how.startswith("without"):
            ops = None
        if how == "without indices":
            history = History([msgspec.structs.replace(op, raft_index=None) for op in history])
        found, honesty = verdicts(history, ops)
        assert (found.validity is Validity.VALID) == oracle(history), (seed, found)
        assert found.validity is not Validity.UNKNOWN
        if how == "nothing":
            assert honesty.validity is Validity.VALID, (seed, honesty)
        said[found.validity] += 1
    assert said[Validity.VALID] > 50
    assert said[Validity.INVALID] > 30 or how in ("nothing", "index")


def test_a_witness_that_passes_is_an_order_of_the_whole_history() -> None:
    """Also where it was tampered with: whatever is proven has an order."""
    proven = 0
    for seed in range(2500):
        random = Random(seed)
        history = tampered(
            simulate(random, keys=(A, B), steps=16, processes=3).history(), random, how="value"
        )
        claims = claims_of(history, NO_TRACE)
        if examine(claims).proven.all():
            assert oracle(history), seed
            proven += 1
    assert proven > 300


def test_reads_placed_where_they_fit_are_an_order_too() -> None:
    """Every read's index is made a lie; the order of writes alone must do, and must not do too much."""
    fitted = misfits = 0
    for seed in range(1500):
        random = Random(seed)
        history = simulate(random, keys=(A, B), steps=16, processes=3).history()
        if seed % 2:
            history = tampered(history, random, how="value")
        claims = claims_of(history, NO_TRACE)
        if claims.open:
            continue
        claims.index[claims.effect >= 4] = 0
        found = examine(claims)
        whole = all(
            fit(claims, np.flatnonzero(found.parts == part), found.keys[part], {}) is None
            for part in range(len(found.names))
        )
        if whole:
            assert oracle(history), seed
        elif not seed % 2:
            pytest.fail(f"seed {seed}: a correct history's reads fit nowhere")
        fitted += whole
        misfits += not whole
    assert fitted > 500
    assert misfits > 50


def two_instances() -> HistoryBuilder:
    """Two registrations, then a second one of each, one after the other."""
    built = HistoryBuilder()
    for index, (key, id_) in enumerate(((A, "a1"), (B, "b1"), (A, "a2"), (B, "b2")), start=1):
        built.do("register", key, id_, id_, raft_index=index)
    return built


def test_a_list_that_was_read_in_two_halves_is_invalid_though_each_key_has_an_order() -> None:
    built = HistoryBuilder()
    built.do("register", A, "a1", "a1", raft_index=1)
    built.do("register", B, "b1", "b1", raft_index=2)
    listing = built.invoke(7, "list", "svc")
    built.do("register", A, "a2", "a2", raft_index=3)
    built.do("register", B, "b2", "b2", raft_index=4)
    built.ok(7, {"10.0.0.1:80": "a1", "10.0.0.2:80": "b2"}, raft_index=4)
    found, honesty = verdicts(built)
    assert found.validity is Validity.INVALID
    assert found.measures["keys_not_linearizable"] == 0
    assert "lists of 1 service show what the service did not hold at any one moment" in found.summary
    assert listing in found.evidence[0].operations
    assert honesty.validity is Validity.UNKNOWN, "no index can be right where there is no order"


def test_an_honest_list_is_one_moment() -> None:
    built = two_instances()
    built.do("list", "svc", None, {"10.0.0.1:80": "a2", "10.0.0.2:80": "b2"}, raft_index=4)
    found, honesty = verdicts(built)
    assert (found.validity, honesty.validity) == (Validity.VALID, Validity.VALID)
    assert found.measures["decided_by"] == {"witness": 1}


@pytest.mark.parametrize(
    ("index", "why"),
    [(3, "a client had already got index 4 in a reply"), (9, "held b3 at that index")],
)
def test_a_lying_index_of_honest_data_is_no_violation_of_linearizability(index: int, why: str) -> None:
    built = two_instances()
    built.do("lookup", B, None, "b2", raft_index=4)
    built.do("lookup", B, None, "b2", raft_index=index)
    built.do("register", B, "b3", "b3", raft_index=5)
    found, honesty = verdicts(built)
    assert (found.validity, honesty.validity) == (Validity.VALID, Validity.INVALID)
    assert found.measures["decided_by"] == {"placement": 1, "witness": 1}
    assert any(why in evidence.text for evidence in honesty.evidence), honesty


def test_a_write_that_names_another_index_than_the_traces_is_dishonest() -> None:
    built = two_instances()
    ops: list[str | None] = [str(op.index) for op in built.operations if op.type == "invoke"]
    assert verdicts(built, ops)[1].validity is Validity.VALID
    built.do("register", A, "a3", "a3", raft_index=6)
    found, honesty = verdicts(built, [*ops, "8"])
    assert (found.validity, honesty.validity) == (Validity.VALID, Validity.INVALID)
    assert "the nodes applied it at index 5" in honesty.summary


def test_an_unanswered_write_that_was_applied_before_it_began_is_told_of_the_one_that_was_answered() -> None:
    built = two_instances()
    built.do("register", C, "c1", "c1", raft_index=6)
    built.invoke(9, "register", A, "a3")
    ops: list[str | None] = [str(op.index) for op in built.operations if op.type == "invoke"]
    _, honesty = verdicts(built, [*ops[:-2], ops[-1], ops[-2]])
    assert honesty.validity is Validity.INVALID
    assert "the operation that the nodes applied at index 5 began only after this reply" in honesty.summary


def test_two_writes_at_one_index_are_dishonest() -> None:
    built = two_instances()
    built.invoke(1, "register", C, "c1")
    built.invoke(2, "register", A, "a3")
    built.ok(1, "c1", raft_index=5)
    built.ok(2, "a3", raft_index=5)
    found, honesty = verdicts(built)
    assert (found.validity, honesty.validity) == (Validity.VALID, Validity.INVALID)
    assert "the reply to another write names the same index" in honesty.summary


def test_a_reply_without_an_index_leaves_honesty_unknown_and_is_searched_for() -> None:
    built = two_instances()
    built.do("lookup", A, None, "a2")
    found, honesty = verdicts(built)
    assert (found.validity, honesty.validity) == (Validity.VALID, Validity.UNKNOWN)
    assert "1 reply names no index" in honesty.summary


def unanswered_removal() -> HistoryBuilder:
    """A removal that nobody answered, and a lookup that saw its effect."""
    built = HistoryBuilder()
    built.do("register", A, "a1", "a1", raft_index=1)
    built.do("deregister", A, None, None, "info", raft_index=None)
    built.do("register", B, "b1", "b1", raft_index=3)
    built.do("lookup", A, None, None, raft_index=3)
    built.do("list", "svc", None, {"10.0.0.2:80": "b1"}, raft_index=3)
    return built


def test_outcomes_that_clients_never_learnt_are_taken_from_the_traces() -> None:
    found, honesty = verdicts(unanswered_removal(), ["0", "2", "4"])
    assert (found.validity, honesty.validity) == (Validity.VALID, Validity.VALID)
    assert found.measures["decided_by"] == {"witness": 1}


def test_without_a_trace_they_are_searched_for_and_the_index_is_not_blamed() -> None:
    found, honesty = verdicts(unanswered_removal())
    assert found.validity is Validity.VALID
    assert found.measures["decided_by"]["search"] > 0
    assert honesty.validity is Validity.UNKNOWN


def test_an_expiry_in_the_log_explains_what_no_client_did() -> None:
    built = HistoryBuilder()
    built.do("register", A, "a1", "a1", raft_index=1)
    built.do("register", B, "b1", "b1", raft_index=2)
    built.do("list", "svc", None, {"10.0.0.2:80": "b1"}, raft_index=3)
    assert verdicts(built, ["0", "2", "expire:removed:1:" + A])[0].validity is Validity.VALID
    assert verdicts(built, ["0", "2", "expire:unhealthy:1:" + A])[0].validity is Validity.INVALID
    assert verdicts(built, ["0", "2", "expire:removed:9:" + A])[0].validity is Validity.INVALID
    assert verdicts(built)[0].validity is Validity.INVALID


def test_an_expiry_that_a_cut_trace_may_hide_lays_no_blame_on_an_index() -> None:
    """The data alone has an order; by index the lookup came after `a2`, which may have expired before it."""
    for f, validity in (("beat", Validity.UNKNOWN), ("lookup", Validity.INVALID)):
        built = HistoryBuilder()
        built.do(f, B, None, None)
        built.invoke(7, "lookup", A)
        built.do("register", A, "a2", "a2", raft_index=3)
        built.ok(7, None, raft_index=5)
        found, honesty = verdicts(built)
        assert (found.validity, honesty.validity) == (Validity.VALID, validity)


def test_updates_change_what_is_there_and_nothing_else() -> None:
    built = HistoryBuilder()
    built.do("update", A, "a0", False, raft_index=1)
    built.do("lookup", A, None, None, raft_index=1)
    built.do("register", A, "a1", "a1", raft_index=2)
    built.do("update", A, "a2", "a2", raft_index=3)
    built.do("list", "svc", None, {"10.0.0.1:80": "a2"}, raft_index=3)
    found, honesty = verdicts(built)
    assert (found.validity, honesty.validity) == (Validity.VALID, Validity.VALID)
    built.do("deregister", A, None, "a2", raft_index=4)
    built.do("update", A, "a3", "a3", raft_index=5)
    assert verdicts(built)[0].validity is Validity.INVALID


def test_a_registration_that_only_an_update_found_is_no_lie_of_the_update() -> None:
    """Without traces the index is no order: the search finds one, and nobody is blamed."""
    built = HistoryBuilder()
    built.do("register", A, "a1", None, "info", raft_index=None)
    built.do("update", A, "a2", "a2", raft_index=3)
    built.do("list", "svc", None, {"10.0.0.1:80": "a2"}, raft_index=3)
    found, honesty = verdicts(built)
    assert (found.validity, honesty.validity) == (Validity.VALID, Validity.UNKNOWN)
    found, honesty = verdicts(built, [None, "0", "2"])
    assert (found.validity, honesty.validity) == (Validity.VALID, Validity.VALID)
    assert found.measures["decided_by"] == {"witness": 1}
    found, honesty = verdicts(built, [None, None, "2"])  # the log shows that it never happened
    assert (found.validity, honesty.validity) == (Validity.VALID, Validity.INVALID)


def test_a_service_over_budget_is_unknown_alone_and_says_how_far_it_came() -> None:
    built = unanswered_removal()
    built.do("register", C, "c1", "c1", raft_index=4)
    tight = Limits(service=Budget(1, 1 << 20))
    found, _ = verdicts(built, limits=tight)
    assert found.validity is Validity.UNKNOWN
    assert "the longest order found has" in found.summary


def test_an_operation_of_no_registry_is_in_doubt() -> None:
    built = two_instances()
    built.do("swap", A, "a9", "a9", raft_index=5)
    assert verdicts(built)[0].validity is Validity.UNKNOWN


def test_operation_ids_in_traces_survive_what_a_client_was_refused() -> None:
    """A write that failed for certain is not in the log, whatever its number."""
    operation = Operation(0, 0, 1, "invoke", "register", A, "a1")
    refused = msgspec.structs.replace(operation, index=1, time=1, type="fail", error="refused")
    found, _ = verdicts(History([operation, refused]))
    assert found.validity is Validity.UNKNOWN
    assert "no operation" in found.summary
