from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from history.units import SECOND_NS
from node_impl.core.events import Done, Entry, Refused
from node_impl.core.raft.messages import Forward, Written
from node_impl.core.registry.sessions import Outcome, Sessions, SessionsError, birth_of
from tests.node_impl.cluster import Cluster, register


class Machine:
    """Applies entries through a table, and notes which were carried out."""

    def __init__(self, max_clients: int = 100) -> None:
        self.sessions = Sessions(max_clients)
        self.carried_out: list[tuple[str, int] | None] = []
        self.index = 0

    def write(self, client: str, sequence: int, payload: bytes = b"") -> Outcome:
        self.index += 1
        entry = Entry(self.index, 1, "command", payload, session=(client, sequence))
        return self.sessions.apply(entry, self._carry_out)

    def _carry_out(self, entry: Entry) -> Outcome:
        self.carried_out.append(entry.session)
        return Written(entry.index, None)


def test_a_repeated_write_is_answered_with_its_first_index_and_not_applied() -> None:
    machine = Machine()
    first = machine.write("c", 1)
    machine.write("d", 1)
    assert machine.write("c", 1) == first == Written(1, None)
    assert machine.carried_out == [("c", 1), ("d", 1)]


def test_another_write_under_the_same_sequence_is_refused_and_the_first_one_stays_repeatable() -> None:
    """Else it would be answered ok, with the outcome of a write of perhaps another kind, and not applied."""
    machine = Machine()
    first = machine.write("c", 1, b"register")
    outcome = machine.write("c", 1, b"publish")
    assert isinstance(outcome, Refused)
    assert (outcome.code, outcome.proposed) == ("conflict", False)
    assert machine.write("c", 1, b"register") == first
    again = Machine()
    again.sessions.restore(machine.sessions.snapshot())
    assert isinstance(again.write("c", 1, b"publish"), Refused)
    assert again.write("c", 1, b"register") == first
    assert (len(machine.carried_out), again.carried_out) == (1, [])


def test_a_table_of_an_earlier_version_is_read() -> None:
    sessions = Sessions(4)
    sessions.restore(
        msgspec.msgpack.encode([0, {"c": [1, 7, {"type": "Written", "raft_index": 7, "previous": None}]}])
    )
    assert len(sessions) == 1


def test_a_write_older_than_the_clients_last_is_refused_and_not_applied() -> None:
    machine = Machine()
    machine.write("c", 1)
    machine.write("c", 7)
    outcome = machine.write("c", 1)
    assert isinstance(outcome, Refused)
    assert (outcome.code, outcome.proposed) == ("stale-sequence", True)
    assert machine.carried_out == [("c", 1), ("c", 7)]


def test_a_forgotten_client_is_refused_with_the_name_of_a_new_session() -> None:
    machine = Machine(max_clients=2)
    for client in ("a", "b", "c"):
        machine.write(client, 1)
    outcome = machine.write("a", 1)
    assert isinstance(outcome, Refused)
    assert (outcome.code, outcome.proposed) == ("session-expired", True)
    assert outcome.reason.endswith("begin a new session, as a@1")
    assert machine.write("a@1", 1) == Written(5, None)
    assert isinstance(machine.write("b", 1), Refused), "it wrote least recently, so it was forgotten next"
    assert machine.write("c", 1) == Written(3, None)


writes = st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 4)), max_size=60)


@given(writes, st.integers(1, 4))
def test_no_write_is_ever_carried_out_twice_however_small_the_table(
    given_writes: list[tuple[str, int]], max_clients: int
) -> None:
    machine = Machine(max_clients)
    for client, sequence in given_writes:
        machine.write(client, sequence)
    assert len(set(machine.carried_out)) == len(machine.carried_out)
    assert len(machine.sessions) <= max_clients


@given(writes, st.integers(1, 4))
def test_a_client_that_begins_now_is_never_refused(
    given_writes: list[tuple[str, int]], max_clients: int
) -> None:
    machine = Machine(max_clients)
    for number, (client, sequence) in enumerate(given_writes):
        machine.write(client, sequence)
        assert isinstance(machine.write(f"new{number}@{machine.index}", 0), Written)


@given(writes, writes, st.integers(1, 4))
def test_a_restored_table_goes_on_as_the_one_it_was_taken_of(
    before: list[tuple[str, int]], after: list[tuple[str, int]], max_clients: int
) -> None:
    original, restored = Machine(max_clients), Machine(max_clients)
    for write in before:
        original.write(*write)
    restored.sessions.restore(original.sessions.snapshot())
    restored.index = original.index
    for write in after:
        assert restored.write(*write) == original.write(*write)
    assert restored.sessions.snapshot() == original.sessions.snapshot()


@given(st.binary(max_size=40))
def test_bytes_that_are_no_table_are_refused_and_change_nothing(garbage: bytes) -> None:
    machine = Machine()
    machine.write("c", 1)
    before = machine.sessions.snapshot()
    try:
        machine.sessions.restore(garbage)
    except SessionsError:
        assert machine.sessions.snapshot() == before


@pytest.mark.parametrize(
    ("client", "birth"),
    [("c", 0), ("c@12", 12), ("a@b@7", 7), ("c@", 0), ("c@x", 0), ("c@-1", 0), ("7", 0), ("c@٣", 0)],
)
def test_a_clients_birth_is_the_index_behind_its_name(client: str, birth: int) -> None:
    assert birth_of(client) == birth


def test_a_write_repeated_at_another_node_after_its_leader_died_is_applied_once() -> None:
    cluster = Cluster(3, seed=3)
    cluster.start()
    leader = cluster.elect()
    first = cluster.answer(leader, register(1, "x"), session=("c", 1))
    assert isinstance(first, Done)
    assert isinstance(cluster.answer(leader, register(1, "y"), session=("d", 1)), Done)
    cluster.crash(leader)
    new_leader = cluster.elect()
    assert cluster.answer(new_leader, register(1, "x"), session=("c", 1)) == first
    cluster.start(leader)
    cluster.settle()
    assert cluster.answer(leader, register(1, "x"), session=("c", 1)) == first
    digests = {cluster.node(name).machine.registry.digest() for name in cluster.names}
    assert len(digests) == 1


def test_a_forwarded_write_with_a_session_outlives_its_leader() -> None:
    """Without a session the follower must say that the outcome is unknown; with one it asks the next."""
    cluster = Cluster(3, seed=5)
    cluster.start()
    leader = cluster.elect()
    follower = next(name for name in cluster.names if name != leader)
    cluster.drop = lambda to, envelope: isinstance(envelope.body, Forward) and to == leader
    plain = cluster.ask(follower, register(1, "plain"))
    repeated = cluster.ask(follower, register(2, "repeated"), session=("c", 1))
    cluster.run(5_000_000)
    cluster.crash(leader)
    cluster.run_until(lambda: repeated.reply is not None, 3 * SECOND_NS)
    assert isinstance(repeated.reply, Done)
    assert isinstance(plain.reply, Refused)
    assert plain.reply.proposed
