"""A node of PySyncObj starts again: is a call of its new life taken for one of the life before?

    python scripts/found/pysyncobj_other_call.py FOLDER [--runs 3] [--seed 1]

FOLDER holds the package `pysyncobj` (`ackproof systems install pysyncobj`). Three nodes of it, unchanged,
each with a journal in a real file and by the real clock; what they send each other goes through queues, in
order, so that single links can be cut or slow (docs/found.md, PySyncObj). Exits with 1 if a call was answered
with success, and no node that is left has what it wrote.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from saying import end_in_order, end_with_parent, say

NODES = """
import json, os, random, sys, time
sys.path.insert(0, sys.argv[1])
random.seed(int(sys.argv[3]))
from pysyncobj import FAIL_REASON, SyncObj, SyncObjConf, SyncObjConsumer, replicated
from pysyncobj.node import Node
from pysyncobj.transport import Transport

class Store(SyncObjConsumer):
    def __init__(self):
        super().__init__()
        self.kept = {}

    @replicated
    def put(self, key, value):
        self.kept[key] = value

queues, cut, slow, nodes = {}, set(), set(), {}

class Wire(Transport):
    def __init__(self, name):
        super().__init__(None, None, [])
        self.name = name

    def send(self, node, message):
        if (self.name, node.id) not in cut:
            queues.setdefault((self.name, node.id), []).append(message)
        return True

def start(name):
    shortest = 0.3 if name == "b" else 4.0  # so b is elected as long as it lives
    conf = SyncObjConf(
        autoTick=False, journalFile=os.path.join(sys.argv[2], name), appendEntriesPeriod=0.05,
        raftMinTimeout=shortest, raftMaxTimeout=1.2 * shortest, connectionTimeout=10,
        leaderFallbackTimeout=0.6,
    )
    others = [Node(other) for other in "abc" if other != name]
    store, wire = Store(), Wire(name)
    nodes[name] = store, wire, SyncObj(Node(name), others, conf, consumers=[store], transport=wire)
    for other in others:
        wire._onNodeConnected(other)

def end(name):
    del nodes[name]
    for link in list(queues):
        if name in link:
            del queues[link]

def go_on(until, what):
    bound = time.monotonic() + 30
    while not until():
        if time.monotonic() > bound:
            sys.exit("not within 30 s: " + what)
        for name, (_, wire, node) in list(nodes.items()):
            node.doTick()
            for (sender, receiver), waiting in list(queues.items()):
                if receiver == name and waiting and (sender, receiver) not in slow:
                    wire._onMessageReceived(Node(sender), waiting.pop(0))
                    node.doTick()
        time.sleep(0.002)  # the clock is real, and between messages there is nothing to do

def leader_of(name):
    leader = nodes[name][2]._getLeader()
    return leader and leader.id

answers = {}
def call(name, key):
    nodes[name][0].put(key, key, callback=lambda _, reason: answers.update({key: reason}))

for name in "abc":
    start(name)
go_on(lambda: [leader_of(name) for name in "abc"] == ["b"] * 3, "b leads")
call("c", "first")
go_on(lambda: "first" in answers, "an answer to the first call")
cut.update({("b", "a"), ("b", "c"), ("a", "b")})
go_on(lambda: not nodes["b"][2]._isLeader(), "b gives up")
assert leader_of("c") == "b", "c has not noticed yet"
call("c", "old")
go_on(lambda: queues.get(("c", "b")), "c sends the call")
go_on(lambda: not queues[("c", "b")], "b takes it, and keeps it until there is a leader")
end("c")
start("c")
call("c", "new's first")
call("c", "new")  # the second of this life, as `old` was of the one before
cut.clear()
slow.add(("c", "b"))
go_on(lambda: "new" in answers, "an answer to the new call")
end("b")
go_on(lambda: leader_of("a") in ("a", "c") and leader_of("a") == leader_of("c"), "a or c leads")
call("a", "last")
go_on(lambda: all("last" in store.kept for store, _, _ in nodes.values()), "a and c have the last call")
reasons = {number: name for name, number in vars(FAIL_REASON).items() if name.isupper()}
kept = {name: sorted(store.kept) for name, (store, _, _) in nodes.items()}
print(json.dumps({"answer": reasons[answers["new"]], "kept": kept}))
"""


def fate(folder: str, seed: int) -> tuple[str, bool]:
    """How the new call was answered, and whether any node that is left has what it wrote."""
    with tempfile.TemporaryDirectory() as home:
        command = [sys.executable, "-c", NODES, folder, home, str(seed)]
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=120, check=False, preexec_fn=end_with_parent
        )
    if done.returncode != 0:
        sys.exit(f"the scene did not come about: {done.stderr.strip().splitlines()[-1]}")
    seen = json.loads(done.stdout.splitlines()[-1])
    return seen["answer"], any("new" in kept for kept in seen["kept"].values())


def main() -> None:
    """Play the scene as often as asked for, and say how the new call was answered."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    end_in_order()
    fates = [fate(given.folder, given.seed + number) for number in range(given.runs)]
    lost = [answer for answer, is_kept in fates if answer == "SUCCESS" and not is_kept]
    seen = (
        f"in {len(lost)} of {given.runs} runs a call was answered with success, and no node that is left has "
        f"what it wrote; the answers: {', '.join(answer for answer, _ in fates)}"
    )
    sys.exit(say(f"PySyncObj of {Path(given.folder).name}", "other-call", bool(lost), seen))


if __name__ == "__main__":
    main()
