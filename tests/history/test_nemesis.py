"""What the history keeps of the nemesis: stored once, read leniently, and known by the operations' names."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from history.nemesis import (
    FINAL_HEAL,
    FaultKind,
    FaultKinds,
    NemesisAction,
    NemesisCompletion,
    read_completion,
    read_fault_kinds,
)

KILL = FaultKind("kill", "kill", "start", begun_by=("Kill",), ended_by=("Start",), verbs={"Kill": "kill"})

texts = st.text(max_size=5)
actions = st.builds(
    NemesisAction,
    kind=texts,
    nodes=st.lists(texts, max_size=2).map(tuple),
    links=st.lists(st.tuples(texts, texts), max_size=2).map(tuple),
    asked=st.dictionaries(texts, st.integers(0, 9), max_size=2),
    took_effect=st.none() | st.booleans(),
    details=st.dictionaries(texts, st.integers(0, 9), max_size=2),
    error=st.none() | texts,
)
completions = st.builds(
    NemesisCompletion,
    target=st.none() | texts,
    leader=st.none() | texts,
    term=st.none() | st.integers(0, 9),
    actions=st.lists(actions, max_size=3).map(tuple),
    facts=st.dictionaries(
        texts.filter(lambda name: name not in {"target", "leader", "term", "actions"}),
        st.dictionaries(texts, st.integers(0, 9), max_size=2),
        max_size=2,
    ),
)


@given(completions)
def test_a_completion_is_read_as_it_was_stored(completion: NemesisCompletion) -> None:
    stored = completion.stored()
    assert read_completion(stored) == completion
    assert read_completion(msgspec.json.decode(msgspec.json.encode(stored))) == completion


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=3),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["actions", "kind", "nodes", "links", "target", "details", "leader", "with"]),
                inner,
                max_size=3,
            )
        ),
        max_leaves=8,
    )
)
def test_a_damaged_value_gives_fewer_facts_and_no_exception(value: Any) -> None:
    for shaped in (value, {"actions": value}, {"actions": [value]}, {"term": value, "membership": value}):
        read_completion(shaped).stored()
        read_fault_kinds(shaped)


def test_kinds_are_read_from_json_and_damaged_ones_left_out() -> None:
    stored = msgspec.json.decode(msgspec.json.encode([KILL]))
    assert read_fault_kinds([{"name": 3}, *stored, None]) == (KILL,)
    assert read_fault_kinds(None) == ()


@pytest.mark.parametrize(
    ("f", "kinds", "healed"),
    [
        ("start", (KILL,), "kill"),
        ("start", (), "kill"),
        ("heal-full", (), "full"),
        ("kill", (KILL,), None),
        ("heal-kill", (FaultKind("x", "heal-kill", "end-x"),), None),
        ("end-x", (FaultKind("x", "heal-kill", "end-x"),), "x"),
        (FINAL_HEAL, (KILL,), None),
    ],
)
def test_what_an_operation_heals_is_known_by_the_kinds_or_else_by_its_name(
    f: str, kinds: tuple[FaultKind, ...], healed: str | None
) -> None:
    assert FaultKinds(kinds).healed_by(f) == healed
    assert FaultKinds(kinds).is_healing(f) == (healed is not None or f == FINAL_HEAL)


def test_an_action_is_worded_by_its_fault_or_else_by_its_own_name() -> None:
    kinds = FaultKinds((FaultKind("power", "power", "heal-power", verbs={"LosePower": "cut the power of"}),))
    assert kinds.verb("power", "LosePower") == "cut the power of"
    assert kinds.verb("other", "LosePower") == "cut the power of"
    assert kinds.verb("other", "BreakDisk") == "break disk"
