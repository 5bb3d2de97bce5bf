"""No certificate that can be forged for a small history is accepted if it claims what every order denies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain, permutations, product
from pathlib import Path

import msgspec
import pytest

from checkers.transactions.consistency import DECIDED_WEAK, MODELS, SEARCHED, base_of
from checkers.verification.certificate import (
    Anomaly,
    Certificate,
    CertificateError,
    Claim,
    CommitOrder,
    Dependencies,
    Edge,
    ForcedOrders,
    Link,
    Proof,
    Refuted,
    Rule,
)
from checkers.verification.recheck import ANOMALIES, recheck_transactions
from history import History
from history.formats import read
from tests.checkers.stores import list_append, rw_register
from tests.checkers.stores.list_append_orders import EveryOrder as OrdersOfLists
from tests.checkers.stores.list_append_orders import levels as levels_of_lists
from tests.checkers.stores.rw_register_orders import EveryOrder as OrdersOfRegisters
from tests.checkers.stores.weak_orders import EveryCommitOrder
from tests.checkers.transactions.minimal import history
from tests.marks import first_in_ci

REASONS = ("ww", "wr", "rw", "process", "real time")
OF_REGISTERS = tuple(model for model in MODELS if base_of(model) in SEARCHED)


def accepted(recorded: History, model: str, claim: Claim, level: str, proof: Proof, **options: str) -> bool:
    certificate = Certificate(model, claim, level, options, (proof,))
    try:
        recheck_transactions(recorded, certificate, lists=model == "list-append")
    except CertificateError:
        return False
    return True


def forged(recorded: History) -> Iterator[tuple[Claim, Proof]]:
    """Every anomaly, every circle of two or three dependencies, and every order of transactions."""
    begun = [op.index for op in recorded if op.type == "invoke"]
    for name in ANOMALIES:
        yield Claim.INVALID, Anomaly(name, tuple(begun))
    edges = [Edge(a, b, reason) for (a, b), reason in product(permutations(begun, 2), REASONS)]
    # An edge that stands in no accepted circle of two is left out only if nothing at all shows it.
    shown = [edge for edge in edges if is_shown(recorded, edge)]
    for one, other in product(shown, shown):
        if one.target == other.source and other.target == one.source:
            yield Claim.INVALID, Dependencies((one, other))
    for one, other, third in product(shown, shown, shown):
        if (one.target, other.target, third.target) == (other.source, third.source, one.source):
            yield Claim.INVALID, Dependencies((one, other, third))
    for order in chain.from_iterable(permutations(begun, count) for count in range(1, len(begun) + 1)):
        yield Claim.VALID, CommitOrder(order)


def is_shown(recorded: History, edge: Edge) -> bool:
    """Whether the verifier takes an edge; it says so by what it refuses of a circle of this edge and back."""
    lists = any(step[0] == "append" for op in recorded for step in op.value or ())
    back = Edge(edge.target, edge.source, "no reason")
    certificate = Certificate("", Claim.INVALID, None, {}, (Dependencies((edge, back)),))
    with pytest.raises(CertificateError) as refusal:
        recheck_transactions(recorded, certificate, lists=lists)
    return f"{edge.target} precedes {edge.source} by no reason" in str(refusal.value)


def nothing_wrong_is_accepted(recorded: History, model: str, kept: Mapping[str, bool], **options: str) -> int:
    tried = 0
    for claim, proof in forged(recorded):
        for level, keeps in kept.items():
            if (claim is Claim.VALID) != keeps:
                tried += 1
                assert not accepted(recorded, model, claim, level, proof, **options), (level, proof)
    return tried


def of_lists(seed: int) -> int:
    recorded = list_append.broken_history(seed, most=4)
    orders = OrdersOfLists(recorded)
    return nothing_wrong_is_accepted(
        recorded, "list-append", {level: orders.keeps(level) for level in levels_of_lists()}
    )


def of_registers(seed: int, *, duplicates: bool, initial: int | None) -> int:
    recorded = rw_register.broken_history(seed, most=4, duplicates=duplicates, initial=initial)
    orders, weak = OrdersOfRegisters(recorded, initial), EveryCommitOrder(recorded, initial)
    kept = {level: orders.keeps(level) for level in OF_REGISTERS}
    if not duplicates:
        kept |= {level: weak.keeps(level) for level in DECIDED_WEAK}
    options = {} if initial is None else {"initial": str(initial)}
    if duplicates:
        options["duplicates"] = "true"
    return nothing_wrong_is_accepted(recorded, "rw-register", kept, **options)


def test_no_forged_proof_about_lists_is_accepted() -> None:
    assert sum(map(of_lists, range(8))) > 300


@pytest.mark.parametrize("initial", [None, 0])
@pytest.mark.parametrize("duplicates", [False, True])
def test_no_forged_proof_about_registers_is_accepted(duplicates: bool, initial: int | None) -> None:
    found = [of_registers(seed, duplicates=duplicates, initial=initial) for seed in range(4)]
    assert sum(found) > 100


@pytest.mark.parametrize("chunk", first_in_ci(range(20), 1))
def test_no_proof_of_many_forged_ones_is_accepted(chunk: int) -> None:
    for seed in range(40 * chunk, 40 * (chunk + 1)):
        of_lists(seed)
        of_registers(seed, duplicates=seed % 2 == 1, initial=0 if seed % 4 >= 2 else None)


TWICE = history("wx1", "wx1", "rx1", lists=False)
AT_FIRST = history("wx0", "rx0", lists=False)


@pytest.mark.parametrize(("recorded", "options"), [(TWICE, {}), (AT_FIRST, {"initial": "0"})])
def test_values_that_are_written_again_are_proved_only_where_the_certificate_states_it(
    recorded: History, options: Mapping[str, str]
) -> None:
    begun = tuple(op.index for op in recorded if op.type == "invoke")

    def is_accepted(**more: str) -> bool:
        stated = {**options, **more}
        return accepted(recorded, "rw-register", Claim.VALID, "serializable", CommitOrder(begun), **stated)

    assert is_accepted(duplicates="true")
    assert not is_accepted()
    assert not is_accepted(duplicates="false")


@pytest.mark.parametrize("options", [{"duplicates": "perhaps"}, {"doubled": "true"}])
def test_a_certificate_with_an_option_that_does_not_exist_proves_nothing(options: Mapping[str, str]) -> None:
    recorded, order = history("wx1", "rx1", lists=False), CommitOrder((0, 2))
    assert accepted(recorded, "rw-register", Claim.VALID, "serializable", order)
    assert not accepted(recorded, "rw-register", Claim.VALID, "serializable", order, **options)


def by_one_process(recorded: History) -> History:
    return History([msgspec.structs.replace(op, process=0) for op in recorded])


@pytest.mark.parametrize("level", ["causal", "pram", "strong-session-read-atomic"])
def test_levels_that_keep_to_processes_are_not_shown_by_an_order_that_does_not(level: str) -> None:
    recorded = by_one_process(history("wx1", "rx", lists=False))
    backwards = CommitOrder((2, 0))
    assert accepted(recorded, "rw-register", Claim.VALID, "read-atomic", backwards)
    assert not accepted(recorded, "rw-register", Claim.VALID, level, backwards)


def test_a_level_that_is_not_known_is_refused() -> None:
    order = CommitOrder((0,))
    assert accepted(history("ax1"), "list-append", Claim.VALID, "serializable", order)
    for level in ("strongly-serializable", "strong-", "", "causal", "strong-read-atomic"):
        assert not accepted(history("ax1"), "list-append", Claim.VALID, level or "-", order), level
        assert level == "causal" or not accepted(
            history("wx1", lists=False), "rw-register", Claim.VALID, level or "-", order
        )


def test_interleaved_appends_are_no_circle_where_reads_may_show_anything() -> None:
    recorded = history("ax1 ax2", "ax3", "rx132", together=True)
    circle = Dependencies((Edge(0, 1, "ww"), Edge(1, 0, "ww")))
    assert accepted(recorded, "list-append", Claim.INVALID, "read-committed", circle)
    assert not accepted(recorded, "list-append", Claim.INVALID, "read-uncommitted", circle)
    last_ones = history("ax1 ay2", "ax3 ay4", "rx13", "ry42", together=True)
    assert accepted(last_ones, "list-append", Claim.INVALID, "read-uncommitted", circle)
    not_agreed = history("ax1 ay2", "ax3 ay4", "rx13", "ry42", "ry24", together=True)
    assert not accepted(not_agreed, "list-append", Claim.INVALID, "read-uncommitted", circle)


def test_a_value_that_was_there_at_first_was_not_read_from_who_wrote_it_again() -> None:
    recorded = history("rx0", "wx0", lists=False)
    circle = Dependencies((Edge(0, 2, "real time"), Edge(2, 0, "wr")))
    level = "strict-serializable"
    assert accepted(recorded, "rw-register", Claim.INVALID, level, circle)
    assert not accepted(recorded, "rw-register", Claim.INVALID, level, circle, initial="0", duplicates="true")
    before = Link(("commit", 0), ("commit", 2), "real time")
    closed = ForcedOrders((), None, circle=(before, Link(("commit", 2), ("commit", 0), "wr")))
    assert accepted(recorded, "rw-register", Claim.INVALID, level, closed)
    assert not accepted(recorded, "rw-register", Claim.INVALID, level, closed, initial="0", duplicates="true")
    own = history("rx0 wx0", lists=False)
    internal = Anomaly("internal", (0,))
    assert accepted(own, "rw-register", Claim.INVALID, "serializable", internal)
    assert not accepted(
        own, "rw-register", Claim.INVALID, "serializable", internal, initial="0", duplicates="true"
    )


@pytest.mark.parametrize("name", ["duplicate-elements", "incompatible-order"])
def test_registers_have_no_anomaly_of_lists(name: str) -> None:
    recorded = history("wx1", "rx1", "wx2", "rx2", "wx3 wx4", "rx4", lists=False)
    begun = tuple(op.index for op in recorded if op.type == "invoke")
    assert not accepted(recorded, "rw-register", Claim.INVALID, "serializable", Anomaly(name, begun))


@pytest.mark.parametrize(
    "lines",
    [
        ("wx1", "rx1 wx2", "wx1", "rx1 wx3"),
        ("rx wx1", "wx0", "rx0 wx2", "wx0"),
        ("rx0 wx1", "wx0", "rx0 wx2", "wx3"),  # what was there at first was written again
    ],
)
def test_two_reads_of_a_value_that_was_written_twice_lose_no_update(lines: tuple[str, ...]) -> None:
    recorded = history(*lines, lists=False)
    lost = Anomaly("lost-update", (0, 2, 4, 6))
    assert not accepted(
        recorded, "rw-register", Claim.INVALID, "serializable", lost, initial="0", duplicates="true"
    )
    once = history("wx1", "rx1 wx2", "wx4", "rx1 wx3", lists=False)
    assert accepted(once, "rw-register", Claim.INVALID, "serializable", lost, initial="0")


def test_what_has_no_reply_need_not_precede_what_its_process_did_next(tmp_path: Path) -> None:
    went_on = [
        {"process": 0, "type": "invoke", "f": "txn", "value": [["w", "x", 1]]},
        {"process": 0, "type": "info", "f": "txn", "value": [["w", "x", 1]]},
        {"process": 0, "type": "invoke", "f": "txn", "value": [["r", "x", None]]},
        {"process": 0, "type": "ok", "f": "txn", "value": [["r", "x", None]]},
        {"process": 1, "type": "invoke", "f": "txn", "value": [["r", "x", None]]},
        {"process": 1, "type": "ok", "f": "txn", "value": [["r", "x", 1]]},
    ]
    path = tmp_path / "history.json"
    path.write_bytes(msgspec.json.encode(went_on))
    recorded, level = read(path).history, "strong-session-serializable"
    circle = Dependencies((Edge(0, 2, "process"), Edge(2, 0, "rw")))
    assert not accepted(recorded, "rw-register", Claim.INVALID, level, circle)
    before = Link(("commit", 0), ("commit", 2), "process")
    rule = Rule('"x"', 2, None, 0)
    refuted = Refuted(("commit", 2), ("commit", 0), (before,))
    assert not accepted(recorded, "rw-register", Claim.INVALID, level, ForcedOrders((), rule, (refuted,)))
    assert accepted(recorded, "rw-register", Claim.VALID, level, CommitOrder((2, 0, 4)))
