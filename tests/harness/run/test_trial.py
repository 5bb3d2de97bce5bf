"""`ackproof systems check`: one node is tried out before a test."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

import msgspec
import pytest

from harness.client.codecs.base import Codec
from harness.errors import CouldNotRun
from harness.nemesis.view import ClusterView
from harness.run.trial import lines, shows_nothing, try_out, works
from harness.systems.base import Bounds, Launch, Place, System
from harness.systems.reference_node import ReferenceNode
from tests.checkers.builders import HistoryBuilder

OneType = {"cas-register": ReferenceNode.clients["cas-register"]}


class OnlyConfigs(ReferenceNode, frozen=True):
    """The reference node, with one data type, so that the trial is quick."""

    clients: ClassVar[Mapping[str, Codec]] = OneType


class StopsBadly(OnlyConfigs, frozen=True):
    """A system whose description does not know how its node ends."""

    stop_statuses: ClassVar[tuple[int, ...]] = (3,)


class Dies(OnlyConfigs, frozen=True):
    """A node that ends at its start."""

    def launch(self, place: Place) -> Launch:
        return Launch.of(sys.executable, "-c", f"raise SystemExit('{place.name} has no disk')")


def test_a_node_that_does_all_that_a_run_needs_works(tmp_path: Path) -> None:
    steps = try_out(OnlyConfigs(), "only-configs", tmp_path)
    assert works(steps), msgspec.json.encode(steps)
    assert [step.what for step in steps] == [
        "the start of one node",
        "a leader",
        "workload cas",
        "an end by SIGTERM",
        "a start after it",
        "an end by SIGKILL",
        "a start after it",
    ]
    assert all(line.startswith("works  ") for line in lines(steps))


def test_an_exit_status_that_the_system_does_not_name_is_shown(tmp_path: Path) -> None:
    steps = try_out(StopsBadly(), "stops-badly", tmp_path)
    assert (steps[-1].what, steps[-1].works) == ("the exit status", False)
    assert steps[-1].details == "0; the system names others (stop_statuses)"


def test_a_node_that_ends_at_its_start_is_shown_with_its_last_words(tmp_path: Path) -> None:
    (step,) = try_out(Dies(), "dies", tmp_path)
    assert not step.works
    assert "n1: ended at its start with status 1: n1 has no disk" in step.details
    assert not works([step])


class Silent(OnlyConfigs, frozen=True):
    """A node that ends at its start and says nothing."""

    def launch(self, place: Place) -> Launch:
        return Launch.of(sys.executable, "-c", "raise SystemExit(7)")


class Missing(OnlyConfigs, frozen=True):
    """A system whose program is not here."""

    def version(self) -> str:
        raise CouldNotRun("the kettle is not here")


class Leaderless(OnlyConfigs, frozen=True):
    """A node that never leads."""

    bounds: ClassVar[Bounds] = Bounds(leader_s=0.5)

    def leader(self, view: ClusterView) -> str | None:
        return None


@pytest.mark.parametrize(
    ("system", "what", "details"),
    [
        (Silent(), "the start of one node", r"n1: ended at its start with status 7: \(the log is empty\)"),
        (Missing(), "the program", "the kettle is not here"),
        (Leaderless(), "a leader", "no leader within 0.5 s"),
    ],
)
def test_the_step_that_failed_is_named(system: System, what: str, details: str, tmp_path: Path) -> None:
    *before, last = try_out(system, "broken", tmp_path)
    assert works(before) or before == []
    assert (last.what, last.works) == (what, False)
    assert re.search(details, last.details)


@pytest.mark.parametrize(
    ("values", "nothing"), [((None,) * 3, True), ((None, "v", None), False), ((None,) * 2, False)]
)
def test_reads_that_never_show_what_was_written_are_noticed(values: Sequence[object], nothing: bool) -> None:
    history = HistoryBuilder()
    history.do("read", "k", result=None)
    history.do("write", "k", "v", "v")
    for value in values:
        history.do("read", "k", None, value)
    assert shows_nothing(list(history.history())) is nothing
