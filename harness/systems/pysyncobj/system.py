"""PySyncObj as a system under test.

What its makers promise (README and documentation, in the same words from 0.3.10 to 0.3.17), and what is
tested of it:

- "raft protocol for leader election and log replication", and for `FAIL_REASON.SUCCESS` "Command successfully
  applied". So a call that was answered with success is never lost, and all nodes apply the same calls in the
  same order. Reads are replicated calls here, too, so every data type is linearizable.
- `journalFile`: "File to store operations journal. Save each record as soon as received". So nodes with a
  journal, which they have here by default, may be killed and restarted.
- `FAIL_REASON.DISCARDED`: "Command discarded (cause of new leader elected and another command was applied
  instead)", and the like of the others in `NOT_DONE`: such a call did not happen, and will not.
- `FAIL_REASON.LEADER_CHANGED`: "leader has changed without command commit". By default the outcome of such a
  call counts as unknown all the same; with the option `leader-changed=fail`, the promise is tested.

What they do not promise: reads of a node's own state (option `reads=local`) may be old. The journal is not
synced to the disk (issue 84 of its repository), so nothing is promised after a power failure.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal

import msgspec

from harness.client.codecs.base import Codec, HttpRequest
from harness.client.data_types import CAS_REGISTER, FIFO_QUEUE, QUEUE, REGISTER, SET
from harness.client.net import Net
from harness.systems.base import CLIENT, Bounds, Launch, Links, NodeStatus, Place
from harness.systems.installing import Located, located
from harness.systems.options import made_of
from harness.systems.pysyncobj.calls import Calls

SERVER = Path(__file__).with_name("server.py")
PEER = "peer"
JOURNAL, DUMP = "journal", "dump"


class PySyncObj(msgspec.Struct, frozen=True):
    """Nodes that host a version of PySyncObj; the fields are the options of the system."""

    wanted_version: str | None = None
    modules: str | None = None
    """An own folder that holds the package `pysyncobj`."""
    journal: bool = True
    """Whether a node keeps its log in a file, so that it survives a restart."""
    dump: bool = True
    """Whether a node keeps the state of a compacted log in a file."""
    compaction_entries: int = 5000
    """A log of more entries is compacted (`logCompactionMinEntries`)."""
    compaction_s: float = 300.0
    """A log is compacted after this time in any case (`logCompactionMinTime`)."""
    batch: bool = False
    """Whether entries wait for the next heartbeat, to be sent together (`appendEntriesUseBatch`)."""
    fallback_s: float = 30.0
    """A leader that hears no majority steps down after this time (`leaderFallbackTimeout`)."""
    wait_s: float = 4.0
    """How long a node waits for the result of a call."""
    reads: Literal["replicated", "local"] = "replicated"
    leader_changed: Literal["info", "fail"] = "info"
    """What a call that ended with `LEADER_CHANGED` counts as."""

    ports: ClassVar[Mapping[str, int]] = {CLIENT: 4310, PEER: 4321}
    links: ClassVar[Links] = "addresses"
    one_leader_a_term: ClassVar[bool] = True
    damageable: ClassVar[tuple[str, ...]] = (JOURNAL, f"{JOURNAL}.meta", DUMP)
    log_records: ClassVar[None] = None
    """The journal has room taken beforehand. It states where its last record ends, and reads no further."""

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> PySyncObj:
        """The system for a test with these options."""
        return made_of(cls, options, "pysyncobj")

    @property
    def name(self) -> str:
        """The name in messages and reports."""
        return "PySyncObj" if self.reads == "replicated" else "PySyncObj, local reads"

    @property
    def bounds(self) -> Bounds:
        """A follower stands for election after 0.4 to 1.4 s; a lost connection is seen after 3.5 s."""
        return Bounds(
            leader_s=20.0,
            request_s=self.wait_s + 0.5,
            fault_s=(3.0, 4.5),
            calm_s=(1.5, 2.0),
            recovery_s=15.0,
        )

    @property
    def clients(self) -> Mapping[str, Codec]:
        """The operations of all data types are replicated calls."""
        calls = Calls(self.reads == "local", trusts_leader_changed=self.leader_changed == "fail")
        of_sets = msgspec.structs.replace(calls, reading="members")
        return {**dict.fromkeys((REGISTER, CAS_REGISTER, QUEUE, FIFO_QUEUE), calls), SET: of_sets}

    def version(self) -> str:
        """The version of the package in its folder."""
        return self._package().version

    def _package(self) -> Located:
        given = None if self.modules is None else Path(self.modules)
        return located("pysyncobj", self.wanted_version, given=given)

    def launch(self, place: Place) -> Launch:
        """The server program, with the folder of the version in its path."""
        settings = {
            "listen": place.at(),
            "self": place.at(PEER),
            "others": [ports[PEER] for name, ports in place.members.items() if name != place.name],
            "wait_s": self.wait_s,
            "conf": {
                "journalFile": str(place.data / JOURNAL) if self.journal else None,
                "fullDumpFile": str(place.data / DUMP) if self.dump else None,
                "logCompactionMinEntries": self.compaction_entries,
                "logCompactionMinTime": self.compaction_s,
                "appendEntriesUseBatch": self.batch,
                "leaderFallbackTimeout": self.fallback_s,
                "connectionRetryTime": 0.5,
            },
        }
        modules = str(self._package().path)
        return Launch.of(place.python, str(SERVER), json.dumps(settings), PYTHONPATH=modules)

    async def status(self, place: Place, net: Net) -> NodeStatus | None:
        """What the node knows of the cluster."""
        reply = await net.reply(place.at(), HttpRequest("GET", "/status"))
        return None if reply is None or reply.status != 200 else read_status(reply.body, place.members)


class _Status(msgspec.Struct):
    role: str
    term: int
    leader: str | None
    commit: int
    last: int


def read_status(body: bytes, members: Mapping[str, Mapping[str, str]]) -> NodeStatus | None:
    """The status in the server's reply, which names the leader by its address; None if it is none."""
    try:
        status = msgspec.json.decode(body, type=_Status)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    leader = next((name for name, ports in members.items() if ports[PEER] == status.leader), None)
    return NodeStatus(status.role, status.term, leader, status.commit, status.last)
