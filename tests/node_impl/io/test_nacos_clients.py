"""Nacos's own Python clients, unchanged, against five of our nodes, of which the leader is killed meanwhile.

Each version is installed by pip into a folder of its own and runs in a process of its own. It repeats a
request at the next server by itself. What was acknowledged to it as registered must be listed by every node
that lives, and what was acknowledged as removed must not be.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.node_impl.node_processes import NodeProcess, nodes, until, wait_for_leader

CLIENT = """
import json, sys
import nacos

client = nacos.NacosClient(sys.argv[1], namespace="public")
client.set_options(no_snapshot=True)


def attempt(name, ask):
    try:
        return ask()
    except Exception as error:
        return f"{name}: {type(error).__name__}"


def say(**fields):
    print(json.dumps(fields), flush=True)


for number in range(60):
    ip = f"10.0.0.{number}"
    kind = {"cluster_name": "DEFAULT", "ephemeral": number % 2 == 1}
    added = attempt("add", lambda: client.add_naming_instance(
        "web", ip, 80, metadata={"number": str(number)}, **kind))
    removed = None
    if number % 3 == 0:
        removed = attempt("remove", lambda: client.remove_naming_instance("web", ip, 80, **kind))
    elif number % 2 == 1:
        attempt("beat", lambda: client.send_heartbeat(
            "web", ip, 80, "DEFAULT", metadata={"number": str(number)}))
    content = f"content {number}"
    published = attempt("publish", lambda: client.publish_config("settings", "DEFAULT_GROUP", content))
    got = attempt("get", lambda: client.get_config("settings", "DEFAULT_GROUP", no_snapshot=True))
    say(ip=ip, added=added, removed=removed, published=published, is_got=got == content)

listed = client.list_naming_instance("web")["hosts"]
one = client.get_naming_instance("web", "10.0.0.1", 80, "DEFAULT")
say(listed=sorted(host["ip"] for host in listed), one=one["metadata"])
say(removed=client.remove_config("settings", "DEFAULT_GROUP"))
say(left=client.get_config("settings", "DEFAULT_GROUP", no_snapshot=True))
"""


def installed(folder: Path, version: str) -> Path:
    """The folder into which pip has installed that version."""
    target = folder / "client"
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(target)]
    done = subprocess.run([*command, f"nacos-sdk-python=={version}"], capture_output=True, timeout=120)
    if done.returncode:
        pytest.skip(f"pip cannot install nacos-sdk-python {version} here")
    return target


def run(members: list[NodeProcess], client: Path) -> list[dict[str, Any]]:
    """Let the client do its work, and kill the leader after a third of it; what the client reports."""
    servers = ",".join(f"127.0.0.1:{member.port}" for member in members)
    environment = {**os.environ, "PYTHONPATH": str(client), "HOME": str(client)}
    with subprocess.Popen(
        [sys.executable, "-c", CLIENT, servers],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment,
        cwd=client,
    ) as process:
        assert process.stdout is not None
        said: list[dict[str, Any]] = []
        for line in process.stdout:
            said.append(json.loads(line))
            if len(said) == 20:
                wait_for_leader(members).end(signal.SIGKILL)
        assert process.wait(60) == 0, said[-1:]
    return said


def hosts_at(member: NodeProcess) -> list[dict[str, Any]] | None:
    """What a node lists of the service; None while it refuses to."""
    found: list[dict[str, Any]] | None = (
        member.ask("GET", "/nacos/v1/ns/instance/list", {"serviceName": "web"}).json().get("hosts")
    )
    return found


@pytest.mark.campaign
@pytest.mark.parametrize("version", ["0.1.14", "1.0.0"])
def test_what_is_acknowledged_to_a_nacos_client_holds_at_every_node(tmp_path: Path, version: str) -> None:
    client = installed(tmp_path, version)
    with nodes(tmp_path, 5) as members:
        for member in members:
            member.start()
        wait_for_leader(members)
        *done, last, removed, left = run(members, client)
        living = [m for m in members if m.process is not None and m.process.poll() is None]
        assert len(living) == 4
        kept = {one["ip"] for one in done if one["added"] is True and one["removed"] is None}
        gone = {one["ip"] for one in done if one["removed"] is True}
        assert len(kept) >= 30, "most requests are served, although the leader was killed"
        assert len(gone) >= 15
        assert sum(one["published"] is True and one["is_got"] for one in done) >= 50
        for member in living:
            listed = {host["ip"] for host in until(partial(hosts_at, member), "the list")}
            assert kept <= listed, f"{member.name} lists no {sorted(kept - listed)}"
            assert not gone & listed, f"{member.name} still lists {sorted(gone & listed)}"
        assert kept <= set(last["listed"])
        assert last["one"] == {"number": "1"}
        assert (removed, left) == ({"removed": True}, {"left": None})
