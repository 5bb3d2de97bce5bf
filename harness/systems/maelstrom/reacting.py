"""Maelstrom's nodes in virtual time: a core of the lockstep protocol that holds the programs of all nodes.

A node that only reacts does nothing until it is given a message. So the core gives it one, waits until the
program is at rest (it has read all, and each of its threads sleeps), and takes what it wrote as its answer.
All else is the simulator: docs/lockstep.md. Nodes keep nothing on a disk here.

A verdict about a node with timers would be void, as their time never comes. So a program that rests in a call
with a time-out ends the run with an error, as does one that never rests, writes what no message asked for, or
gives another answer when a seed is run again. Go's runtime always rests so; who knows that a program has no
timer says it (`only_reacts`).

The services answer at once, and no fault strikes them. Requests that a node passes on under its client's name
are refused: a client is answered by the node that it asked.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from fcntl import ioctl
from pathlib import Path
from termios import FIONREAD
from typing import Any, NamedTuple

from harness.systems.maelstrom.calls import CALLS, Refused, completed
from harness.systems.maelstrom.service import Service, services
from harness.systems.maelstrom.services import answered
from harness.systems.maelstrom.topology import topology
from harness.systems.maelstrom.workloads import DATA_TYPES
from history import Operation

HARNESS = "c0"
"""The client that sends `init` and `topology`."""
LOOK_S = 0.0002
"""How long the core waits between two looks at a program."""
LOOKS_AT_REST = 3
"""In how many looks in a row a program must be at rest, without a step in between."""
REST_WITHIN_S = 8.0
"""Less than the time in which a core must answer."""
_READ_BYTES = 1 << 16
FUTEX = "futex"
CALLS_WITH_TIME_OUT: Mapping[str, Mapping[int, tuple[str, int]]] = {
    "x86_64": {
        7: ("poll", 2), 271: ("ppoll", 2), 23: ("select", 4), 270: ("pselect", 4),
        232: ("epoll_wait", 3), 281: ("epoll_wait", 3), 441: ("epoll_wait", 3), 202: (FUTEX, 3),
        35: ("nanosleep", 0), 230: ("nanosleep", 2),
    },
    "aarch64": {
        73: ("ppoll", 2), 72: ("pselect", 4), 22: ("epoll_wait", 3), 441: ("epoll_wait", 3),
        98: (FUTEX, 3), 101: ("nanosleep", 0), 115: ("nanosleep", 2),
    },
}  # fmt: skip
"""By machine and number of a call of the kernel: its name, and which argument is its time-out. A time-out of
0, as an address, or -1 is none."""

Message = dict[str, Any]


class NoAnswer(Exception):
    """A node did what Maelstrom's protocol does not allow, or ended; the message is one line."""


class NotReacting(Exception):
    """A program that does more than react, or that may do so; the message is one line."""


class Program:
    """The process of one life of a node."""

    def __init__(self, command: Sequence[str], *, only_reacts: bool) -> None:
        self._only_reacts = only_reacts
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the process
        self._process = subprocess.Popen(  # noqa: S603 - the user names the program, no file does
            list(command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors, bufsize=0
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._in, self._out = self._process.stdin.fileno(), self._process.stdout.fileno()
        os.set_blocking(self._out, False)
        self._rest = b""

    def react(self, message: Message | None) -> list[Message]:
        """Give it a message; what it wrote until it was at rest.

        Raises:
            NoAnswer: it ended, or wrote what is no message.
            NotReacting: it came to no rest, or rests in a call with a time-out.
        """
        if message is not None:
            try:
                if written := self._written():
                    raise NotReacting(f"wrote what no message asked for: {written[:200]!r}")
                os.write(self._in, json.dumps(message).encode() + b"\n")
            except BrokenPipeError as error:
                raise NoAnswer(self._ended()) from error
        written = self._rest + b"".join(self._until_rest())
        *lines, self._rest = written.split(b"\n")
        return [_message(line) for line in lines if line.strip()]

    def _until_rest(self) -> Iterator[bytes]:
        deadline = time.monotonic() + REST_WITHIN_S
        looks, before = 0, None
        while looks < LOOKS_AT_REST:
            written = self._written()
            yield written
            if self._process.poll() is not None:
                raise NoAnswer(self._ended())
            steps = self._steps_at_rest()
            is_at_rest = not written and steps is not None and not _unread(self._in)
            looks = looks + 1 if is_at_rest and steps == before else 0
            before = steps
            if time.monotonic() > deadline:
                raise NotReacting(f"did not come to rest within {REST_WITHIN_S:g} s")
            time.sleep(LOOK_S)  # nothing shows from outside when a program comes to rest
        self._check_timers()

    def _check_timers(self) -> None:
        calls = CALLS_WITH_TIME_OUT.get(os.uname().machine)
        if calls is None:
            raise NotReacting(f"cannot be looked into on a machine of the kind {os.uname().machine}")
        for process in _with_children(self._process.pid):
            for task in Path(f"/proc/{process}/task").iterdir():
                try:
                    number, *given = (task / "syscall").read_text().split()
                except OSError as error:
                    raise NotReacting(f"cannot be looked into: {error}") from error
                name, at = calls.get(int(number), ("", 0)) if number.isdecimal() else ("", 0)
                is_timed = name and int(given[at], 16) & 0xFFFFFFFF not in (0, 0xFFFFFFFF)
                if is_timed and not (name == FUTEX and self._only_reacts):
                    raise NotReacting(f"rests in {name} with a time-out: it has a timer of its own")

    def _written(self) -> bytes:
        found = b""
        try:
            while piece := os.read(self._out, _READ_BYTES):
                found += piece
        except BlockingIOError:
            pass  # nothing else is written yet
        return found

    def _steps_at_rest(self) -> tuple[str, ...] | None:
        """How often each thread was run, if all of them sleep; None otherwise."""
        try:
            found = [
                (task / "schedstat").read_text() + (task / "stat").read_text().rpartition(") ")[2][:1]
                for process in _with_children(self._process.pid)
                for task in sorted(Path(f"/proc/{process}/task").iterdir())
            ]
        except OSError:
            return None  # a thread has ended meanwhile: look again
        return tuple(found) if all(one.endswith("S") for one in found) else None

    def _ended(self) -> str:
        code = self._process.wait()
        self._errors.seek(0)
        lines = self._errors.read().decode("utf-8", errors="replace").strip().split("\n")
        return f"ended with status {code}: {lines[-1][:200]}"

    def kill(self) -> None:
        """End it."""
        for process in reversed(list(_with_children(self._process.pid))):
            with suppress(ProcessLookupError):  # it may have ended by itself
                os.kill(process, signal.SIGKILL)
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()
        self._errors.close()


def _with_children(process: int) -> Iterator[int]:
    yield process
    try:
        tasks = list(Path(f"/proc/{process}/task").iterdir())
        children = [int(one) for task in tasks for one in (task / "children").read_text().split()]
    except OSError:
        return  # it has ended
    for child in children:
        yield from _with_children(child)


def _unread(pipe: int) -> int:
    """How many bytes of a pipe its reader has not read."""
    return int.from_bytes(ioctl(pipe, FIONREAD, bytes(4)), sys.byteorder)


def _message(line: bytes) -> Message:
    try:
        found = json.loads(line)
    except ValueError as error:
        raise NoAnswer(f"wrote what is no message: {line[:200]!r}") from error
    if not isinstance(found, dict) or not isinstance(found.get("body"), dict) or "dest" not in found:
        raise NoAnswer(f"wrote what is no message: {line[:200]!r}")
    return found


class Setting(NamedTuple):
    """What all nodes have in common."""

    workload: str
    command: tuple[str, ...]
    shape: str
    """Who is whose neighbour, for broadcast."""
    only_reacts: bool
    """Whether the user knows that the program has no timer."""


class Node:
    """One life of one node."""

    def __init__(self, start: Mapping[str, Any], setting: Setting, offered: dict[str, Service]) -> None:
        self._members = list(start["members"])
        self._names = {name: f"n{at}" for at, name in enumerate(self._members)}
        self._own, self._workload = self._names[start["node"]], setting.workload
        self._asked: dict[str, tuple[int, Operation]] = {}
        self._offered = offered
        self.program = Program(setting.command, only_reacts=setting.only_reacts)
        names = list(self._names.values())
        greetings: list[Message] = [{"type": "init", "msg_id": 1, "node_id": self._own, "node_ids": names}]
        if setting.workload == "broadcast":
            greetings.append({"type": "topology", "msg_id": 2, "topology": topology(setting.shape, names)})
        try:
            self.effects = [
                effect
                for body in greetings
                for effect in self.give({"src": HARNESS, "dest": self._own, "body": body})
            ]
        except (NoAnswer, NotReacting):
            self.program.kill()  # it is in no table of nodes yet
            raise

    def take(self, event: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The effects of an event."""
        match event["event"]:
            case "message":
                return self.give(event["message"])
            case "request":
                return self._ask(event["id"], event["request"])
        return []

    def _ask(self, number: int, request: Mapping[str, Any]) -> list[dict[str, Any]]:
        client = f"c{number * len(self._members) + int(self._own[1:]) + 1}"
        operation = Operation(-1, 0, 0, "invoke", request["f"], request["key"], request["value"])
        self._asked[client] = number, operation
        body = {**CALLS[self._workload][0](operation), "msg_id": 1}
        return self.give({"src": client, "dest": self._own, "body": body})

    def give(self, message: Message) -> list[dict[str, Any]]:
        """The effects of a message, with all that the services answer."""
        found = []
        waiting = [message]
        while waiting:
            for written in self.program.react(waiting.pop(0)):
                written["src"] = self._own
                to = written["dest"]
                if to in self._offered:
                    waiting.append(answered(self._offered, written))
                elif to == self._own:
                    waiting.append(written)
                elif to in self._names.values():
                    found.append({"effect": "send", "to": self._members[int(to[1:])], "message": written})
                elif to in self._asked and "in_reply_to" in written["body"]:
                    found.append(self._reply(to, written["body"]))
                elif to != HARNESS:
                    raise NoAnswer(f"wrote to {to!r}, which has asked it nothing")
        return found

    def _reply(self, client: str, body: Mapping[str, Any]) -> dict[str, Any]:
        number, operation = self._asked.pop(client)
        try:
            done = completed(operation, body, CALLS[self._workload][1])
        except Refused as error:
            raise NoAnswer(str(error)) from error
        reply = {"effect": "reply", "id": number, "type": done.type}
        return {**reply, "value": done.value} if done.type == "ok" else {**reply, "error": done.error or ""}


def serve(setting: Setting) -> None:
    """Answer the events of the simulator on standard input until it ends.

    Raises:
        NotReacting: a program does more than react.
    """
    nodes: dict[str, Node] = {}
    offered = services(0)
    try:
        for line in sys.stdin:
            event = json.loads(line)
            answer: dict[str, Any] = {"answers": event["n"]}
            if event["event"] == "hello":
                answer |= {"protocol": 1, "holds": "cluster", "data_types": [DATA_TYPES[setting.workload]]}
            else:
                answer["effects"] = _effects(event, nodes, setting, offered)
            sys.stdout.write(json.dumps(answer) + "\n")
            sys.stdout.flush()
    finally:
        for node in nodes.values():
            node.program.kill()


def _effects(
    event: Mapping[str, Any], nodes: dict[str, Node], setting: Setting, offered: dict[str, Service]
) -> list[dict[str, Any]]:
    name = event["node"]
    try:
        if event["event"] == "start":
            if name in nodes:
                nodes.pop(name).program.kill()
            nodes[name] = Node(event, setting, offered)
            return nodes[name].effects
        return nodes[name].take(event) if name in nodes else []
    except NoAnswer as problem:
        if name in nodes:
            nodes.pop(name).program.kill()
        return [{"effect": "fatal", "reason": f"the node {problem}"}]
