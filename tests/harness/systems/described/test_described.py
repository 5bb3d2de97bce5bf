"""A system that a TOML file describes: how it is launched and asked, and what is said of a wrong file."""

from __future__ import annotations

import asyncio
import base64
from pathlib import Path

import pytest

from harness.client.codecs.base import HttpReply, HttpRequest, NoReply
from harness.client.net import Net
from harness.nemesis.view import ClusterView, NodeView
from harness.run.test import Test
from harness.systems import fitting_workloads, system_of
from harness.systems.base import NodeStatus, Place
from harness.systems.described.loading import described_system
from harness.systems.described.system import DescribedSystem
from history import Operation

ETCD = """
name = "etcd by TOML"
ports = { client = 2379, peer = 2380 }
join.cluster.each = "{name}=http://{host}:{port.peer}"
bounds = { start_s = 20, fault_s = [3, 5] }
stop_statuses = [0, 143]
[[process]]
argv = ["etcd", "--name", "{name}", "--data-dir", "{data}", "--initial-cluster", "{join.cluster}"]
environment = { HERE = "{here}" }
[[file]]
path = "conf/number"
content = "{number} of {{2}}"
once = true
[status]
request = "POST /v3/maintenance/status"
body = "{{}}"
is_leader = { json = "leader", equals_json = "header.member_id" }
term = { json = "raftTerm" }
[operations.cas-register]
write = { request = "POST /v3/kv/put", body = '{{"key": "{key|base64}", "value": "{value|base64}"}}' }
[operations.cas-register.read]
request = "POST /v3/kv/range?a={key}"
body = '{{"key": "{key|base64}"}}'
value = { json = "kvs.0.value", base64 = true }
[operations.cas-register.cas]
request = "PUT /cas/{key}"
body = "{value.0} {value.1}"
refused = [409]
unequal_unless = { json = "succeeded", equals = true }
"""
PLACE = Place(
    name="n2",
    host="10.0.0.2",
    ports={"client": 2379, "peer": 2380},
    members={
        name: {"client": f"10.0.0.{number}:2379", "peer": f"10.0.0.{number}:2380"}
        for number, name in enumerate(("n1", "n2"), 1)
    },
    peers={"n1": "127.0.0.1:7"},
    data=Path("/run/n2/data"),
    trace=Path("/run/n2/trace"),
    log=Path("/run/n2/log.txt"),
    seed=3,
)


def described(folder: Path, text: str = ETCD) -> DescribedSystem:
    (folder / "etcd.toml").write_text(text, encoding="utf-8")
    return described_system(folder / "etcd.toml")


def operation(f: str, key: str | None = "a/b", value: object = None) -> Operation:
    return Operation(4, 0, 1, "invoke", f, key, value, None, "n2")


def test_a_node_is_launched_with_its_names_ports_and_joins(tmp_path: Path) -> None:
    launch = described(tmp_path).launch(PLACE)
    (process,) = launch.processes
    assert process.argv == (
        *("etcd", "--name", "n2", "--data-dir", "/run/n2/data", "--initial-cluster"),
        "n1=http://10.0.0.1:2380,n2=http://10.0.0.2:2380",
    )
    assert process.environment == {"HERE": str(tmp_path)}
    (file,) = launch.files
    assert (file.path, file.content, file.once) == ("conf/number", "2 of {2}", True)


def test_the_file_is_found_by_its_name_and_says_which_workloads_fit(tmp_path: Path) -> None:
    described(tmp_path)
    system = system_of(str(tmp_path / "etcd.toml"), Test(nodes=("n1",)).options())
    assert (system.name, system.links) == ("etcd by TOML", "addresses")
    assert "cas" in fitting_workloads(system)
    assert "registry" not in fitting_workloads(system)


class Replying(Net):
    """A network in which every request gets the same reply."""

    def __init__(self, body: bytes, status: int = 200) -> None:
        super().__init__(1.0)
        self._reply = HttpReply(status, {}, body)
        self.asked: list[tuple[str, HttpRequest]] = []

    async def reply(self, address: str, request: HttpRequest) -> HttpReply | None:
        self.asked.append((address, request))
        return self._reply


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"header": {"member_id": "5"}, "leader": "5", "raftTerm": "7"}', NodeStatus("leader", 7)),
        (b'{"header": {"member_id": "5"}, "leader": "6", "raftTerm": "7"}', NodeStatus("follower", 7)),
        (b"<html>", None),
        (b'{"header": {"member_id": "5"}, "leader": "5"}', None),
    ],
)
def test_the_status_is_read_from_json(tmp_path: Path, body: bytes, status: NodeStatus | None) -> None:
    net = Replying(body)
    assert asyncio.run(described(tmp_path).status(PLACE, net)) == status
    ((address, request),) = net.asked
    assert (address, request.method, request.body) == ("10.0.0.2:2379", "POST", b"{}")


def test_where_nodes_name_no_leader_the_one_that_says_so_leads_if_a_majority_answers(
    tmp_path: Path,
) -> None:
    system = described(tmp_path)
    leads, follows, silent = NodeView(True, role="leader"), NodeView(True, role="follower"), NodeView(True)
    assert system.leader(ClusterView({"n1": leads, "n2": follows, "n3": silent})) == "n1"
    assert system.leader(ClusterView({"n1": leads, "n2": silent, "n3": silent})) is None
    assert system.leader(ClusterView({"n1": leads, "n2": leads, "n3": follows})) is None


def test_operations_become_requests(tmp_path: Path) -> None:
    codec = described(tmp_path).clients["cas-register"]
    written = codec.encode(operation("write", value="x y"))
    assert written.body == b'{"key": "YS9i", "value": "eCB5"}'
    assert written.headers == (("Content-Type", "application/json"),)
    assert codec.encode(operation("read")).query == (("a", "a/b"),)
    cas = codec.encode(operation("cas", value=["x", "y"]))
    assert (cas.method, cas.path, cas.body) == ("PUT", "/cas/a%2Fb", b"x y")


@pytest.mark.parametrize(
    ("f", "reply", "type_", "value"),
    [
        ("read", HttpReply(200, {}, b'{"kvs": [{"value": "eA=="}]}'), "ok", "x"),
        ("read", HttpReply(200, {}, b"{}"), "ok", None),
        ("read", HttpReply(404, {}, b""), "ok", None),
        ("read", HttpReply(200, {}, b'{"kvs": [{"value": "?"}]}'), "fail", None),
        ("read", HttpReply(503, {}, b""), "fail", None),
        ("read", NoReply("timed out", sent=True), "fail", None),
        ("write", HttpReply(200, {}, b"{}"), "ok", ["x", "y"]),
        ("write", HttpReply(503, {}, b""), "info", ["x", "y"]),
        ("write", NoReply("timed out", sent=True), "info", ["x", "y"]),
        ("write", NoReply("connection refused", sent=False), "fail", ["x", "y"]),
        ("cas", HttpReply(200, {}, b'{"succeeded": true}'), "ok", ["x", "y"]),
        ("cas", HttpReply(200, {}, b"{}"), "ok", False),
        ("cas", HttpReply(200, {}, b"<html>"), "info", ["x", "y"]),
        ("cas", HttpReply(409, {}, b"no"), "fail", ["x", "y"]),
    ],
)
def test_replies_become_completions_and_a_doubt_stays_a_doubt(
    tmp_path: Path, f: str, reply: HttpReply | NoReply, type_: str, value: object
) -> None:
    codec = described(tmp_path).clients["cas-register"]
    given = operation(f, value=None if f == "read" else ["x", "y"])
    done = codec.decode(given, reply)
    assert (done.type, done.value) == (type_, value)
    assert (done.error is None) == (type_ == "ok")


QUEUE = """
[operations.queue]
enqueue = { request = "POST /{key}", body = "{value}" }
dequeue = { request = "DELETE /{key}", value = { json = "taken" } }
[operations.id]
generate = { request = "POST /id", value = { json = "id" } }
"""


@pytest.mark.parametrize(
    ("f", "reply", "type_", "value"),
    [
        ("dequeue", HttpReply(200, {}, b'{"taken": "e1"}'), "ok", "e1"),
        ("dequeue", HttpReply(200, {}, b"{}"), "ok", None),
        ("dequeue", HttpReply(404, {}, b""), "ok", None),
        ("dequeue", HttpReply(200, {}, b"<html>"), "info", None),
        ("dequeue", HttpReply(503, {}, b""), "info", None),
        ("generate", HttpReply(200, {}, b'{"id": 7}'), "ok", 7),
        ("generate", HttpReply(200, {}, b"{}"), "info", None),
        ("generate", HttpReply(404, {}, b""), "info", None),
    ],
)
def test_what_was_taken_stands_in_the_answer_and_nothing_is_empty_by_itself(
    tmp_path: Path, f: str, reply: HttpReply, type_: str, value: object
) -> None:
    data_type = "id" if f == "generate" else "queue"
    done = described(tmp_path, ETCD + QUEUE).clients[data_type].decode(operation(f), reply)
    assert (done.type, done.value) == (type_, value)


def test_a_value_in_base64_is_written_as_it_is_read() -> None:
    assert base64.b64encode(b"a/b") == b"YS9i"


@pytest.mark.parametrize(
    ("wrong", "right", "message"),
    [
        ("term = {", "terms = {", r"line 18: unknown key 'terms': did you mean 'term'\?"),
        (
            "bounds = { start_s",
            "bounds = { start",
            r"line 5: unknown key 'start': did you mean 'start_s'\? known are calm_s, fault_s, leader_s, ",
        ),
        ('equals_json = "header', 'status = "header', "line 17: unknown key 'status'"),
        ("base64 = true", "body = true", "line 24: unknown key 'body'"),
        ("once = true", 'argv = "1"', "line 13: unknown key 'argv'"),
        ("[status]", "name.n1 = 2\n[status]", "line 14: unknown key 'name'"),
        ("{key|base64}", "{kee|base64}", r"operations.cas-register: write: unknown name in {} 'kee'"),
        ("{key|base64}", "{key|base65}", "unknown form after a bar 'base65'"),
        ('"{data}"', '"{dats}"', r"unknown name in {} 'dats': did you mean 'data'\?"),
        ("client = 2379", "clients = 2379", "ports needs one that is called client"),
        ("cas-register.cas]", "cas-registr.cas]", r"unknown data type 'cas-registr'"),
        (
            "cas-register.cas]",
            "cas-register.case]",
            r"operations.cas-register: unknown operation 'case': did you mean 'cas'\?",
        ),
        ("PUT /cas", "PUTT /cas", "is no request, which looks like"),
        ("start_s = 20", 'start_s = "x"', r"etcd.toml: bounds.start_s: Expected `float`, got `str`$"),
        ("argv = [", "# argv = [", r"etcd.toml: process\[0\] needs the key 'argv'$"),
        ('name = "etcd', '# name = "etcd', "etcd.toml: the file needs the key 'name'$"),
        ('[status]\nrequest = "POST /v3/maintenance/status"', "[status]", "status needs either request"),
        ("{{}}", "{", "stands alone in"),
        ('name = "etcd', 'name = etcd"', "Invalid value"),
    ],
)
def test_a_wrong_file_is_refused_in_one_line_with_the_place(
    tmp_path: Path, wrong: str, right: str, message: str
) -> None:
    assert wrong in ETCD
    with pytest.raises(ValueError, match=message) as refused:
        described(tmp_path, ETCD.replace(wrong, right))
    assert str(refused.value).startswith(str(tmp_path / "etcd.toml"))
    assert "\n" not in str(refused.value)


def test_a_file_that_is_not_there_is_refused() -> None:
    with pytest.raises(ValueError, match=r"no_such\.toml"):
        described_system(Path("no_such.toml"))


def test_a_file_that_is_missing_is_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"^there is no file .*none\.toml, which should describe a system$"):
        described_system(tmp_path / "none.toml")
