"""Headline and story name the node that took the step, or did not take it, and not only the one that showed
it: by class of violation, in runs of seeded bugs."""

from __future__ import annotations

import re

import pytest

from checkers.explanation import Explanation
from harness.mutants.catalogue import MUTANTS
from tests.reports.explain.deeds import explained
from tests.reports.simulated import judged


def explanation_of(bug: str, seed: int | None = None) -> Explanation:
    found, _, _ = explained(MUTANTS[bug], seed)
    assert found is not None
    return found


THE_STEP = {
    "candidates-disturb": r"^(n\d) asked for votes in term 59 at [\d.]+ s, when n2 led term 58, and n2 ",
    "deposed-leader-answers": r", as (n4), follower of term 27, had answered, when by the order of messages",
    "sessions-not-in-snapshot": r"^(n4) carried out index 11 in term 26 .* skipped as a copy: operation 16 ",
    "refusals-ignored": r"^(n2), leader of term 9, sent n3 only what follows index 340 \(operation 8383 ",
    "all-must-vote": r"^(n1) had received the votes of n1, n3 in term 183, a majority of .* and did not lead",
    "retry-applied-twice": r"appended by (n2) in term 9 at .*; and at index 201, appended by n3 in term 10",
    "late-beat-resurrects": r"^(n2), leader of term 2, registered \S+, which no client had asked for, at "
    r"index 39 at [\d.]+ s, upon the late beat of operation 213; index 61 expired it",
    "list-in-halves": r"^(n1) answered operation 82 \(list svc-1\) .* but the service had 3 at that index",
}
"""By bug, what the headline of its declared seed says of the step, with the node that took it."""
QUICK = frozenset({"candidates-disturb", "deposed-leader-answers", "sessions-not-in-snapshot"})


@pytest.mark.parametrize(
    "bug", [bug if bug in QUICK else pytest.param(bug, marks=pytest.mark.campaign) for bug in THE_STEP]
)
def test_the_headline_names_who_took_the_step(bug: str) -> None:
    found = explanation_of(bug)
    step = re.search(THE_STEP[bug], found.headline)
    assert step is not None, found.headline
    assert step[1] in {line.node for line in found.story}


def test_an_instance_that_no_entry_removes_was_forgotten_by_the_node_that_answered_without_it() -> None:
    found = judged("early expiry").about.explanation
    assert found is not None
    assert re.match(
        r"n2, no leader while n5 led term 1, removed svc-0/10\.0\.0\.4:8080 by itself after [\d.]+ s: no "
        r"entry up to index 17 removes r24 \(index 8 of term 1 by n5, operation 46\)",
        found.headline,
    )
    [wrong] = [line for line in found.story if line.is_wrong]
    assert wrong.node == "n2"
    assert "n2 did so by itself" in wrong.text
    assert any(line.index == 8 and line.node == "n5" and line.operation == 46 for line in found.story)


def test_a_write_without_effect_is_told_with_its_index_and_why() -> None:
    found = judged("lost registration").about.explanation
    assert found is not None
    [line] = [line for line in found.story if "changed nothing" in line.text]
    assert (line.index, line.operation) == (15, 31)
    why = "index 15 changed nothing, as no entry had registered that instance; n2, leader of term 7, had "
    assert line.text.startswith(why)
    assert found.headline.endswith("; then registration r18 was lost, as index 15 changed nothing")


@pytest.mark.campaign
def test_a_follower_that_stays_behind_is_told_with_the_leader_that_did_not_go_back() -> None:
    found = explanation_of("refusals-ignored", 458676726)
    [wrong] = [line for line in found.story if line.is_wrong]
    assert wrong.node == "n5"
    assert wrong.operation is not None
    assert re.search(r"sent n4 only what follows index 70 .*, as its log ended at index 62", wrong.text)


@pytest.mark.campaign
def test_two_entries_at_one_index_of_one_term_are_told_with_both_leaders() -> None:
    found = explanation_of("vote-twice")
    leaders = {line.node for line in found.story if line.kind == "election" and line.term == 1}
    appended = {(line.node, line.operation) for line in found.story if line.kind == "append"}
    assert leaders == {"n1", "n2"}
    assert appended == {("n2", 0), ("n1", 5)}


def test_a_node_that_cannot_begin_again_is_told_with_what_had_ended_it() -> None:
    found = explanation_of("never-fsync")
    assert re.match(
        r"n1 ended by itself: exit status 65 at [\d.]+ s, in life 2, after it had been in term 2; "
        r"\S+ had ended life 1 at [\d.]+ s",
        found.headline,
    )


@pytest.mark.campaign
def test_an_entry_that_a_leader_wrote_by_itself_says_what_it_decides() -> None:
    found = explanation_of("beats-not-counted", 640586080)
    [wrong] = [line for line in found.story if line.is_wrong]
    assert "appended index 18 of term 1: svc-0/10.0.0.3:8080 is unhealthy" in wrong.text
    assert found.headline.startswith("n1, leader of term 1, called svc-0/10.0.0.3:8080 unhealthy")


def test_a_silence_that_was_kept_later_does_not_come_before_an_instance_that_was_forgotten() -> None:
    found = explanation_of("expire-by-own-clock", 222253345)
    assert (found.cause, "beats" in found.apart) == ("expiry", True)
    assert re.match(
        r"n3, no leader while n3 led term 2, removed svc-0/10\.0\.0\.2:8080 by itself", found.headline
    )
