from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from harness.client.clients import Site
from harness.errors import CouldNotRun
from harness.systems import system_of
from harness.systems.base import NodeStatus, Place
from harness.systems.nats import Nats
from harness.systems.nats import system as nats_system
from harness.systems.nats.clients import QUEUES, QueueClient, RegisterClient, SetClient
from harness.systems.nats.jetstream import NoLeader, Rejected, Stored, Taken
from harness.systems.nats.system import read_status
from history import Operation

MEMBERS = {
    name: {port: f"10.77.0.{number}:{usual}" for port, usual in Nats.ports.items()}
    for number, name in enumerate(("n1", "n2", "n3"), start=1)
}
PLACE = Place(
    name="n2",
    host="10.77.0.2",
    ports=Nats.ports,
    members=MEMBERS,
    peers={},
    data=Path("/run/n2/data"),
    trace=Path("/run/n2/trace"),
    log=Path("/run/n2/log.txt"),
    seed=7,
)
WRONG_LAST_SEQUENCE = Rejected(10071, "wrong last sequence: 9")


@pytest.fixture
def binary(tmp_path: Path) -> str:
    program = tmp_path / "nats-server"
    program.write_text("#!/bin/sh\necho 'nats-server: v2.9.10'\n")
    program.chmod(0o755)
    return str(program)


def configuration(binary: str, **options: str) -> dict[str, Any]:
    system = system_of("nats", {"system_options": {"binary": binary, **options}})
    launch = system.launch(PLACE)
    assert launch.processes[0].argv == (binary, "-c", "nats.conf")
    made: dict[str, Any] = json.loads(launch.files[0].content)
    return made


def test_a_server_knows_the_routes_to_all(binary: str) -> None:
    made = configuration(binary)
    assert (made["server_name"], made["listen"], made["http"]) == ("n2", "10.77.0.2:4222", "10.77.0.2:8222")
    assert made["cluster"]["routes"][2] == "nats://10.77.0.3:6222"


def test_the_interval_of_syncs_is_the_servers_own_unless_it_is_given(binary: str) -> None:
    assert configuration(binary)["jetstream"] == {"store_dir": "/run/n2/data"}
    assert configuration(binary, **{"sync-interval": "always"})["jetstream"]["sync_interval"] == "always"


def test_the_leader_is_that_of_the_stream_and_before_there_is_one_of_the_cluster() -> None:
    # What 2.9.10 and 2.15.2 answer to /jsz?accounts=true&streams=true, shortened.
    cluster = {"name": "ackproof", "leader": "n3", "cluster_size": 3}
    stream = {"name": "sets", "state": {"messages": 2, "last_seq": 7}, "cluster": {"leader": "n2"}}
    without = {"meta_cluster": cluster, "account_details": [{"name": "$G"}]}
    having = {"meta_cluster": cluster, "account_details": [{"name": "$G", "stream_detail": [stream]}]}
    assert read_status(json.dumps(without).encode(), "n3") == NodeStatus("leader", 0, "n3")
    assert read_status(json.dumps(having).encode(), "n2") == NodeStatus("leader", 0, "n2", 7, 7)
    assert read_status(b"{}", "n2") is None


class Stream:
    """A stream in memory, whose leader may show what was there before."""

    def __init__(self, *stored: Stored, now: int | None = None, error: Exception | None = None) -> None:
        self.stored = list(stored)
        self.now = now
        self.error = error
        self.published: list[tuple[str, str | None, int | None]] = []

    async def publish(self, key: str, data: str | None, *, last: int | None = None) -> int:
        if self.error is not None:
            raise self.error
        self.published.append((key, data, last))
        if last is not None and self.now is not None and last != self.now:
            raise WRONG_LAST_SEQUENCE
        return 10

    async def last(self, _key: str) -> Stored:
        return self.stored[-1] if self.stored else Stored(0, None)

    async def all(self, _key: str) -> list[Stored]:
        return self.stored


def perform(stream: Stream, f: str, value: object = None, reads: Any = "confirmed") -> Operation:
    kind = SetClient if f == "add" or value == "set" else RegisterClient
    client = kind(Site("n1", MEMBERS, 1, timeout_s=2.0), reads)
    client._stream = stream  # type: ignore[assignment]
    asked = Operation(3, 0, 1, "invoke", f, "k", None if value == "set" else value, node="n1")
    return asyncio.run(client.perform(asked))


def test_a_read_is_confirmed_by_a_write_that_changes_nothing() -> None:
    stream = Stream(Stored(9, "v1"), now=9)
    assert (perform(stream, "read").value, stream.published) == ("v1", [("k", "v1", 9)])


def test_a_read_of_an_old_value_is_tried_again_and_fails_in_the_end() -> None:
    stream = Stream(Stored(8, "v1"), now=9)
    done = perform(stream, "read")
    assert (done.type, len(stream.published)) == ("fail", 4)


def test_a_key_without_messages_is_confirmed_as_absent() -> None:
    stream = Stream(now=0)
    done = perform(stream, "read")
    assert (done.type, done.value, stream.published) == ("ok", None, [("k", None, 0)])


@pytest.mark.parametrize("reads", ["leader", "direct"])
def test_other_reads_are_taken_as_they_are(reads: str) -> None:
    stream = Stream(Stored(8, "v1"), now=9)
    assert perform(stream, "read", reads=reads).value == "v1"
    assert stream.published == []


def test_compare_and_set_compares_the_value_and_its_sequence_number() -> None:
    stream = Stream(Stored(9, "v1"), now=9)
    assert perform(stream, "cas", ["v1", "v2"]).value == ["v1", "v2"]
    assert stream.published == [("k", "v2", 9)]
    assert perform(Stream(Stored(9, "v3"), now=9), "cas", ["v1", "v2"]).value is False
    assert perform(Stream(Stored(8, "v1"), now=9), "cas", ["v1", "v2"]).type == "fail"


def test_a_set_is_all_its_messages_without_markers() -> None:
    stream = Stream(Stored(3, "1"), Stored(5, None), Stored(9, "4"), now=9)
    assert perform(stream, "read", "set").value == [1, 4]


def test_only_what_was_certainly_not_stored_fails() -> None:
    assert perform(Stream(error=NoLeader("nobody")), "write", "v").type == "fail"
    assert perform(Stream(error=Rejected(10008, "not available")), "add", 4).type == "fail"
    assert perform(Stream(error=Rejected(10001, "something")), "add", 4).type == "info"
    assert perform(Stream(Stored(1, "v"), error=Rejected(10001, "something")), "read").type == "fail"
    with pytest.raises(TimeoutError):  # the pool of clients makes this `info`
        perform(Stream(error=TimeoutError()), "write", "v")


class Work:
    """A stream of work in memory; what an operation raises is by its name."""

    def __init__(self, *texts: str, given_out: bool = False, **errors: Exception) -> None:
        self.texts = list(texts)
        self.given_out = given_out
        self.errors = errors
        self.done: list[str] = []

    def _do(self, name: str, what: str) -> None:
        self.done.append(f"{name} {what}")
        if name in self.errors:
            raise self.errors[name]

    async def publish(self, key: str, data: str) -> int:
        self._do("publish", f"{key} {data}")
        return 1

    async def consume(self, key: str, again_after_s: float) -> None:
        self._do("consume", f"{key} {again_after_s:g}")

    async def take(self, key: str) -> Taken | None:
        self._do("take", key)
        return Taken(self.texts[0], "reply") if self.texts else None

    async def holds_any(self, _key: str) -> bool:
        return bool(self.texts) or self.given_out

    async def acknowledge(self, taken: Taken) -> None:
        self._do("acknowledge", taken.data)


def queued(work: Work, *operations: str) -> list[Operation]:
    client = QueueClient(Site("n1", MEMBERS, 1, timeout_s=2.0))
    client._stream = work  # type: ignore[assignment]

    async def run() -> list[Operation]:
        asked = [Operation(3, 0, 1, "invoke", f, "k", "t" if f == "enqueue" else None) for f in operations]
        return [await client.perform(one) for one in asked]

    return asyncio.run(run())


def test_a_queue_has_one_consumer_and_each_text_is_acknowledged_when_it_came_out() -> None:
    work = Work("t")
    assert [done.value for done in queued(work, "enqueue", "dequeue", "dequeue")] == ["t", "t", "t"]
    taken = ["take k", "acknowledge t"]
    assert work.done == ["publish k t", "consume k 1", *taken, *taken]
    assert json.loads(QUEUES.settings(3, allow_direct=False))["retention"] == "workqueue"


def test_an_empty_queue_gives_null() -> None:
    (done,) = queued(Work(), "dequeue")
    assert (done.type, done.value) == ("ok", None)


def test_a_queue_whose_texts_are_given_out_and_not_acknowledged_is_not_empty() -> None:
    (done,) = queued(Work(given_out=True), "dequeue")
    assert (done.type, done.value) == ("fail", None)


def test_a_dequeue_without_an_answer_took_nothing_out() -> None:
    """What was given out and not acknowledged is given out again."""
    for errors in (
        {"take": TimeoutError()},
        {"consume": NoLeader("none")},
        {"consume": Rejected(10008, "none")},
    ):
        (done,) = queued(Work("t", **errors), "dequeue")
        assert done.type == "fail"
    (done,) = queued(Work("t", acknowledge=TimeoutError()), "dequeue")
    assert (done.type, done.value) == ("ok", "t")


class Slow(Work):
    """It gives a text when most of the time is over, and confirms nothing."""

    async def take(self, key: str) -> Taken | None:
        await asyncio.sleep(0.15)  # of the 0.2 s that the operation has
        return await super().take(key)

    async def acknowledge(self, taken: Taken) -> None:
        await super().acknowledge(taken)
        await asyncio.Event().wait()


def test_a_text_that_came_out_counts_although_the_time_was_over_before_its_confirmation() -> None:
    client = QueueClient(Site("n1", MEMBERS, 1, timeout_s=0.2))
    client._stream = Slow("t")  # type: ignore[assignment]  # as far as a queue needs one
    done = asyncio.run(client.perform(Operation(3, 0, 1, "invoke", "dequeue", "k", node="n1")))
    assert (done.type, done.value) == ("ok", "t")


def test_an_enqueue_fails_only_if_it_was_certainly_not_stored() -> None:
    assert queued(Work(publish=NoLeader("none")), "enqueue")[0].type == "fail"
    with pytest.raises(TimeoutError):  # the pool of clients makes this `info`
        queued(Work(publish=TimeoutError()), "enqueue")


def test_a_run_without_the_clients_library_is_refused_before_it_starts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(nats_system, "find_spec", lambda _: None)
    with pytest.raises(CouldNotRun, match=r"need nats-py: pip install 'ackproof\[nats\]'"):
        Nats().version()
