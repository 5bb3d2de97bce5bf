"""Walks of real clusters, and what must hold at the moments of ours."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Literal

import msgspec
import pytest

from harness.client.codecs.registry import RegistryCodec
from harness.errors import CouldNotRun
from harness.nemesis.action import Action
from harness.nemesis.faults.network.partition import Cut
from harness.nemesis.outcome import Outcome
from harness.nemesis.view import ClusterView, NodeView
from harness.systems.nacos import Nacos
from harness.walk.conducting import ADDRESSES, SEEN, walk, walk_of
from harness.walk.record import DOWN, Moment, Registration, Seen, Silenced, Walk, Walked, Window
from harness.walk.walking import FIRST, NAMES, SILENT_WRITES, Walker, agree
from history import Operation
from tests.harness.hosts.namespaces import needs_namespaces

LED = NodeView(running=True, role="leader", term=3, leader="n1")
LEADS = NodeView(running=True, role="follower", term=3, leader="n1")
MOMENTS = 22


def view(**nodes: NodeView) -> ClusterView:
    return ClusterView({name: nodes.get(name, NodeView(running=False)) for name in NAMES})


def test_members_agree_once_all_that_run_name_the_one_that_leads() -> None:
    assert agree(view(n1=LED, n2=LEADS), FIRST)
    old = NodeView(running=True, role="follower", term=2, leader="n3")
    silent = NodeView(running=True)
    second = NodeView(running=True, role="leader", term=4, leader="n2")
    for other in (old, silent, second):
        assert not agree(view(n1=LED, n2=other), FIRST)
    assert not agree(view(n2=LEADS, n3=LEADS), FIRST), "none of those that run leads"
    assert agree(view(n1=LED, n2=LEADS, n4=old), FIRST), "what is no member is not asked"


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("812 packets received by filter\n3 packets dropped by kernel\n", "n3 lost 3 packets"),
        ("tcpdump: listening on any\n", "n3 lost an unknown number of packets"),
    ],
)
def test_steps_are_not_looked_for_where_a_capture_lost_packets(said: str, words: str, tmp_path: Path) -> None:
    asked = Registration(7, "walk-number-007", "n1", "n2", Window(1.0, 1))
    seen = Walked([], asked, Silenced("n3", "n2", Window(2.0, 2)))
    (tmp_path / SEEN).write_bytes(msgspec.json.encode(seen))
    (tmp_path / ADDRESSES).write_bytes(msgspec.json.encode({name: f"10.0.0.{name[1]}" for name in NAMES}))
    for name in FIRST:
        (tmp_path / name).mkdir()
        (tmp_path / name / "packets.txt").write_text(
            said if name == "n3" else "0 packets dropped by kernel\n"
        )
    (tmp_path / "n3" / "packets.pcap").write_bytes(b"not looked at")
    with pytest.raises(CouldNotRun, match=words):
        walk_of("nacos@2.3.2", tmp_path, 0.0)


class Agreed:
    """A world in which n1 leads."""

    async def observe(self) -> ClusterView:
        return view(n1=LED, n2=LEADS, n3=LEADS)


def walker_in(world: object) -> Walker:
    """One that waits for nothing, in the part of a world that a test asks."""
    return Walker(
        world,  # type: ignore[arg-type] # the part of a world that is asked
        None,  # type: ignore[arg-type] # `_perform`, which would send, is replaced by the test
        RegistryCodec(),
        own_lookup="lookup",
        alone_s=0,
        start_s=1,
        patience_s=1,
        silent_s=0,
    )


def test_the_registration_whose_steps_are_shown_is_one_that_was_acknowledged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    walker = walker_in(Agreed())
    outcomes: list[Literal["fail", "info", "ok"]] = ["fail", "info", "ok"]

    async def perform(f: str, node: str, key: str, value: str) -> Operation:
        assert (f, node) == ("register", "n2")
        return Operation(0, 0, 0, outcomes.pop(0), f, key, value, "not ready", node)

    async def see(name: str) -> Seen:
        return Seen(DOWN)

    monkeypatch.setattr(walker, "_perform", perform)
    monkeypatch.setattr(walker, "_see", see)
    asyncio.run(walker._register_through_a_follower())
    shown = walker.walked.registration
    assert shown is not None
    assert (shown.number, shown.text, shown.asked, shown.leader) == (3, "walk-number-003", "n2", "n1")
    notes = walker.walked.moments[-1].notes
    assert notes == ("registration at n2: refused (not ready)", "registration at n2: ok")


class Cutting(Agreed):
    """The same world, with links that show no effect of a cut until they are healed."""

    names = NAMES

    def __init__(self, in_place: bool, swallowed: int) -> None:
        self._in_place, self._swallowed = in_place, swallowed

    async def carry_out(self, action: Action) -> Outcome:
        if isinstance(action, Cut):
            return Outcome(None if self._in_place else False)
        return Outcome(True, {"swallowed_packets": self._swallowed})


@pytest.mark.parametrize(
    ("in_place", "swallowed", "why"),
    [(True, 7, None), (True, 0, "the links of n3 swallowed nothing"), (False, 7, "cut had no effect")],
)
def test_a_follower_counts_as_silent_if_its_links_swallowed_something_in_the_end(
    in_place: bool, swallowed: int, why: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    walker = walker_in(Cutting(in_place, swallowed))

    async def perform(f: str, node: str, key: str, value: str) -> Operation:
        return Operation(0, 0, 0, "ok", f, key, value, None, node)

    async def see(name: str) -> Seen:
        return Seen(DOWN)

    async def shown(node: str, texts: list[str]) -> int:
        return len(texts)

    async def held() -> str:
        return ""

    for name, stand_in in {"_perform": perform, "_see": see, "_shown": shown, "_held": held}.items():
        monkeypatch.setattr(walker, name, stand_in)
    if why is not None:
        with pytest.raises(CouldNotRun, match=why):
            asyncio.run(walker._silence_a_follower())
        return
    asyncio.run(walker._silence_a_follower())
    assert walker.walked.silenced is not None
    assert walker.walked.silenced.held[-1][1] == SILENT_WRITES


def steps_of(walk: Walk) -> list[str]:
    return [step.what.partition(":")[0] for step in walk.steps]


def named(walk: Walk, part: str) -> list[Moment]:
    return [moment for moment in walk.moments if part in moment.name]


def led_by(moment: Moment) -> list[str]:
    return [name for name, seen in moment.seen.items() if seen.role == "leader"]


def walked(name: str, folder: Path) -> Walk:
    asyncio.run(walk(name, folder))
    return walk_of(name, folder, 0.0)


@needs_namespaces
@pytest.mark.campaign
@pytest.mark.timeout(300)
def test_our_walk_keeps_every_term_and_acknowledges_nothing_below_a_majority(tmp_path: Path) -> None:
    shown = walked("node_impl", tmp_path / "walk")
    assert len(shown.moments) == MOMENTS
    newest = dict.fromkeys(NAMES, 0)
    for moment in shown.moments:
        for name, seen in moment.seen.items():
            if seen.term is not None:
                assert seen.term >= newest[name], f"{moment.name}: {name} has forgotten its term"
                newest[name] = seen.term
    alone = [*named(shown, "alone"), *named(shown, "is left")]
    assert len(alone) == 4
    assert [led_by(moment) for moment in alone] == [[]] * 4
    assert not any("ok" in note for moment in alone for note in moment.notes if "registration at" in note)
    for part in ("two of three", "is killed", "hears the others", "is added", "run again"):
        assert all(len(led_by(moment)) == 1 for moment in named(shown, part)), part
    steps = steps_of(shown)
    assert steps[:2] == ["forward", "append"]
    assert steps[-1] == "ok"
    assert {"send", "disk", "acknowledge", "commit", "answer to the follower"} <= set(steps)
    assert shown.silence.acknowledged == shown.silence.leader_held == SILENT_WRITES
    assert shown.silence.sent_while_silent > SILENT_WRITES, "it is sent to again"
    assert shown.silence.held[-1][1] == SILENT_WRITES, "in the end it equals the leader"
    acknowledged = shown.moments[-1].notes[-1].split()[1]
    assert shown.moments[-1].notes[-1].count(f" {acknowledged}") == 4, "each has all that was acknowledged"


@needs_namespaces
@pytest.mark.campaign
@pytest.mark.timeout(900)
@pytest.mark.parametrize("version", ["0.8.0", "2.3.2"])
def test_a_walk_of_nacos_ends_and_shows_the_steps_of_a_registration(version: str, tmp_path: Path) -> None:
    try:
        Nacos(version).version()
    except CouldNotRun as missing:
        pytest.skip(str(missing))
    shown = walked(f"nacos@{version}", tmp_path / "walk")
    assert len(shown.moments) == MOMENTS
    assert len(led_by(named(shown, "two of three")[0])) == 1
    steps = steps_of(shown)
    assert steps[:3] == ["request", "forward", "send"]
    assert steps.count("send") == 2, "the leader sends it to both others"
    assert "acknowledge" in steps
    assert steps.index("answer to the follower") < steps.index("answer")
    assert shown.silence.held[-1][1] == shown.silence.leader_held == SILENT_WRITES
