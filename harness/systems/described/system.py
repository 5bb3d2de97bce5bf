"""The system that a description describes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from harness.client.codecs.base import Codec, HttpRequest
from harness.client.net import Net
from harness.nemesis.view import ClusterView
from harness.systems.base import Bounds, Launch, Links, NodeStatus, Place, Process, WrittenFile
from harness.systems.described.calls import DescribedCodec, request_of
from harness.systems.described.description import Description, Found, JoinKeys
from harness.systems.described.finding import MISSING, found_in, is_so
from harness.systems.described.texts import filled


class DescribedSystem(msgspec.Struct, frozen=True):
    """A system by its description alone."""

    description: Description
    here: Path
    """The folder of the file, for programs and files next to it."""

    @property
    def name(self) -> str:
        """The name that the file gives."""
        return self.description.name

    @property
    def ports(self) -> Mapping[str, int]:
        """The ports that the file lists."""
        return self.description.ports

    @property
    def links(self) -> Links:
        """As the file says."""
        return self.description.links

    @property
    def bounds(self) -> Bounds:
        """As the file says."""
        return msgspec.convert(msgspec.to_builtins(self.description.bounds), Bounds)

    @property
    def stop_statuses(self) -> tuple[int, ...]:
        """As the file says."""
        return self.description.stop_statuses

    @property
    def damageable(self) -> tuple[str, ...]:
        """As the file says."""
        return self.description.damageable

    @property
    def clients(self) -> Mapping[str, Codec]:
        """A codec for each data type that the file has calls for."""
        return {name: DescribedCodec(calls) for name, calls in self.description.operations.items()}

    def launch(self, place: Place) -> Launch:
        """The processes and files of the file, with the node's own names, ports and folders."""
        values = self.values(place)
        processes = tuple(
            Process(
                tuple(filled(word, values) for word in process.argv),
                {name: filled(text, values) for name, text in process.environment.items()},
                process.name,
            )
            for process in self.description.process
        )
        files = tuple(
            WrittenFile(file.path, filled(file.content, values), file.once) for file in self.description.file
        )
        return Launch(processes, files)

    def values(self, place: Place) -> dict[str, str]:
        """What the texts of the file may name."""
        joins = {
            f"join.{name}": join.separator.join(self._parts(join, place).values())
            for name, join in self.description.join.items()
        }
        own = {"data": place.data, "folder": place.folder, "trace": place.trace, "here": self.here}
        return {
            **_of_member(place, place.name),
            **{name: str(path) for name, path in own.items()},
            "seed": str(place.seed),
            "python": place.python,
            **joins,
        }

    def _parts(self, join: JoinKeys, place: Place) -> dict[str, str]:
        """The part of a join for each member."""
        names = [name for name in place.members if join.of == "members" or name != place.name]
        return {name: filled(join.each, _of_member(place, name)) for name in names}

    async def status(self, place: Place, net: Net) -> NodeStatus | None:
        """Ask as the file says; an answer that cannot be understood is none."""
        keys, question = self.description.status, self.question(place)
        if isinstance(question, bytes):
            answer: bytes | None = await net.ask(place.at(keys.port), question)
        else:
            reply = await net.reply(place.at(keys.port), question)
            answer = reply.body if reply is not None and reply.status == 200 else None
        if answer is None:
            return None
        try:
            return NodeStatus(
                role="leader" if is_so(answer, keys.is_leader) else "follower",
                term=0 if keys.term is None else int(found_in(answer, keys.term)),
                leader=None if keys.leader is None else self._named(answer, keys.leader, place),
            )
        except (ValueError, TypeError):
            return None

    def question(self, place: Place) -> HttpRequest | bytes:
        """What a node is asked for its status: a request, or a text over a connection of its own.

        Raises:
            ValueError: a text of the file cannot be filled in.
        """
        keys, values = self.description.status, self.values(place)
        if keys.request is None:
            return filled(keys.send or "", values).encode()
        return request_of(keys.request, filled(keys.body, values), values)

    def _named(self, answer: bytes, where: Found, place: Place) -> str | None:
        """The name of the node that an answer names, by its name or by its part of a join."""
        value = found_in(answer, where)
        if value is MISSING or value is None:
            return None
        if where.join is None:
            return str(value) if str(value) in place.members else None
        parts = self._parts(self.description.join[where.join], place)
        return next((name for name, part in parts.items() if part == str(value)), None)

    def leader(self, view: ClusterView) -> str | None:
        """The leader that a majority names. Where nodes name none: the one node that says that it leads,
        once a majority of all nodes, itself included, answers."""
        if self.description.status.leader is not None:
            return view.agreed_leader()
        leading = [name for name, node in view.nodes.items() if node.role == "leader"]
        answering = [node for node in view.nodes.values() if node.role is not None]
        return leading[0] if len(leading) == 1 and len(answering) >= view.majority() else None


class DescribedWithPeerPort(DescribedSystem, frozen=True):
    """A system whose nodes dial each other at one port, as its file says."""

    @property
    def peer_port(self) -> str:
        """As the file says."""
        assert self.description.peer_port is not None
        return self.description.peer_port


def _of_member(place: Place, name: str) -> dict[str, str]:
    """What a text may name of one member."""
    addresses = place.members[name]
    host = next(iter(addresses.values())).rpartition(":")[0]
    ports = {f"port.{port}": address.rpartition(":")[2] for port, address in addresses.items()}
    number = str(list(place.members).index(name) + 1)
    dial = {"dial": place.peers[name]} if name in place.peers else {}
    return {"name": name, "number": number, "host": host, **ports, **dial}
