"""The registry's whole HTTP face on real nodes: beats, long polls, configurations, metrics."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from urllib.parse import unquote_plus

from tests.node_impl.node_processes import INSTANCE, nodes, until, wait_for_leader, web

BEAT = "/nacos/v1/ns/instance/beat"
LIST = "/nacos/v1/ns/instance/list"
CONFIGS = "/nacos/v1/cs/configs"
LISTENER = "/nacos/v1/cs/configs/listener"
SUBSCRIBE = "/v1/registry/subscribe"
SHORT = ["--beat-interval-ms", "200", "--beat-timeout-ms", "600", "--beat-delete-ms", "1200"]


def test_three_nodes_let_silent_instances_expire_and_wake_long_polls(tmp_path: Path) -> None:
    with nodes(tmp_path, 3) as members:
        for member in members:
            member.arguments += SHORT
            member.start()
        leader = wait_for_leader(members)
        follower = next(member for member in members if member is not leader)

        for ip in ("10.0.0.1", "10.0.0.2"):
            assert follower.ask("POST", INSTANCE, web(ip)).status == 200
        hosts = follower.ask("GET", LIST, {"serviceName": "web"}).json()["hosts"]
        assert [(h["ip"], h["ephemeral"], h["healthy"]) for h in hosts] == [
            ("10.0.0.1", True, True),
            ("10.0.0.2", True, True),
        ]
        assert hosts[0]["ipDeleteTimeout"] == 1200

        heard: list[tuple[int, str]] = []

        def subscribe() -> None:
            index = "0"
            while len(heard) < 20:
                reply = follower.ask("GET", SUBSCRIBE, {"serviceName": "web", "index": index, "wait": "3000"})
                index = reply.headers["x-raft-index"]
                found = [host["ip"] for host in reply.json()["hosts"]]
                heard.append((int(index), " ".join(found)))
                if found == ["10.0.0.1"]:
                    return

        listening = threading.Thread(target=subscribe)
        listening.start()
        deadline = time.monotonic() + 10
        while listening.is_alive() and time.monotonic() < deadline:
            beat = follower.ask("PUT", BEAT, web("10.0.0.1")).json()
            assert beat == {"code": 10200, "clientBeatInterval": 200, "lightBeatEnabled": True}
            time.sleep(0.1)
        listening.join(5)
        assert heard[-1][1] == "10.0.0.1", heard
        assert heard == sorted(heard), "indices grow"

        late = follower.ask(
            "PUT", BEAT, {**web("10.0.0.2"), "beat": json.dumps({"ip": "10.0.0.2", "port": 80})}
        )
        assert (late.status, late.json()["code"]) == (200, 20404)
        assert follower.lookup("10.0.0.2").status == 404


def test_a_configuration_is_published_by_compare_and_set_listened_to_and_removed(tmp_path: Path) -> None:
    name = {"dataId": "app.yaml", "group": "G"}
    with nodes(tmp_path, 1) as [node]:
        node.start()
        wait_for_leader([node])
        assert node.ask("GET", CONFIGS, name).status == 404
        assert node.ask("POST", CONFIGS, {**name, "content": "a: ü"}).body == b"true"
        read = node.ask("GET", CONFIGS, name)
        assert read.body.decode() == "a: ü"
        md5 = read.headers["content-md5"]
        swapped = node.ask("POST", CONFIGS, {**name, "content": "b", "casMd5": md5})
        assert (swapped.status, swapped.headers["x-previous-md5"]) == (200, md5)
        lost = node.ask("POST", CONFIGS, {**name, "content": "c", "casMd5": md5})
        assert (lost.status, lost.json()["proposed"]) == (409, False)
        assert int(lost.headers["x-raft-index"]) > int(swapped.headers["x-raft-index"])
        answer = node.ask("POST", LISTENER, {"Listening-Configs": f"app.yaml\x02G\x02{md5}\x01"})
        assert unquote_plus(answer.body.decode()) == "app.yaml\x02G\x01"
        assert node.ask("DELETE", CONFIGS, name).body == b"true"
        assert node.ask("GET", CONFIGS, name).status == 404


def test_metrics_tell_what_happened(tmp_path: Path) -> None:
    with nodes(tmp_path, 1) as [node]:
        node.start()
        wait_for_leader([node])
        node.register("10.0.0.1")
        node.lookup("10.0.0.9")
        node.ask("GET", INSTANCE, {"serviceName": "web"})
        reply = node.ask("GET", "/metrics")
        assert reply.headers["content-type"].startswith("text/plain; version=0.0.4")
        lines = reply.body.decode().splitlines()
        assert 'ackproof_role{role="leader"} 1' in lines
        assert "ackproof_instances 1" in lines
        assert 'ackproof_requests_total{kind="register",outcome="ok"} 1' in lines
        assert 'ackproof_requests_total{kind="unasked",outcome="400"} 1' in lines
        fsyncs = next(float(line.split()[1]) for line in lines if line.startswith("ackproof_fsyncs_total"))
        assert fsyncs >= 1


def test_ten_megabytes_of_metadata_are_refused_and_the_node_keeps_serving(tmp_path: Path) -> None:
    with nodes(tmp_path, 1) as [node]:
        node.start()
        wait_for_leader([node])
        body = b"metadata=" + b"x" * 10_000_000
        refused = until(lambda: node.ask("POST", INSTANCE, web("10.0.0.1"), body), "an answer")
        assert (refused.status, refused.json()["error"]) == (413, "too-large")
        assert node.register("10.0.0.1").status == 200
