from __future__ import annotations

import json
import runpy
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest

from harness.client.codecs.base import HttpReply, NoReply
from harness.client.data_types import REGISTER
from harness.errors import CouldNotRun
from harness.systems import system_of
from harness.systems.base import NodeStatus, Place
from harness.systems.pysyncobj import PySyncObj
from harness.systems.pysyncobj.calls import FAIL_REASONS, Calls
from harness.systems.pysyncobj.system import SERVER, read_status
from history import Operation

MEMBERS = {
    name: {"client": f"10.0.0.{number}:4310", "peer": f"10.0.0.{number}:4321"}
    for number, name in enumerate(("n1", "n2", "n3"), start=1)
}
PLACE = Place(
    name="n2",
    host="10.0.0.2",
    ports={"client": 4310, "peer": 4321},
    members=MEMBERS,
    peers={},
    data=Path("/run/n2/data"),
    trace=Path("/run/n2/trace"),
    log=Path("/run/n2/log.txt"),
    seed=7,
)


def operation(f: str, value: object = None) -> Operation:
    return Operation(3, 0, 1, "invoke", f, "k", value, node="n2")


def answered(f: str, value: object, reason: int | None, result: object = None) -> Operation:
    body = msgspec.json.encode({"reason": reason, "result": result})
    return Calls().decode(operation(f, value), HttpReply(200, {}, body))


@pytest.fixture
def modules(tmp_path: Path) -> str:
    """A folder that holds a package of this name and version, as pip leaves it."""
    metadata = tmp_path / "pysyncobj-0.3.17.dist-info" / "METADATA"
    metadata.parent.mkdir()
    metadata.write_text("Metadata-Version: 2.1\nName: pysyncobj\nVersion: 0.3.17\n")
    return str(tmp_path)


def of(**options: str) -> PySyncObj:
    system = system_of("pysyncobj", {"system_options": options})
    assert isinstance(system, PySyncObj)
    return system


def settings_of(system: PySyncObj) -> dict[str, object]:
    (process,) = system.launch(PLACE).processes
    assert process.environment == {"PYTHONPATH": system.modules}
    made: dict[str, object] = json.loads(process.argv[-1])
    return made


def test_a_node_knows_itself_and_the_others_by_their_addresses(modules: str) -> None:
    settings = settings_of(of(modules=modules))
    assert (settings["listen"], settings["self"]) == ("10.0.0.2:4310", "10.0.0.2:4321")
    assert settings["others"] == ["10.0.0.1:4321", "10.0.0.3:4321"]


def test_options_set_the_journal_and_the_compaction(modules: str) -> None:
    system = of(modules=modules, journal="false", **{"compaction-entries": "20", "wait-s": "8"})
    settings = settings_of(system)
    conf = settings["conf"]
    assert isinstance(conf, dict)
    assert (conf["journalFile"], conf["logCompactionMinEntries"]) == (None, 20)
    assert conf["fullDumpFile"] == "/run/n2/data/dump"
    assert settings["wait_s"] == 8


def test_an_unknown_option_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(ValueError, match="did you mean 'journal'"):
        of(jurnal="true")


def test_the_folder_must_hold_the_version_that_is_asked_for(modules: str) -> None:
    given = {"system_options": {"modules": modules}}
    assert PySyncObj.of(given).version() == "0.3.17"
    with pytest.raises(CouldNotRun, match=r"0\.3\.17, not 0\.3\.10"):
        PySyncObj.of({**given, "system_version": "0.3.10"}).version()


def test_reads_are_calls_unless_they_are_local() -> None:
    assert of().clients[REGISTER].encode(operation("read")).path == "/call"
    local = of(reads="local").clients[REGISTER]
    assert local.encode(operation("read")).path == "/peek"
    assert local.encode(operation("write", "v")).path == "/call"


@pytest.mark.parametrize(
    ("f", "value", "result", "expected"),
    [
        ("read", None, "v1", "v1"),
        ("read", None, None, None),
        ("read", None, [3, 1], [3, 1]),
        ("write", "v2", None, "v2"),
        ("cas", ["v1", "v2"], True, ["v1", "v2"]),
        ("cas", ["v1", "v2"], False, False),
        ("add", 4, None, 4),
        ("enqueue", "m1", None, "m1"),
        ("dequeue", None, "m1", "m1"),
    ],
)
def test_a_call_that_succeeded_is_ok(f: str, value: object, result: object, expected: object) -> None:
    done = answered(f, value, 0, result)
    assert (done.type, done.value) == ("ok", expected)


@pytest.mark.parametrize("reason", FAIL_REASONS[1:])
def test_a_write_fails_only_for_a_reason_that_says_that_it_did_not_happen(reason: str) -> None:
    outcome_unknown = reason in ("LEADER_CHANGED", "UNKNOWN_OUTCOME")
    done = answered("write", "v", FAIL_REASONS.index(reason))
    assert (done.type, done.error) == ("info" if outcome_unknown else "fail", reason)


def test_the_promise_of_leader_changed_is_trusted_if_asked_for() -> None:
    codec = of(**{"leader-changed": "fail"}).clients[REGISTER]
    reply = HttpReply(200, {}, b'{"reason":5}')
    assert codec.decode(operation("write", "v"), reply).type == "fail"


def test_without_a_result_a_write_may_have_happened_and_a_read_has_failed() -> None:
    assert answered("write", "v", None).type == "info"
    assert answered("dequeue", None, None).type == "info"
    assert answered("read", None, None).type == "fail"
    assert Calls().decode(operation("write", "v"), NoReply("timed out", sent=True)).type == "info"
    assert Calls().decode(operation("write", "v"), NoReply("refused", sent=False)).type == "fail"
    assert Calls().decode(operation("write", "v"), HttpReply(500, {}, b"?")).type == "info"


class _Raft:
    """What the server uses of `SyncObj`; a test ticks it."""

    def __init__(self, own: str, others: list[str], conf: object, consumers: list[object]) -> None:
        self.ticked: list[Callable[[], None]] = []
        self.leads, self.named = True, own
        self.raftCurrentTerm, self.raftCommitIndex, self.raftLastApplied = 3, 9, 9

    def addOnTickCallback(self, callback: Callable[[], None]) -> None:
        self.ticked.append(callback)

    def _isLeader(self) -> bool:
        return self.leads

    def _getLeader(self) -> object:
        return SimpleNamespace(address=self.named)


def test_a_node_that_is_being_deposed_does_not_lead_the_new_term(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between two ticks PySyncObj has the new term, and still the old role: for 0.2 s on a slow disk."""
    library = SimpleNamespace(
        SyncObj=_Raft, SyncObjConf=dict, SyncObjConsumer=object, replicated=lambda method: method
    )
    monkeypatch.setitem(sys.modules, "pysyncobj", library)
    node = runpy.run_path(str(SERVER))["Node"]({"wait_s": 1, "conf": {}, "self": "a:1", "others": ["b:1"]})
    raft: _Raft = node._raft
    assert node.status() is None, "nothing is known before the first tick"
    (tick,) = raft.ticked
    tick()
    raft.raftCurrentTerm, raft.named = 4, "b:1"
    assert (node.status()["role"], node.status()["term"]) == ("leader", 3)
    raft.leads = False
    tick()
    assert (node.status()["role"], node.status()["term"], node.status()["leader"]) == ("follower", 4, "b:1")


def test_the_leader_is_named_by_its_address() -> None:
    body = b'{"role": "follower", "term": 4, "leader": "10.0.0.3:4321", "commit": 9, "last": 8}'
    assert read_status(body, MEMBERS) == NodeStatus("follower", 4, "n3", 9, 8)
    assert read_status(b"{}", MEMBERS) is None
