"""The state machine of a node whose clients have sessions: the node's own registry and table of sessions.

Without sessions a node's state machine is the list of the entries that it applied (`member.py`), as what they
do decides nothing in the Raft core. With them it does: a write that arrives again must not be carried out
again (thesis, section 6.3), also by a node that became a snapshot. So the unchanged classes run here
(`Parts.state_machine`, `registry`, `sessions`), and two things are looked at whenever something was applied:

- *applied-once*: of a client's writes none is carried out twice, or after a later one; and none is left out,
  unless clients are forgotten: one that was forgotten is refused when it writes again;
- *state-machine-safety*: the state is what the same entries come to on a node that never saw a snapshot.

A state is kept as the bytes of its snapshot, so that it can be compared; objects are made of it for a step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple, cast

from harness.sim.explore.node.clocks import NoChance
from harness.sim.explore.node.disk import Stands, stands_for, stood_for
from node_impl.core.build import Parts
from node_impl.core.config import NodeConfig
from node_impl.core.events import Entry, HardState, Recovered, Snapshot
from node_impl.core.raft.raft import Raft
from node_impl.core.registry.commands import encode_command
from node_impl.core.registry.registry import Registry
from node_impl.core.registry.sessions import Outcome, Sessions
from node_impl.core.requests import Deregister, InstanceKey, Register

KEPT = 4096
"""How many of the states without a snapshot are kept."""
Session = tuple[str, int]


class MachineState(NamedTuple):
    """What a state machine holds, as a value."""

    registry: bytes
    sessions: bytes
    carried_out: tuple[Session, ...]
    """The writes that it carried out, or the snapshots that it became, oldest first."""
    remembered: int
    """The number of clients whose last write is remembered."""


def write(number: int, clients: int) -> tuple[bytes, Session]:
    """The payload and the session of the write with a number, from 1: clients write in turn.

    A client registers an instance of its own, and takes it away with its next write.
    """
    client, sequence = (number - 1) % clients + 1, (number - 1) // clients + 1
    key = InstanceKey("svc", "10.0.0.1", client)
    return encode_command(Register(key) if sequence % 2 else Deregister(key)), (f"c{client}", sequence)


def nothing_applied(parts: Parts, config: NodeConfig) -> MachineState:
    """The state of a cluster that begins."""
    return MachineState(parts.registry().snapshot(), parts.sessions(config.max_clients).snapshot(), (), 0)


class RunningMachine:
    """The state machine over a core, from what it held before.

    Args:
        core: holds the log. What this applies, it is given.
        applied: the entries that the state stands for.
    """

    def __init__(self, parts: Parts, core: Raft, applied: tuple[Entry, ...], state: MachineState) -> None:
        self._applied, self._carried_out = list(applied), list(state.carried_out)
        self._registry, self._sessions = parts.registry(), parts.sessions(core.state.config.max_clients)
        self._registry.restore(state.registry)
        self._sessions.restore(state.sessions)
        self._core = core
        self._machine = parts.state_machine(
            core, cast(Registry, _NotedRegistry(self)), cast(Sessions, _NotedSessions(self))
        )

    def follow(self) -> None:
        """Become an installed snapshot, if there is one, and apply what is committed."""
        self._machine.restore()
        state = self._core.state
        while state.commit_index > state.last_applied:
            self._machine.apply_committed(())

    def snapshot(self) -> Snapshot:
        """A snapshot of the state, as the node takes it."""
        return self._machine.snapshot()

    @property
    def applied(self) -> tuple[Entry, ...]:
        """The entries that the state stands for."""
        return tuple(self._applied)

    @property
    def state(self) -> MachineState:
        """What it holds now."""
        return MachineState(
            self._registry.snapshot(),
            self._sessions.snapshot(),
            tuple(self._carried_out),
            len(self._sessions),
        )

    # ---- What its parts ask; the notes are in its snapshots, as they outlive nothing else ------------------

    def apply(self, entry: Entry, carry_out: Callable[[Entry], Outcome]) -> Outcome:
        """Note that an entry is applied, and whether it is carried out."""
        self._applied.append(entry)

        def noting(one: Entry) -> Outcome:
            if one.session is not None:
                self._carried_out.append(one.session)
            return carry_out(one)

        return self._sessions.apply(entry, noting)

    def written(self) -> bytes:
        """The registry's snapshot, with the notes."""
        return stands_for(Stands(self.applied, tuple(self._carried_out), self._registry.snapshot()))

    def read(self, snapshot: bytes) -> None:
        """Become what `written` gave."""
        found = stood_for(snapshot)
        self._registry.restore(found.registry)
        self._applied, self._carried_out = list(found.entries), list(found.carried_out)

    @property
    def parts(self) -> tuple[Registry, Sessions]:
        """The registry and the sessions themselves."""
        return self._registry, self._sessions


class _NotedRegistry:
    """The registry, as the state machine sees it."""

    def __init__(self, machine: RunningMachine) -> None:
        self._machine = machine
        self.apply = machine.parts[0].apply
        self.snapshot = machine.written
        self.restore = machine.read


class _NotedSessions:
    """The sessions, as the state machine sees them."""

    def __init__(self, machine: RunningMachine) -> None:
        sessions = machine.parts[1]
        self.apply = machine.apply
        self.snapshot = sessions.snapshot
        self.restore = sessions.restore


def what_is_wrong(parts: Parts, core: Raft, applied: tuple[Entry, ...], state: MachineState) -> str | None:
    """The promise that the state machine over a core broke, and how; None if it kept both."""
    name, config = core.state.name, core.state.config
    twice = _out_of_order(state.carried_out)
    if twice is not None:
        return f"applied-once: {name} carries out {twice}"
    written = {entry.session for entry in applied if entry.session is not None}
    if len({client for client, _ in written}) <= config.max_clients:
        left_out = next((one for one in _firsts(applied) if one not in state.carried_out), None)
        if left_out is not None:
            return f"applied-once: {name} never carries out {_in_words(left_out)}"
    if state.remembered > config.max_clients:
        return (
            f"resources: {name} remembers {state.remembered} clients, and may remember {config.max_clients}"
        )
    if state != _without_snapshots(parts, core.state.known, config, applied):
        return (
            f"state-machine-safety: {name} has applied {len(applied)} entries, and its state is not what the "
            "same entries come to on a node that had no snapshot"
        )
    return None


def _out_of_order(carried_out: Sequence[Session]) -> str | None:
    last: dict[str, int] = {}
    for place, (client, sequence) in enumerate(carried_out):
        before = last.get(client, 0)
        if (client, sequence) in carried_out[:place]:
            return f"{_in_words((client, sequence))} twice"
        if sequence < before:
            return f"{_in_words((client, sequence))} after write {before}"
        last[client] = sequence
    return None


def _firsts(applied: Sequence[Entry]) -> Iterator[Session]:
    """The writes that come before all later ones of their client."""
    last: dict[str, int] = {}
    for entry in applied:
        if entry.session is not None and entry.session[1] > last.get(entry.session[0], 0):
            last[entry.session[0]] = entry.session[1]
            yield entry.session


def _in_words(session: Session) -> str:
    return f"write {session[1]} of client {session[0]}"


@lru_cache(maxsize=KEPT)
def _without_snapshots(
    parts: Parts, names: tuple[str, ...], config: NodeConfig, applied: tuple[Entry, ...]
) -> MachineState:
    """The state of a node with all of these entries in its log, which applies them."""
    term = applied[-1].term if applied else 0
    core = Raft(
        name=names[0],
        members=names,
        life=1,
        recovered=Recovered(HardState(term, None), applied),
        random=NoChance(),
        config=config,
        parts=parts,
    )
    core.start()
    core.state.commit_up_to(len(applied))
    machine = RunningMachine(parts, core, (), nothing_applied(parts, config))
    machine.follow()
    return machine.state
