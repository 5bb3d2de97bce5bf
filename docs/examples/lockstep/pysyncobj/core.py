#!/usr/bin/env python3
"""PySyncObj, unchanged, as a core of Ackproof's lockstep protocol: registers, as calls of replicated methods.

    core.py FOLDER [--compaction ENTRIES] [--batch] [--leader-changed-fails]

FOLDER holds the package `pysyncobj` of some version. What it asks of the operating system is replaced: its
clock and its random numbers, its files (files.py) and its transport (stream.py). Its thread is this program:
each event is given to it, and then it ticks, as its own thread does when a socket has something. The state of
a log that is compacted is written by the process itself (PySyncObj's option `useFork=False`).
"""

import argparse
import json
import random
import sys

options = argparse.ArgumentParser()
options.add_argument("folder")
options.add_argument("--compaction", type=int, default=5000, help="logCompactionMinEntries")
options.add_argument("--batch", action="store_true", help="appendEntriesUseBatch")
options.add_argument("--leader-changed-fails", action="store_true", help="take it as it is documented")
given = options.parse_args()
sys.path.insert(0, given.folder)

from files import Files, Zip  # noqa: E402 - after the folder of PySyncObj is known
from pysyncobj import FAIL_REASON, SyncObj, SyncObjConf, journal, serializer, syncobj  # noqa: E402 - it is in that folder
from registers import Store  # noqa: E402 - it imports pysyncobj
from standing import Standing, means  # noqa: E402 - with the others, though it needs no folder
from stream import Peer, Streams  # noqa: E402 - it imports pysyncobj

TICK_NS = 50_000_000  # PySyncObj's autoTickPeriod
NOT_DONE = {"QUEUE_FULL", "MISSING_LEADER", "DISCARDED", "NOT_LEADER", "REQUEST_DENIED"}
if given.leader_changed_fails:
    NOT_DONE.add("LEADER_CHANGED")
REASONS = {number: name for name, number in vars(FAIL_REASON).items() if name.isupper()}


class Node:
    """One life of one node."""

    def __init__(self, start):
        self.name, self.life, self.now = start["node"], start["life"], start["now"]
        self.random, self.effects, self.stores = random.Random(start["random"]), [], []
        self.place = 0  # where in the effects it belongs what is another than before
        self.sender = self.standing = None
        self.files = Files(start["disk"], self.stored)
        heartbeat, election = start["heartbeat_ns"] / 1e9, start["election_timeout_ns"] / 1e9
        self.tick_ns = min(TICK_NS, start["heartbeat_ns"])
        longest = 2 * election  # other times have PySyncObj's own proportions to it
        conf = SyncObjConf(
            autoTick=False, appendEntriesUseBatch=given.batch, useFork=False,
            journalFile="journal", fullDumpFile="dump", logCompactionMinEntries=given.compaction,
            appendEntriesPeriod=heartbeat, raftMinTimeout=election, raftMaxTimeout=longest,
            connectionTimeout=2.5 * longest, leaderFallbackTimeout=20 * longest,
            connectionRetryTime=election / 2,
        )  # fmt: skip
        self.streams, self.store = Streams(self, start["members"], conf), Store()
        self.enter()
        peers = self.streams.peers.values()
        self.raft = SyncObj(Peer(self.name), peers, conf, consumers=[self.store], transport=self.streams)
        self.standing = Standing(self.raft, self.store)
        self.raft.doTick()  # it reads its dump then
        self.place = 0
        self.trace()
        self.place = len(self.effects)
        self.give("timer", name="tick", at=self.now + self.tick_ns)

    def enter(self):
        """Let PySyncObj's modules have what is this node's."""
        syncobj.random, syncobj.monotonicTime, syncobj.os = self.random, self.clock, self.files
        journal.os = journal.mmap = journal.shutil = serializer.os = self.files
        journal.open = serializer.open = self.files.open
        serializer.atomicReplace = self.files.rename

    def clock(self):
        return self.now / 1e9

    # ---- effects ---------------------------------------------------------------------------------------

    def give(self, effect, **fields):
        self.effects.append({"effect": effect, **fields})

    def leave(self, to, frame):
        self.give("send", to=to, message=frame)

    def sent(self, to, name, message):
        self.give("sent", to=to, id=name, means=means(self.raft, message))

    def took(self, sender, name):
        self.give("took", id=name, **{"from": sender})

    def stored(self, *store):
        """Hand over a store, and with it those before it that nothing shows as long as it is not there: the
        bytes behind the journal's end, and files without a name that anything reads."""
        self.stores.append(store)
        if store[0] == "move" or store[1:3] == ("journal", journal.LAST_RECORD_OFFSET_OFFSET):
            if self.standing is not None:
                self.trace(is_amid=True)
            self.give("persist", records=self.stores)
            self.stores, self.place = [], len(self.effects)

    def step(self, act, sender=None):
        """Let PySyncObj do something, and say what of its state is another than before: ahead of the store
        that makes it durable, and of what is sent."""
        self.place, self.sender = len(self.effects), sender
        act()
        self.trace()

    def trace(self, *, is_amid=False):
        self.effects[self.place : self.place] = self.standing.news(self.sender, is_amid=is_amid)
        self.place = len(self.effects)

    # ---- events ----------------------------------------------------------------------------------------

    def take(self, event):
        self.now, self.effects = event["now"], []
        self.enter()
        if event["event"] == "message":
            self.streams.receive(event["from"], event["message"])
        elif event["event"] == "request":
            self.ask(event["id"], event["request"])
        elif event["event"] == "time":
            self.streams.tick()
            self.give("timer", name="tick", at=self.now + self.tick_ns)
        if event["event"] != "stop":
            self.step(self.raft.doTick)
        return self.effects

    def ask(self, number, request):
        def done(result, reason):
            self.trace()
            if reason == FAIL_REASON.SUCCESS:
                self.give("reply", id=number, type="ok", value=result, index=self.raft.raftLastApplied)
            else:
                kind = "fail" if REASONS[reason] in NOT_DONE else "info"
                self.give("reply", id=number, type=kind, error=REASONS[reason])

        getattr(self.store, request["f"])(request["key"], request["value"], request["op"], callback=done)


class Quiet:
    """A poller that watches nothing."""

    def __init__(self, _kind):
        self.poll = lambda _timeout: None


def main():
    syncobj.createPoller, syncobj.PIPE_NOTIFIER_ENABLED, serializer.gzip = Quiet, False, Zip
    nodes = {}  # this process holds the whole cluster; a node that starts again forgets all but its disk
    for line in sys.stdin:
        event = json.loads(line)
        answer = {"answers": event["n"]}
        if event["event"] == "hello":
            answer |= {"protocol": 1, "holds": "cluster", "traces": "own-messages", "persists": "written"}
            answer |= {"data_types": ["register", "cas-register"]}
        elif event["event"] == "start":
            nodes[event["node"]] = node = Node(event)
            answer["effects"] = node.effects
        else:
            answer["effects"] = nodes[event["node"]].take(event)
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
