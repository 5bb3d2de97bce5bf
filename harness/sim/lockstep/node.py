"""A node behind the lockstep protocol: the same events and effects as the reference node's core.

One line or frame goes to the core for each event, and its answer is turned into effects. What may only leave
once a write is on disk is held here until then. The core is greeted with `hello` in each of its processes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple, NoReturn

import msgspec

from harness.client.data_types import READS
from harness.nemesis.view import NodeView
from harness.sim.lockstep.child import Child
from harness.sim.lockstep.effects import (
    Answered,
    AppliedEffect,
    CoreEffect,
    FatalEffect,
    PersistEffect,
    ReplyEffect,
    SendEffect,
    SentEffect,
    TimerEffect,
    TookEffect,
    TraceEffect,
)
from harness.sim.lockstep.encodings import ENCODINGS, shown
from harness.sim.lockstep.exchanges import Exchanges
from harness.sim.lockstep.journal import Handed, Journal, RecoveredJournal, Replacement
from harness.sim.lockstep.protocol import (
    VERSION,
    ForeignCore,
    Hello,
    LockstepError,
    read_answer,
    read_hello,
    said_of_itself,
)
from harness.sim.lockstep.standing import MESSAGE, Standing
from node_impl.core.events import (
    CancelTimer,
    ClientRequest,
    Effect,
    Event,
    Fatal,
    Persist,
    Received,
    Respond,
    Send,
    SetTimer,
    Shutdown,
    Synced,
    TimerFired,
)
from node_impl.core.storage.disk import Disk

_RANDOM_BELOW = 999_999
"""Below this bound, decisions are drawn evenly (harness/sim/plan/decisions.py)."""


class ForeignMessage(msgspec.Struct, frozen=True):
    """A message between foreign nodes: its body is the text that the sender's core gave."""

    sender: str
    message_id: str
    body: bytes
    kind: str = MESSAGE
    """What it is in Raft, if the core says so."""


class _Numbered(NamedTuple):
    """A message that waits for the disk, and whose line is in the trace already."""

    to: str
    message: ForeignMessage


class ForeignRequest(msgspec.Struct, frozen=True):
    """A client's operation."""

    f: str
    op: str
    """The operation's id."""
    key: str | None
    value: Any


def greet(child: Child) -> Hello:
    """Ask a new process which version of the protocol the core speaks.

    Raises:
        LockstepError: another one, or it does not answer so.
    """
    event = ENCODINGS["json"].encode({"n": 1, "event": "hello", "protocol": VERSION})
    try:
        return read_hello(child.ask(event), 1, event)
    except LockstepError:
        child.kill()
        raise


class Line:
    """One process of a core, and the number of the last event that it was given."""

    def __init__(self, core: ForeignCore, exchanges: Exchanges | None) -> None:
        watch = None if exchanges is None else exchanges.watch
        self._watched = None if watch is None else watch.process()
        environment = None if self._watched is None else self._watched.environment
        self._child = Child(core.command, core.answer_within_s, environment)
        self._exchanges = exchanges
        self._name, self._encode = core.encoding, ENCODINGS[core.encoding].encode
        self._number = 1
        said, before = said_of_itself(greet(self._child)), said_of_itself(core)
        if said != before:
            self.kill()
            raise LockstepError(f"the core says of itself {said}, and another time {before}")
        self._child.is_framed = ENCODINGS[core.encoding].is_framed
        if self._watched is not None:
            self._watched.begin(self._child.process)
        self.event = b""
        """The last event."""

    def ask(self, event: Mapping[str, Any]) -> Answered:
        """Give one event; the answer.

        Raises:
            LockstepError: there is none, or it breaks the protocol.
        """
        try:
            return read_answer(self._exchange(event), self._number, self.event, self._name)
        except LockstepError:
            self.kill()
            raise

    def _exchange(self, event: Mapping[str, Any]) -> bytes:
        self._number += 1
        self.event = self._encode({"n": self._number, **event})
        answer = self._child.ask(self.event)
        if self._watched is not None:
            self._watched.look(self.event)
        if self._exchanges is not None:
            try:
                self._exchanges.take(self.event, answer)
            except LockstepError:
                self.kill()
                raise
        return answer

    def close(self) -> None:
        """End the process in order."""
        self._child.close()
        self._forget()

    def kill(self) -> None:
        """End the process at once."""
        self._child.kill()
        self._forget()

    def _forget(self) -> None:
        if self._watched is not None:
            self._watched.close()


class ForeignNode:
    """One life of a node. `start` once, then `step` for each event."""

    def __init__(
        self,
        name: str,
        members: tuple[str, ...],
        line: Line,
        core: ForeignCore,
        recovered: RecoveredJournal,
        settings: Mapping[str, int],
        kinds: dict[str, str],
    ) -> None:
        self.name = name
        self._members = members
        self._line = line
        self._core = core
        self._recovered = recovered
        self._settings = settings
        self._standing = Standing()
        self._traces = core.traces != "none"
        self._persisted = self._synced = self._sent = 0
        self._life = settings["life"]
        self._explains = core.traces == "messages"
        self._has_own = core.traces == "own-messages"
        self._kinds = kinds
        self._held: dict[int, list[ReplyEffect | SendEffect | _Numbered]] = {}
        self._requests: dict[int, ForeignRequest] = {}
        self._ended = False

    # ---- the seam --------------------------------------------------------------------------------------

    def start(self, now: int) -> list[Effect]:
        """Begin this life."""
        disk = [msgspec.Raw(record) for record in self._recovered.records]
        effects = self._ask(now, {"event": "start", "members": self._members, "disk": disk, **self._settings})
        if self._traces and not self._standing.has_begun and not self._ended:
            self._refuse("says that it traces, but its answer to `start` has no `trace` effect")
        return effects

    def step(self, now: int, *events: Event) -> list[Effect]:
        """The effects of events, in order."""
        return [effect for event in events for effect in self._take(now, event)]

    def sizes(self) -> Mapping[str, int]:
        """Nothing is known of what a core holds."""
        return {}

    def stated(self) -> NodeView:
        """What the core has said of its state."""
        return self._standing.view() if self._traces else NodeView(running=True)

    def leads_with(self) -> tuple[int, int, int, bool] | None:
        """See `Process.leads_with`."""
        return self._standing.leads_with() if self._traces else None

    def end(self, *, killed: bool) -> None:
        """This life is over."""
        if self._core.holds == "node":
            if killed:
                self._line.kill()
            else:
                self._line.close()

    # ---- events ----------------------------------------------------------------------------------------

    def _take(self, now: int, event: Event) -> list[Effect]:
        if self._ended:
            return []
        match event:
            case Received(ForeignMessage(sender, number, body, kind)):
                took = self._trace_message("receive", sender, number, kind)
                given = {"event": "message", "from": sender, "message": msgspec.Raw(body)}
                return [*took, *self._ask(now, given)]
            case TimerFired(name):
                return self._ask(now, {"event": "time", "timer": name})
            case ClientRequest(number, request):
                assert isinstance(request, ForeignRequest)
                self._requests[number] = request
                return self._ask(now, {"event": "request", "id": number, "request": request})
            case Synced(number):
                return self._on_disk(now, number)
            case Shutdown():
                effects = self._ask(now, {"event": "stop"})
                if self._traces and not self._ended:
                    effects.append(self._standing.stop())
                self._ended = True
                return effects
        return []  # a lost connection is a hint that the protocol does not have

    def _on_disk(self, now: int, number: int) -> list[Effect]:
        before: list[Effect] = []
        line = self._standing.synced(number)
        if self._traces and line is not None:
            before.append(line)
        first, self._synced = self._synced + 1, number
        effects = self._ask(now, {"event": "synced", "number": number})
        waited = [one for after in range(first, number + 1) for one in self._held.pop(after, ())]
        return [*before, *effects, *(left for one in waited for left in self._leave(one))]

    def _ask(self, now: int, event: Mapping[str, Any]) -> list[Effect]:
        answer = self._line.ask({"node": self.name, "now": now, **event})
        return [effect for given in answer.effects for effect in self._effects(given)]

    # ---- effects ---------------------------------------------------------------------------------------

    def _effects(self, given: CoreEffect) -> Sequence[Effect]:
        match given:
            case TraceEffect():
                self._may_trace("trace")
                return tuple(self._standing.lines(given))
            case SendEffect() | ReplyEffect():
                return self._leave_or_hold(given)
            case SentEffect() | TookEffect():
                return (self._own(given),)
            case PersistEffect(records, replace):
                self._persisted += 1
                self._standing.persists(self._persisted)
                texts = tuple(bytes(record) for record in records)
                if self._core.persists == "written":
                    return self._hand(Replacement(texts) if replace else texts)
                return (Persist(self._persisted, (Replacement(texts),) if replace else texts),)  # type: ignore[arg-type]  # a foreign node's records
            case TimerEffect(name, at):
                return (CancelTimer(name) if at is None else SetTimer(name, at),)
            case AppliedEffect(entries):
                self._may_trace("applied")
                return (self._standing.apply(entries),) if entries else ()
            case FatalEffect(reason):
                self._ended = True
                return (Fatal(reason),)

    def _hand(self, records: tuple[bytes, ...] | Replacement) -> Sequence[Effect]:
        """Give records to the kernel: the core counts on them from now on, and so do the checkers."""
        self._synced = self._persisted
        line = self._standing.synced(self._persisted)
        handed: Any = Handed(records)  # an effect of foreign nodes alone
        return (handed,) if line is None or not self._traces else (handed, line)

    def _may_trace(self, effect: str) -> None:
        if not self._traces:
            self._refuse(f'says that it traces nothing, and gave the effect "{effect}"')

    def _own(self, given: SentEffect | TookEffect) -> Effect:
        """Trace a message that the core carries in those that it gives to the network."""
        effect = given.__struct_config__.tag
        if not self._has_own:
            self._refuse(f'does not say that it traces own messages, and gave the effect "{effect}"')
        if isinstance(given, SentEffect):
            self._check_peer(given.to, "sends a message of its own to")
            if given.id in self._kinds:
                self._refuse(f"gives a second message the id {given.id[:80]!r}")
            line = self._standing.message("send", given.to, given.id, given.means)
            self._kinds[given.id] = line.message or MESSAGE
            return line
        self._check_peer(given.sender, "takes a message of its own from")
        if given.id not in self._kinds:
            self._refuse(f"takes a message that was not sent: {given.id[:80]!r}")
        line = self._standing.message("receive", given.sender, given.id)
        line.message = self._kinds[given.id]
        return line

    def _check_peer(self, peer: str, what: str) -> None:
        if peer == self.name or peer not in self._members:
            self._refuse(f"{what} {peer[:80]!r}, which is no other member")

    def _leave_or_hold(self, given: SendEffect | ReplyEffect) -> Sequence[Effect]:
        if isinstance(given, SendEffect):
            self._check_peer(given.to, "sends to")
        if isinstance(given, ReplyEffect) and given.id not in self._requests:
            self._refuse(f"replies to the request {given.id}, which is not open in this life")
        if isinstance(given, ReplyEffect) and not _is_json(given.value):
            self._refuse("replies with a value that JSON cannot have")
        if given.after > self._persisted:
            self._refuse(f"lets something wait for persist {given.after}, and has made {self._persisted}")
        if isinstance(given, SendEffect) and self._explains:
            return self._explain(given)
        if given.after > self._synced:
            self._held.setdefault(given.after, []).append(given)
            return ()
        return self._leave(given)

    def _explain(self, given: SendEffect) -> Sequence[Effect]:
        """Trace a message as it is made, since what it means is said of the state that it was made in.

        Whether it left before what it promises was on the disk is judged from the lines of both.
        """
        if given.means is None:
            self._refuse('says that it traces messages, and gave the effect "send" without `means`')
        number, kind = self._next_number(), given.means.kind
        message = ForeignMessage(
            self.name, number, bytes(given.message), MESSAGE if kind == "other" else kind
        )
        line = self._standing.message("send", given.to, number, given.means)
        if given.after > self._synced:
            self._held.setdefault(given.after, []).append(_Numbered(given.to, message))
            return (line,)
        return line, Send(given.to, message)

    def _next_number(self) -> str:
        self._sent += 1
        return f"{self.name}:{self._life}:{self._sent}"

    def _leave(self, given: SendEffect | ReplyEffect | _Numbered) -> Sequence[Effect]:
        if isinstance(given, _Numbered):
            return (Send(given.to, given.message),)
        if isinstance(given, SendEffect):
            number = self._next_number()
            sent = Send(given.to, ForeignMessage(self.name, number, bytes(given.message)))
            return *self._trace_message("send", given.to, number, MESSAGE), sent
        request = self._requests.pop(given.id, None)
        if request is None:
            self._refuse(f"replied twice to the request {given.id}")
        respond = Respond(given.id, given)  # type: ignore[arg-type]  # a foreign node's reply
        if self._traces and given.type == "ok" and given.index is not None and request.f not in READS:
            return self._standing.acknowledge(given.index, request.op), respond
        return (respond,)

    def _trace_message(
        self, event: Literal["send", "receive"], peer: str, number: str, kind: str
    ) -> Sequence[Effect]:
        if not self._traces or self._has_own:
            return ()
        line = self._standing.message(event, peer, number)
        line.message = kind
        return (line,)

    def _refuse(self, what: str) -> NoReturn:
        event = shown(self._line.event)
        self._line.kill()
        raise LockstepError(f"the core {what}; the event was {event}")


def _is_json(value: Any) -> bool:
    """Whether a value can be in a history, which MessagePack's own types cannot."""
    if value is msgspec.UNSET or value is None or isinstance(value, str | int | float):
        return True
    if isinstance(value, dict):
        return all(isinstance(key, str) and _is_json(one) for key, one in value.items())
    return isinstance(value, list) and all(map(_is_json, value))


class ForeignKind:
    """Makes the nodes of one run from a core: implements `NodeKind`. Close it when the run is over."""

    def __init__(
        self, core: ForeignCore, settings: Mapping[str, int], exchanges: Exchanges | None = None
    ) -> None:
        self._core = core
        self._settings = settings
        self._exchanges = exchanges
        self._shared: Line | None = None
        self._kinds: dict[str, str] = {}
        """Of each message that cores carry in others, by its id: what it is in Raft."""
        self._lines: list[Line] = []

    def storage(self, disk: Disk) -> Journal:
        """The journal on a disk."""
        return Journal(disk, is_synced=self._core.persists == "synced")

    def build(
        self, *, name: str, members: tuple[str, ...], life: int, recovered: Any, random: Any
    ) -> ForeignNode:
        """A node that begins its `life`, in a process of its own or in that of the cluster."""
        settings = {"life": life, "random": random.below(_RANDOM_BELOW), **self._settings}
        return ForeignNode(name, members, self._process(), self._core, recovered, settings, self._kinds)

    def _process(self) -> Line:
        if self._core.holds == "cluster" and self._shared is not None:
            return self._shared
        line = Line(self._core, self._exchanges)
        self._lines.append(line)
        if self._core.holds == "cluster":
            self._shared = line
        return line

    def bounds(self, most: Mapping[str, int]) -> Mapping[str, int]:
        """Nothing of a core is bounded."""
        del most
        return {}

    def close(self) -> None:
        """End every process that is left."""
        for line in self._lines:
            line.kill()
        self._lines, self._shared = [], None


def read_core(command: tuple[str, ...], answer_within_s: float, files: Mapping[str, str]) -> ForeignCore:
    """Ask a core what it is.

    Raises:
        LockstepError: it cannot be started, or does not speak this version of the protocol.
    """
    child = Child(command, answer_within_s)
    try:
        hello = greet(child)
        child.close()
    finally:
        child.kill()
    return ForeignCore(
        command,
        hello.data_types,
        hello.holds,
        hello.traces,
        hello.encoding,
        hello.persists,
        files,
        answer_within_s,
    )
