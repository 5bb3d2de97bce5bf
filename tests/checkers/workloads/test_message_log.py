"""Message logs: a right store is valid whatever happens, and each way to break one is found and named."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from checkers.verdict import Unjudged, Validity, Verdict
from checkers.workloads.message_logs.checker import MessageLog
from history.nemesis import FINAL_HEAL
from tests.checkers.builders import HistoryBuilder, recording

NODES = ("n1", "n2")
KEYS = ("log-0", "log-1")
SEEDS = range(12)


def judged(built: HistoryBuilder) -> Verdict:
    """The verdict on a history of two nodes."""
    return MessageLog().check(recording(built, nodes=NODES, options={"nodes": list(NODES)}))


class Store:
    """Logs as one process would keep them. Offsets have gaps; a reader is shown as much as a draw says.

    Args:
        broken: one way in which it is wrong.
    """

    def __init__(self, random: Random, broken: str) -> None:
        self.random, self.broken = random, broken
        self.logs: dict[str, list[tuple[int, int]]] = {key: [] for key in KEYS}
        self.committed: dict[str, int] = {}

    def send(self, key: str, message: int, outcome: str) -> int:
        """Put a message into a log, unless its sending fails, or it is lost on the way; its offset."""
        log = self.logs[key]
        last = log[-1][0] if log else -1
        offset = last + self.random.randrange(1, 4)
        if self.broken == "shares offsets" and log and outcome == "ok":
            offset = last
        if self.broken == "puts it in front" and log:
            offset = log[0][0] - 1
        lost = self.broken == "loses it" and outcome == "ok" and self.random.random() < 0.3
        kept = outcome == "ok" or (outcome == "info" and self.random.random() < 0.5)
        if self.broken == "keeps what failed" and outcome == "fail":
            kept = True
        if kept and not lost:
            log.append((offset, message))
            log.sort()
            if self.broken == "keeps it twice" and self.random.random() < 0.3:
                log.append((log[-1][0] + 1, message))
        return offset

    def poll(self, key: str, asked_from: int, whole: bool) -> list[list[int]]:
        """What is shown of a log from an offset on."""
        shown = [[offset, message] for offset, message in self.logs[key] if offset >= asked_from]
        if not whole:
            shown = shown[: self.random.randrange(len(shown) + 1)]
        if self.broken == "passes over one" and len(shown) > 1 and self.random.random() < 0.3:
            del shown[self.random.randrange(len(shown) - 1)]
        if self.broken == "shows them backwards":
            shown.reverse()
        if self.broken == "makes one up" and shown and self.random.random() < 0.3:
            shown.append([shown[-1][0] + 1, -1])
        return shown


def history_of(seed: int, broken: str = "") -> HistoryBuilder:
    """A history of clients of a store, one after the other, and in the end a read of each log."""
    random = Random(f"{seed} {broken}")
    store, built = Store(random, broken), HistoryBuilder()
    readers: dict[int, dict[str, int]] = {}
    for step in range(60):
        process, node = 500 + random.randrange(4), random.choice(NODES)
        match random.choice(("send", "send", "assign", "poll")):
            case "send":
                key, outcome = random.choice(KEYS), random.choice(("ok", "ok", "ok", "fail", "info"))
                client = (
                    process if outcome != "info" else 5000 + step
                )  # who does not know is not heard of again
                built.invoke(client, "send", key, step, node=node)
                offset = store.send(key, step, outcome)
                built.complete(client, outcome, [offset, step] if outcome == "ok" else step)
            case "assign":
                ahead = 7 if broken == "commits for others" else 0
                said = [[key, offset + ahead] for key, offset in store.committed.items()]
                readers[process] = {key: store.committed.get(key, -1) + 1 for key in KEYS}
                built.invoke(process, "assign", None, {"keys": list(KEYS)}, node=node)
                built.ok(process, said)
            case _:
                shown = read_on(store, readers.get(process, {}))
                built.invoke(process, "poll", node=node)
                built.ok(process, shown)
    built.nemesis(FINAL_HEAL)
    built.wait(6000)
    for key in KEYS:
        whole = store.poll(key, 0, whole=True)
        built.do("final-poll", key, None, [[key, 0, whole]], node="n1")
    return built


def read_on(store: Store, positions: dict[str, int]) -> list[list[Any]]:
    """What a reader is shown from its positions on; it goes on to what follows, and commits."""
    shown: list[list[Any]] = []
    for key, asked_from in positions.items():
        if pairs := store.poll(key, asked_from, whole=False):
            shown.append([key, asked_from, pairs])
            furthest = max(offset for offset, _ in pairs)
            positions[key] = furthest + 1
            store.committed[key] = max(furthest, store.committed.get(key, -1))
    return shown


@pytest.mark.parametrize("seed", SEEDS)
def test_a_right_store_is_valid(seed: int) -> None:
    verdict = judged(history_of(seed))
    assert verdict.mark is Validity.VALID, (seed, verdict)


BROKEN = {
    "loses it": {"an acknowledged message is lost"},
    "shares offsets": {"two messages share an offset"},
    "puts it in front": {"messages of one client are out of order"},
    "keeps what failed": {"a message whose sending failed"},
    "keeps it twice": {"a message is there twice"},
    "passes over one": {"a reader passed over a message"},
    "shows them backwards": {"a reader went back"},
    "makes one up": {"a message that no client sent"},
    "commits for others": {"an offset that no reader committed"},
}


@pytest.mark.parametrize("broken", BROKEN)
def test_each_way_to_break_it_is_named(broken: str) -> None:
    verdicts = [judged(history_of(seed, broken)) for seed in SEEDS]
    found = [verdict for verdict in verdicts if verdict.validity is Validity.INVALID]
    assert len(found) > len(SEEDS) * 0.8, broken
    titles = {evidence.title for verdict in found for evidence in verdict.evidence}
    assert BROKEN[broken] <= titles


def test_it_cannot_tell_whether_a_message_is_lost_that_is_not_looked_for_in_the_end() -> None:
    built = HistoryBuilder()
    built.do("send", "log-0", 1, [0, 1], node="n1")
    built.do("assign", None, {"keys": ["log-0"]}, [], node="n1")
    built.do("poll", None, None, [["log-0", 0, [[0, 1]]]], node="n1")
    assert judged(built).mark is Validity.VALID
    built.do("send", "log-0", 2, [1, 2], node="n1")
    assert judged(built).mark is Validity.UNKNOWN
    built.nemesis(FINAL_HEAL)
    built.do("final-poll", "log-0", None, [["log-0", 0, [[0, 1]]]], node="n2")
    assert judged(built).mark is Validity.UNKNOWN, "it came too soon"
    built.wait(6000)
    built.do("final-poll", "log-0", None, [["log-0", 0, [[0, 1]]]], node="n2")
    verdict = judged(built)
    assert verdict.mark is Validity.INVALID
    assert "No node shows 2 of log-0" in verdict.evidence[0].text


def test_a_history_without_messages_is_not_exercised() -> None:
    built = HistoryBuilder()
    built.do("poll", None, None, [], node="n1")
    assert judged(built).mark is Unjudged.NOT_EXERCISED


@pytest.mark.parametrize("reply", [None, 3, [3], [["log-0", 0]], [["log-0", 0, [[1]]]], [["log-0", "a", []]]])
def test_another_reply_is_refused_with_its_place(reply: object) -> None:
    built = HistoryBuilder()
    built.do("send", "log-0", 1, [0, 1], node="n1")
    built.do("poll", None, None, reply, node="n1")
    verdict = judged(built)
    assert verdict.mark is Validity.UNKNOWN
    assert verdict.summary.startswith("operation 2: a poll gives")
