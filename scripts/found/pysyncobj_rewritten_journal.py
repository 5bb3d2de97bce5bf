"""A follower of PySyncObj is killed while it takes entries again that it has: what does its journal lack?

    python scripts/found/pysyncobj_rewritten_journal.py FOLDER [--entries 200] [--kills 30] [--seed 1]

FOLDER holds the package `pysyncobj` (`ackproof systems install pysyncobj`). A process of it, with a journal
in a real file, is given entries in an `append_entries` message, and acknowledges them; then it is given the
same message again and again, as a leader sends it after two rejections, and is killed after a drawn time
(docs/found.md, PySyncObj). Exits with 1 if a journal lacks acknowledged entries.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from saying import end_in_order, end_with_parent, say

FOLLOWER = """
import sys
sys.path.insert(0, sys.argv[1])
from pysyncobj import SyncObj, SyncObjConf
from pysyncobj.node import Node
from pysyncobj.transport import Transport

class Answers(Transport):
    def send(self, node, message):
        if message["type"] == "next_node_idx" and message["success"]:
            print(message["next_node_idx"], flush=True)
        return True

transport, leader = Answers(None, None, []), Node("leader")
conf = SyncObjConf(autoTick=False, journalFile=sys.argv[2])
raft = SyncObj(Node("follower"), [leader, Node("other")], conf, transport=transport)
entries = [(b"\\x01", index, 1) for index in range(2, int(sys.argv[3]) + 2)]
while True:
    transport._onMessageReceived(leader, {
        "type": "append_entries", "term": 1, "commit_index": len(entries) + 1, "entries": entries,
        "prevLogIdx": 1, "prevLogTerm": 0,
    })
    raft.doTick()
"""
COUNT = """
import sys
sys.path.insert(0, sys.argv[1])
from pysyncobj.journal import FileJournal
print(len(FileJournal(sys.argv[2])) - 1)
"""
LONGEST_S = 0.05


def lost(folder: str, entries: int, wait_s: float) -> int:
    """How many of the acknowledged entries the journal lacks after one kill."""
    with tempfile.TemporaryDirectory() as home:
        journal = str(Path(home) / "journal")
        command = [sys.executable, "-c", FOLLOWER, folder, journal, str(entries)]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, preexec_fn=end_with_parent
        ) as follower:
            assert follower.stdout is not None
            acknowledged = int(follower.stdout.readline()) - 2
            time.sleep(wait_s)  # the moment of the kill is what is drawn
            follower.kill()
        command = [sys.executable, "-c", COUNT, folder, journal]
        left = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        return acknowledged - int(left)


def main() -> None:
    """Kill as often as asked for, and say what is missing."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder")
    parser.add_argument("--entries", type=int, default=200)
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    draw = random.Random(given.seed)
    end_in_order()
    missing = [lost(given.folder, given.entries, draw.uniform(0, LONGEST_S)) for _ in range(given.kills)]
    seen = (
        f"after {sum(map(bool, missing))} of {given.kills} kills, the journal lacks acknowledged entries: up "
        f"to {max(missing)} of {given.entries}"
    )
    sys.exit(say(f"PySyncObj of {Path(given.folder).name}", "rewritten-journal", any(missing), seen))


if __name__ == "__main__":
    main()
