"""A transport of PySyncObj over the simulated network, which loses, repeats, and overtakes.

PySyncObj expects of its transport what TCP gives: between two connected nodes, messages arrive once and in
order, or the connection is lost, which both nodes see some time later. So there are connections here, too:
a handshake in three steps between numbers that no other connection has, numbered messages, acknowledgements,
and repetition. A node that is sent something of a connection that it does not have answers with a reset, as
a kernel does.
"""

import pickle
import zlib
from base64 import b64decode, b64encode

from pysyncobj.node import Node
from pysyncobj.transport import Transport

REPEAT_S = 0.15  # what is not acknowledged is sent again after this time
MOST_REPEATED = 64  # messages in one frame


class Peer(Node):
    """A node by its name. Sets of nodes have the same order in each process."""

    def __hash__(self):
        return zlib.crc32(self.id.encode())


def named(sender, connection, number):
    """The name of a message, which no other has: its sender, the connection, and its number there."""
    return ":".join(map(str, [sender, *connection, number]))


class Connection:
    def __init__(self, mine, peer=None):
        self.mine, self.peer = mine, peer  # the numbers that the two nodes gave it
        self.is_open = False
        self.sent, self.out, self.sent_at = 0, [], 0.0  # of `sent` messages, `out` are not acknowledged
        self.expected, self.early, self.owes = 0, {}, False
        self.heard_at = self.spoke_at = 0.0


class Streams(Transport):
    """All connections of one node, which has `clock`, in seconds, and `leave`, which sends a frame."""

    def __init__(self, node, members, conf):
        super().__init__(None, None, [])
        self.node, self.name, self.conf = node, node.name, conf
        self.peers = {other: Peer(other) for other in members if other != node.name}
        self.connections, self.newest, self.tried_at, self.opened = {}, {}, {}, 0

    def number(self):
        self.opened += 1
        return [self.node.life, self.opened]

    # ---- what PySyncObj asks ---------------------------------------------------------------------------

    def send(self, node, message):
        held = self.connections.get(node.id)
        if held is None or not held.is_open:
            return False
        held.out.append(b64encode(pickle.dumps(message, 2)).decode())
        self.node.sent(node.id, named(self.name, held.mine, held.sent), message)
        held.sent += 1
        if len(held.out) == 1:
            held.sent_at = self.node.clock()
        self.frame(node.id, held, len(held.out) - 1, len(held.out))
        return True

    # ---- frames ----------------------------------------------------------------------------------------

    def frame(self, to, held, begin=0, end=0):
        """Say what has arrived, and send from `begin` to `end` of what is not acknowledged."""
        held.spoke_at, held.owes = self.node.clock(), False
        first = held.sent - len(held.out) + begin
        messages = held.out[begin:end]
        frame = {"from": held.mine, "to": held.peer, "next": held.expected, "first": first, "all": messages}
        self.node.leave(to, frame)

    def tick(self):
        """Connect where nothing is, repeat what was not acknowledged, and give up those who are silent."""
        now = self.node.clock()
        for other in self.peers:
            held = self.connections.get(other)
            if held is not None and now - held.heard_at > self.conf.connectionTimeout:
                self.drop(other)
                held = None
            if held is None:
                if (
                    self.name > other
                    and now - self.tried_at.get(other, -1e9) >= self.conf.connectionRetryTime
                ):
                    self.tried_at[other] = now
                    held = self.connections[other] = Connection(self.number())
                    held.heard_at = now
                    self.frame(other, held)
            elif held.out and now - held.sent_at > REPEAT_S:
                held.sent_at = now
                self.frame(other, held, 0, MOST_REPEATED)
            elif held.owes or now - held.spoke_at > (
                self.conf.connectionTimeout / 8 if held.is_open else REPEAT_S
            ):
                self.frame(other, held)

    def drop(self, other):
        if self.connections.pop(other).is_open:
            self.node.step(lambda: self._onNodeDisconnected(self.peers[other]))

    def receive(self, other, frame):
        held, theirs, mine = self.connections.get(other), frame["from"], frame["to"]
        if frame.get("reset"):
            if held is not None and held.mine == mine and held.peer in (None, theirs):
                self.drop(other)
        elif mine is None:  # the first step of a handshake
            if theirs > self.newest.get(other, [0, 0]):
                self.newest[other] = theirs
                if held is not None:
                    self.drop(other)
                held = self.connections[other] = Connection(self.number(), theirs)
                held.heard_at = self.node.clock()
            if held is not None and held.peer == theirs:
                self.frame(other, held)
        elif held is None or held.mine != mine or held.peer not in (None, theirs):
            self.node.leave(other, {"from": mine, "to": theirs, "reset": True})
        else:
            self.take(other, held, theirs, frame)

    def take(self, other, held, theirs, frame):
        held.heard_at = self.node.clock()
        if not held.is_open:
            held.is_open = True
            if held.peer is None:
                held.peer = theirs
                self.frame(other, held)
            self.node.step(lambda: self._onNodeConnected(self.peers[other]))
        done = frame["next"] - (held.sent - len(held.out))
        if done > 0:
            del held.out[:done]
            held.sent_at = self.node.clock()
        for number, message in enumerate(frame["all"], start=frame["first"]):
            held.owes = True
            if number >= held.expected:
                held.early[number] = message
        while self.connections.get(other) is held and held.expected in held.early:
            message = pickle.loads(b64decode(held.early.pop(held.expected)))  # noqa: S301 - of this run's nodes
            self.node.took(other, named(other, held.peer, held.expected))
            held.expected += 1
            self.node.step(lambda message=message: self._onMessageReceived(self.peers[other], message), other)
