"""The checker on whole histories: lists, failures, unreadable values, evidence."""

from __future__ import annotations

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from checkers.registry.linearizability import Linearizability
from checkers.registry.linearizability.portfolio import Judgements, Limits
from checkers.verdict import Validity, Verdict
from tests.checkers.builders import HistoryBuilder, recording, simulate

KEY = "svc/10.0.0.1:80"


def check(built: HistoryBuilder, checker: Linearizability | None = None) -> Verdict:
    return (checker or Linearizability()).check(recording(built))


@settings(max_examples=300)
@given(random=st.randoms(use_true_random=False))
def test_a_correct_registry_is_never_called_invalid(random: Random) -> None:
    built = simulate(random, keys=(KEY, "svc/10.0.0.2:80", "other/10.0.0.1:80"), steps=60, processes=5)
    verdict = check(built)
    assert verdict.validity is not Validity.INVALID, verdict


def test_correct_registries_are_called_valid() -> None:
    for seed in range(200):
        built = simulate(Random(seed), keys=(KEY, "svc/10.0.0.2:80"), steps=120, processes=8)
        assert check(built).validity is Validity.VALID, seed


def test_a_stale_lookup_is_invalid_and_the_evidence_names_the_operations() -> None:
    built = HistoryBuilder()
    old = built.do("register", KEY, "r1", "r1")
    new = built.do("register", KEY, "r2", "r2")
    for _ in range(5):
        built.do("lookup", KEY, None, "r2")
    stale = built.do("lookup", KEY, None, "r1")
    built.do("lookup", KEY, None, "r2")
    verdict = check(built)
    assert verdict.validity is Validity.INVALID
    (found,) = verdict.evidence
    assert found.operations == (old - 1, new - 1, stale - 1)
    assert f"operation {stale - 1} (lookup) found r1" in found.text
    assert f"operation {new - 1} began after operation {old - 1} had ended" in found.text


def test_a_list_is_judged_instance_by_instance() -> None:
    built = HistoryBuilder()
    built.do("register", KEY, "r1", "r1")
    built.do("register", "svc/10.0.0.2:80", "r2", "r2")
    built.do("list", "svc", None, {"10.0.0.1:80": "r1", "10.0.0.2:80": "r2"})
    assert check(built).validity is Validity.VALID
    missing = built.do("list", "svc", None, {"10.0.0.1:80": "r1"})
    verdict = check(built)
    assert verdict.validity is Validity.INVALID
    assert verdict.evidence[0].title.startswith("svc/10.0.0.2:80")
    assert missing - 1 in verdict.evidence[0].operations


def test_an_invented_instance_in_a_list_is_invalid() -> None:
    built = HistoryBuilder()
    built.do("register", KEY, "r1", "r1")
    built.do("final-list", "svc", None, {"10.0.0.1:80": "r1", "10.0.0.9:80": "r9"})
    assert check(built).validity is Validity.INVALID


def test_an_id_of_another_key_is_invalid() -> None:
    built = HistoryBuilder()
    built.do("register", KEY, "r1", "r1")
    built.do("register", "svc/10.0.0.2:80", "r2", "r2")
    built.do("lookup", KEY, None, "r2")
    assert check(built).validity is Validity.INVALID


def test_a_refused_register_must_not_be_seen() -> None:
    built = HistoryBuilder()
    built.do("register", KEY, "r1", None, "fail")
    built.do("lookup", KEY, None, "r1")
    assert check(built).validity is Validity.INVALID


def test_refused_reads_and_local_reads_claim_nothing() -> None:
    built = HistoryBuilder()
    built.do("register", KEY, "r1", "r1")
    built.do("lookup", KEY, None, "r0", "fail")
    built.do("final-local", "svc", None, {}, node="n1")
    assert check(built).validity is Validity.VALID


def test_a_deregister_must_name_what_was_there() -> None:
    built = HistoryBuilder()
    built.do("register", KEY, "r1", "r1")
    built.do("register", KEY, "r2", "r2")
    built.do("deregister", KEY, None, "r1")
    assert check(built).validity is Validity.INVALID


def test_an_operation_without_completion_may_have_happened() -> None:
    built = HistoryBuilder()
    built.invoke(0, "register", KEY, "r1")
    built.do("lookup", KEY, None, "r1")
    assert check(built).validity is Validity.VALID


def test_a_key_over_budget_is_unknown_and_the_others_are_judged() -> None:
    built = HistoryBuilder()
    for number in range(3):
        built.do("register", KEY, f"r{number}", f"r{number}")
        built.do("deregister", KEY, None, f"r{number}")
    tight = Linearizability(Judgements(Limits(configurations_per_key=2, configurations_per_operation=0)))
    assert check(built).validity is Validity.VALID
    verdict = check(built, tight)
    assert verdict.validity is Validity.UNKNOWN
    assert KEY in verdict.summary
    built.do("lookup", "svc/10.0.0.2:80", None, "never")
    assert check(built, tight).validity is Validity.INVALID


def test_an_id_registered_twice_makes_its_key_unknown() -> None:
    built = HistoryBuilder()
    built.do("register", KEY, "r1", "r1")
    built.do("register", KEY, "r1", "r1")
    built.do("lookup", KEY, None, "r1")
    assert check(built).validity is Validity.UNKNOWN


def test_values_that_are_no_ids_are_unknown_not_valid() -> None:
    for f, result in (("lookup", 17), ("lookup", {"id": "r1"}), ("deregister", ["r1"])):
        built = HistoryBuilder()
        built.do("register", KEY, "r1", "r1")
        built.do(f, KEY, None, result)
        assert check(built).validity is Validity.UNKNOWN
    built = HistoryBuilder()
    built.do("register", KEY, "r1", "r1")
    built.do("list", "svc", None, ["10.0.0.1:80"])
    assert check(built).validity is Validity.UNKNOWN


def test_an_operation_of_another_workload_is_unknown_not_valid() -> None:
    built = HistoryBuilder()
    built.do("register", KEY, "r1", "r1")
    built.do("swap", KEY, "r2", "r2")
    assert check(built).validity is Validity.UNKNOWN


def test_an_empty_history_shows_nothing() -> None:
    assert check(HistoryBuilder()).validity is Validity.UNKNOWN
