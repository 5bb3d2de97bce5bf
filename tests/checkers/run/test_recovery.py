"""Recovery: a write within the bound, or a reason why that cannot be told."""

from __future__ import annotations

import pytest

from checkers.run.recovery import Recovery
from checkers.verdict import Validity, Verdict
from tests.checkers.builders import HistoryBuilder, recording

KEY = "svc/10.0.0.1:80"


def healed(error: str | None = None) -> HistoryBuilder:
    built = HistoryBuilder()
    built.do("register", KEY, "r0", "r0")
    action = {"kind": "Heal", "took_effect": True, "details": {}, "error": error}
    built.nemesis("final-heal", {"actions": [action]})
    return built


def check(built: HistoryBuilder, **options: object) -> Verdict:
    return Recovery().check(recording(built, options=options))


def test_a_write_within_the_bound_is_valid_and_measured() -> None:
    built = healed()
    built.wait(1500)
    built.do("register", KEY, "r1", "r1")
    verdict = check(built)
    assert verdict.validity is Validity.VALID
    assert verdict.measures["after_heals"][-1]["first_ok_write_s"] == pytest.approx(1.502)
    assert verdict.measures["longest_without_ok_s"] == pytest.approx(1.505)


def test_no_acknowledged_write_within_the_bound_did_not_recover() -> None:
    built = healed()
    for number in range(11):
        built.wait(1000)
        built.do("register", KEY, f"x{number}", None, "info", error="timed out")
    verdict = check(built)
    assert verdict.validity is Validity.INVALID
    assert verdict.summary.startswith("the system did not recover after the final heal")
    assert verdict.evidence[0].operations[0] == 2


def test_a_write_after_the_bound_did_not_recover_in_time() -> None:
    built = healed()
    built.wait(3000)
    late = built.do("register", KEY, "r1", "r1")
    assert check(built, recovery_bound_s=5).validity is Validity.VALID
    verdict = check(built, recovery_bound_s=2)
    assert verdict.validity is Validity.INVALID
    assert late - 1 in verdict.evidence[0].operations


def test_reads_do_not_count_as_recovery() -> None:
    built = healed()
    built.do("lookup", KEY, None, "r0")
    built.wait(11_000)
    built.do("lookup", KEY, None, "r0")
    assert check(built).validity is Validity.INVALID


def test_a_write_invoked_before_the_heal_does_not_count() -> None:
    built = HistoryBuilder()
    built.invoke(1, "register", KEY, "r0")
    built.nemesis("final-heal", {"actions": []})
    built.ok(1, "r0")
    built.wait(11_000)
    built.do("lookup", KEY, None, "r0")
    assert check(built).validity is Validity.INVALID


def test_a_record_in_which_nothing_ever_succeeded_does_not_show_that_the_system_worked() -> None:
    built = HistoryBuilder()
    built.nemesis("final-heal", {"actions": []})
    for number in range(11):
        built.wait(1000)
        built.do("register", KEY, f"x{number}", None, "fail", error="no connection: TypeError")
    verdict = check(built)
    assert verdict.validity is Validity.UNKNOWN
    expected = "no operation of a client ever succeeded: most ended with 'no connection: TypeError'"
    assert verdict.summary == expected


def test_without_a_final_heal_nothing_is_known() -> None:
    built = HistoryBuilder()
    built.do("register", KEY, "r0", "r0")
    assert check(built).validity is Validity.UNKNOWN
    built.invoke(-1, "final-heal")
    assert check(built).validity is Validity.UNKNOWN


def test_a_record_that_ends_before_the_bound_cannot_tell() -> None:
    built = healed()
    built.do("register", KEY, "r1", None, "fail")
    assert check(built).validity is Validity.UNKNOWN


def test_where_nobody_asked_nothing_is_known() -> None:
    built = healed()
    built.wait(60_000)
    built.nemesis("heal", {"actions": []})
    assert check(built).validity is Validity.UNKNOWN


def test_a_final_heal_that_failed_does_not_accuse_the_system() -> None:
    built = healed(error="connection to the proxy lost")
    built.do("register", KEY, "r1", None, "fail")
    built.wait(11_000)
    built.do("register", KEY, "r2", None, "fail")
    verdict = check(built)
    assert verdict.validity is Validity.UNKNOWN
    assert "proxy" in verdict.summary
