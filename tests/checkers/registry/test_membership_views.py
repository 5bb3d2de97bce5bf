"""Views of the membership: right ones are valid, contradictions are found, silence is unknown."""

from __future__ import annotations

from typing import Any

from checkers.registry.membership_views import MembershipViews
from checkers.verdict import Validity, Verdict
from tests.checkers.builders import HistoryBuilder, recording

THREE = ["n1", "n2", "n3"]


def view(
    members: list[str], *, index: int = 5, commit: int = 9, role: str = "follower", term: int = 2
) -> Any:
    return {
        "role": role,
        "term": term,
        "leader": "n1",
        "commit": commit,
        "applied": commit,
        "configuration": index,
        "members": members,
        "learners": [],
    }


def judge(*views: tuple[str, Any]) -> Verdict:
    built = HistoryBuilder()
    for process, (node, value) in enumerate(views):
        built.invoke(process, "members", "members", node=node)
        built.complete(process, "ok", value, node=node)
    return MembershipViews().check(recording(built))


def test_views_that_agree_are_valid() -> None:
    verdict = judge(
        ("n1", view(THREE, role="leader")),
        ("n2", view(THREE)),
        ("n2", view(["n1", "n2"], index=7)),
        ("n3", view(THREE, role="leader", term=3)),
    )
    assert verdict.validity is Validity.VALID, verdict
    assert verdict.measures["committed_configurations_seen"] == 2


def test_two_committed_configurations_of_one_index_are_invalid_and_two_that_are_not_are_not() -> None:
    other = view(["n1", "n2"])
    assert judge(("n1", view(THREE)), ("n2", {**other, "commit": 4})).validity is Validity.VALID
    verdict = judge(("n1", view(THREE)), ("n2", other))
    assert verdict.validity is Validity.INVALID
    assert verdict.evidence[0].operations == (0, 2)
    assert "n1, n2, n3" in verdict.evidence[0].text


def test_two_leaders_of_one_term_are_invalid() -> None:
    verdict = judge(("n1", view(THREE, role="leader")), ("n2", view(THREE, role="leader")))
    assert verdict.validity is Validity.INVALID
    assert verdict.evidence[0].title == "n1 and n2 both lead term 2"


def test_a_leader_may_lead_until_its_removal_is_applied_and_no_longer() -> None:
    without = view(["n2", "n3"], role="leader", index=9, commit=8)
    assert judge(("n1", without)).validity is Validity.VALID
    verdict = judge(("n1", {**without, "commit": 9, "applied": 9}))
    assert verdict.validity is Validity.INVALID
    assert verdict.evidence[0].title == "n1 leads term 2 after its removal"


def test_no_view_and_a_view_that_is_none_are_unknown() -> None:
    assert judge().validity is Validity.UNKNOWN
    assert judge(("n1", "nonsense")).validity is Validity.UNKNOWN
