"""What clients ask of a node of Maelstrom's workload `kafka`.

A log is a key of the history; on the wire its number is a text. A reader asks from where it came to, and
commits, after each poll, the greatest offset that it was shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.client.clients import NotDone, Site, ok, ok_read
from harness.systems.maelstrom.calls import Refused, answered, completed, number, part
from harness.systems.maelstrom.line import Line
from history import Operation

"""Maelstrom's name of the workload."""


class LogClient:
    """A client of one node: it sends messages, and reads the logs that it was assigned."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._line = Line(site)
        self._next: dict[str, int] = {}
        """By log, the offset from which it reads on."""
        self._shown: Operation | None = None
        """A poll as it ended, whatever becomes of its commit, once it was shown something."""

    async def open(self) -> None:
        """Connect to the node.

        Raises:
            OSError: it cannot be reached.
        """
        await self._line.open()

    async def perform(self, operation: Operation) -> Operation:
        """Ask what the operation needs, one request after the other."""
        self._shown = None
        try:
            done = await answered(operation, self._site.timeout_s, self._performed(operation))
        except NotDone:
            if self._shown is None:
                raise
            return self._shown
        return self._shown or done

    async def _performed(self, operation: Operation) -> Operation:
        match operation.f:
            case "send":
                body = {"type": "send", "key": wire(operation.key), "msg": operation.value}
                return completed(operation, await self._line.ask(body), _sent)
            case "assign":
                return await self._assigned(operation)
            case "poll":
                return await self._polled(operation)
            case "final-poll":
                return await self._polled_whole(operation)
        raise ValueError(f"Maelstrom's kafka has no {operation.f!r}")

    async def _assigned(self, operation: Operation) -> Operation:
        keys = operation.value["keys"]
        if operation.value["from"] == "start":
            self._next = dict.fromkeys(keys, 0)
            return ok_read(operation, [])
        by_wire = {wire(key): key for key in keys}
        answer = await self._line.ask({"type": "list_committed_offsets", "keys": list(by_wire)})

        def read(asked: Operation, said: Mapping[str, Any]) -> Operation:
            offsets = {by_wire[key]: offset for key, offset in _by_key(said, "offsets", by_wire).items()}
            for offset in offsets.values():
                _whole(offset)
            # From the committed offset itself, not from the next one, as Maelstrom's own reader does: for
            # a log of which nothing was committed, some nodes say 0.
            self._next = {key: offsets.get(key, 0) for key in keys}
            return ok_read(asked, [[key, offset] for key, offset in offsets.items()])

        return completed(operation, answer, read)

    async def _polled(self, operation: Operation) -> Operation:
        if not self._next:
            return ok_read(operation, [])
        done, reads = await self._read(operation, self._next)
        furthest = {key: max(offset for offset, _ in pairs) for key, _, pairs in reads}
        if furthest:
            self._next.update({key: offset + 1 for key, offset in furthest.items()})
            # What was read was read, and may be committed, even if that is not answered.
            self._shown = done
            offsets = {wire(key): offset for key, offset in furthest.items()}
            await self._line.ask({"type": "commit_offsets", "offsets": offsets})
        return done

    async def _polled_whole(self, operation: Operation) -> Operation:
        """Read a log from its start until the node shows nothing more."""
        key, whole = str(operation.key), []
        position = 0
        while True:
            done, reads = await self._read(operation, {key: position})
            if done.type != "ok" or not reads:
                break
            whole += reads[0][2]
            furthest = max(offset for offset, _ in reads[0][2])
            if furthest < position:
                break  # it goes back: the checker shall see it, and it might never end
            position = furthest + 1
        return ok(operation, [[key, 0, whole]]) if done.type == "ok" else done

    async def _read(
        self, operation: Operation, positions: Mapping[str, int]
    ) -> tuple[Operation, list[tuple[str, int, list[list[Any]]]]]:
        """Poll once: the completion, and the logs of which something was shown."""
        by_wire = {wire(key): key for key in positions}
        offsets = {sent: positions[key] for sent, key in by_wire.items()}
        answer = await self._line.ask({"type": "poll", "offsets": offsets})
        reads: list[tuple[str, int, list[list[Any]]]] = []

        def read(asked: Operation, said: Mapping[str, Any]) -> Operation:
            for sent, pairs in _by_key(said, "msgs", by_wire).items():
                if not isinstance(pairs, list):
                    raise Refused(f"unexpected: the messages of a log are {str(pairs)[:200]}")
                for pair in pairs:
                    if not isinstance(pair, list) or len(pair) != 2:
                        raise Refused(f"unexpected: a message is {str(pair)[:200]}")
                    _whole(pair[0])
                if pairs:
                    reads.append((by_wire[sent], offsets[sent], pairs))
            return ok_read(asked, [list(one) for one in reads])

        return completed(operation, answer, read), reads

    async def close(self) -> None:
        """Let go of the connections."""
        self._line.close()


def wire(key: Any) -> str:
    """The name of a log on the wire: `log-3` is "3"."""
    return str(number(key))


def _sent(operation: Operation, answer: Mapping[str, Any]) -> Operation:
    offset = part(answer, "offset")
    _whole(offset)
    return ok(operation, [offset, operation.value])


def _by_key(answer: Mapping[str, Any], name: str, asked: Mapping[str, str]) -> Mapping[str, Any]:
    """What an answer has by log.

    Raises:
        Refused: it is no object, or names a log that was not asked for.
    """
    found = part(answer, name)
    if not isinstance(found, dict) or not found.keys() <= asked.keys():
        raise Refused(f"unexpected: asked for {', '.join(asked)}, and {name!r} is {str(found)[:200]}")
    return found


def _whole(offset: Any) -> None:
    if type(offset) is not int:
        raise Refused(f"unexpected: an offset is {str(offset)[:200]}")
