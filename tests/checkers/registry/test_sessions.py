"""Session guarantees: what is found is what comparing every pair of a session's steps finds."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest

from checkers.registry.sessions import SessionGuarantees
from checkers.verdict import Validity, Verdict
from checkers.workloads.sessions.session_rules import GUARANTEES, SessionStep, broken_guarantees
from tests.checkers.builders import HistoryBuilder, recording, simulate

A, B = "svc/10.0.0.1:80", "svc/10.0.0.2:80"


def by_pairs(steps: list[SessionStep]) -> set[tuple[str, int]]:
    """(guarantee, operation that breaks it), by the definitions."""
    found = set()
    for later, after in enumerate(steps):
        for before in steps[:later]:
            if before.session != after.session or before.earliest <= after.latest:
                continue
            match before.is_write, after.is_write:
                case True, True:
                    found.add(("monotonic writes", after.operation))
                case False, True:
                    found.add(("writes follow reads", after.operation))
                case True, False if before.key == after.key:
                    found.add(("read your writes", after.operation))
                case False, False if before.key == after.key:
                    found.add(("monotonic reads", after.operation))
    return found


def test_one_pass_finds_what_comparing_every_pair_finds() -> None:
    said: Counter[str] = Counter()
    for seed in range(4000):
        random = Random(seed)
        steps = []
        for operation in range(random.randrange(2, 8)):
            earliest = random.randrange(5)
            is_write = random.random() < 0.4
            latest = earliest if is_write else earliest + random.choice([0, 0, 1])
            steps.append(
                SessionStep(random.randrange(2), operation, is_write, random.randrange(2), earliest, latest)
            )
        found = {(one.guarantee, one.after.operation) for one in broken_guarantees(steps)}
        assert found == by_pairs(steps), seed
        said.update(guarantee for guarantee, _ in found)
        said["none"] += not found
    assert min(said[name] for name in (*GUARANTEES, "none")) > 300, said


def check(built: HistoryBuilder) -> Verdict:
    return SessionGuarantees().check(recording(built))


def test_a_linearizable_registry_keeps_all_of_them() -> None:
    for seed in range(200):
        built = simulate(Random(seed), keys=(A, B), steps=100, processes=5)
        assert check(built).validity is Validity.VALID, seed


def session(*steps: tuple[str, object, object, int]) -> HistoryBuilder:
    """One process does this; others have registered a1 and a2 at A, at 1 and 2."""
    built = HistoryBuilder()
    built.do("register", A, "a1", "a1", raft_index=1)
    built.do("register", A, "a2", "a2", raft_index=2)
    for f, value, result, index in steps:
        key = "svc" if f.endswith("list") else A
        built.invoke(7, f, key, value)
        built.ok(7, result, raft_index=index)
    return built


@pytest.mark.parametrize(
    ("guarantee", "steps"),
    [
        ("read your writes", [("register", "a3", "a3", 3), ("lookup", None, "a2", 2)]),
        ("read your writes", [("register", "a3", "a3", 3), ("update", "a4", False, 4)]),
        ("read your writes", [("update", "a3", "a3", 3), ("lookup", None, "a2", 2)]),
        ("monotonic reads", [("lookup", None, "a2", 2), ("lookup", None, "a1", 1)]),
        ("monotonic reads", [("list", None, {"10.0.0.1:80": "a2"}, 2), ("lookup", None, None, 0)]),
        ("monotonic writes", [("register", "a4", "a4", 4), ("register", "a3", "a3", 3)]),
        ("writes follow reads", [("lookup", None, "a2", 2), ("deregister", None, "a1", 1)]),
    ],
)
def test_a_session_that_goes_backwards_is_invalid(
    guarantee: str, steps: list[tuple[str, object, object, int]]
) -> None:
    verdict = check(session(*steps))
    assert verdict.validity is Validity.INVALID
    assert guarantee in {evidence.kind for evidence in verdict.evidence}
    assert len(verdict.evidence[0].operations) == 2


def test_stale_reads_that_go_backwards_are_counted_and_blame_nobody() -> None:
    verdict = check(
        session(
            ("lookup", None, "a2", 2),
            ("stale-lookup", None, "a1", 1),
            ("register", "a3", "a3", 3),
            ("stale-list", None, {"10.0.0.1:80": "a2"}, 2),
        )
    )
    assert verdict.validity is Validity.VALID
    assert verdict.measures["missed_by_stale_reads"] == {
        "read your writes": 1,
        "monotonic reads": 1,
        "monotonic writes": 0,
        "writes follow reads": 0,
    }


def test_finding_nothing_twice_is_no_step_back() -> None:
    """A deregister that found nothing leaves what was: no reply can tell the two apart."""
    verdict = check(
        session(
            ("deregister", None, "a2", 3),
            ("deregister", None, None, 5),
            ("lookup", None, None, 3),
        )
    )
    assert verdict.validity is Validity.VALID


def test_an_update_that_found_nothing_wrote_nothing_to_be_read() -> None:
    verdict = check(
        session(
            ("deregister", None, "a2", 3),
            ("update", "a5", False, 5),
            ("lookup", None, None, 5),
            ("list", None, {}, 5),
        )
    )
    assert verdict.validity is Validity.VALID


def test_sessions_of_one_operation_show_nothing() -> None:
    assert check(session()).validity is Validity.UNKNOWN
