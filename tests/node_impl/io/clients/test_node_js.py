"""Nacos's own clients, unchanged, against five of our nodes, of which the leader is killed meanwhile.

Each is installed by pip or npm into a folder of its own and runs in a process of its own. It repeats a
request at the next server by itself. What was acknowledged to it as registered must be listed by every node
that lives, and what was acknowledged as removed must not be.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.node_impl.node_processes import NodeProcess, nodes, until, wait_for_leader

NODE_CLIENT = """
const { NacosNamingClient, NacosConfigClient } = require('nacos');
const [servers, settings] = process.argv.slice(2);
const quiet = { info() {}, warn() {}, error() {}, debug() {} };
const say = fields => console.log(JSON.stringify(fields));
const pause = ms => new Promise(resolve => setTimeout(resolve, ms));
const attempt = ask => ask().then(() => true, () => false);
const ips = hosts => hosts.map(host => host.ip).sort();

(async () => {
  const serverList = servers.split(',');
  const naming = new NacosNamingClient({ logger: quiet, serverList, namespace: 'public' });
  await naming.ready();
  const config = new NacosConfigClient({ serverAddr: settings, requestTimeout: 5000 });
  naming.subscribe('web', hosts => say({ pushed: ips(hosts) }));
  config.subscribe({ dataId: 'settings', group: 'DEFAULT_GROUP' }, content => say({ config: content }));
  for (let number = 0; number < 30; number++) {
    const ip = `10.0.0.${number}`;
    const added = await attempt(() => naming.registerInstance('web', { ip, port: 80 }));
    const removes = number % 3 === 0;
    const removed = removes ? await attempt(() => naming.deregisterInstance('web', { ip, port: 80 })) : null;
    say({ ip, added, removed });
  }
  const published = await attempt(() => config.publishSingle('settings', 'DEFAULT_GROUP', 'last'));
  await pause(6000);
  const got = await config.getConfig('settings', 'DEFAULT_GROUP');
  say({ status: await naming.getServerStatus() });
  say({ listed: ips(await naming.getAllInstances('web', 'DEFAULT_GROUP', 'DEFAULT', false)), published, got
  }); process.exit(0);
})().catch(error => { console.error(error); process.exit(1); });
"""


def installed_by_npm(folder: Path, package: str) -> Path:
    """The folder into which npm has installed a package."""
    if shutil.which("npm") is None:
        pytest.skip("there is no npm here")
    target = folder / "client"
    target.mkdir()
    command = ["npm", "install", "--silent", "--no-fund", "--no-audit", "--no-save", package]
    if subprocess.run(command, cwd=target, capture_output=True, timeout=180).returncode:
        pytest.skip(f"npm cannot install {package} here")
    (target / "client.js").write_text(NODE_CLIENT)
    return target


def run(
    command: list[str], members: list[NodeProcess], client: Path, kill_after: int
) -> list[dict[str, Any]]:
    """Let the client work, and kill the leader after this number of its lines; what it reports."""
    environment = {**os.environ, "PYTHONPATH": str(client), "HOME": str(client)}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment, cwd=client
    ) as process:
        assert process.stdout is not None
        said: list[dict[str, Any]] = []
        for line in process.stdout:
            said.append(json.loads(line))
            if len(said) == kill_after:
                wait_for_leader(members).end(signal.SIGKILL)
        assert process.wait(60) == 0, said[-1:]
    return said


def assert_all_list(members: list[NodeProcess], kept: set[str], gone: set[str]) -> None:
    """Each node that lives lists what was acknowledged as registered, and nothing that was as removed."""
    living = [one for one in members if one.process is not None and one.process.poll() is None]
    assert len(living) == 4
    for member in living:
        listed = {host["ip"] for host in until(partial(hosts_at, member), "the list")}
        assert kept <= listed, f"{member.name} does not list {sorted(kept - listed)}"
        assert not gone & listed, f"{member.name} still lists {sorted(gone & listed)}"


def hosts_at(member: NodeProcess) -> list[dict[str, Any]] | None:
    """What a node lists of the service; None while it refuses to."""
    found: list[dict[str, Any]] | None = (
        member.ask("GET", "/nacos/v1/ns/instance/list", {"serviceName": "web"}).json().get("hosts")
    )
    return found


@pytest.mark.campaign
def test_the_client_for_node_js_beats_and_is_shown_changes_through_a_leaders_death(tmp_path: Path) -> None:
    client = installed_by_npm(tmp_path, "nacos@2.6.0")
    with nodes(tmp_path, 5) as members:
        for member in members:
            member.start()
        leader = wait_for_leader(members)
        other = next(member for member in members if member is not leader)
        servers = ",".join(f"127.0.0.1:{member.port}" for member in members)
        said = run(["node", "client.js", servers, f"127.0.0.1:{other.port}"], members, client, 10)
        done = [one for one in said if "ip" in one]
        kept = {one["ip"] for one in done if one["added"] and one["removed"] is None}
        gone = {one["ip"] for one in done if one["removed"]}
        assert len(kept) >= 15
        assert len(gone) >= 7
        assert_all_list(members, kept, gone)
        last = said[-1]
        assert kept <= set(last["listed"])
        assert {"status": "UP"} in said
        pushed = [one["pushed"] for one in said if "pushed" in one]
        assert kept <= set(pushed[-1]), "the subscription shows what is there"
        assert (last["published"], last["got"]) == (True, "last")
        assert {"config": "last"} in said, "the listener was shown the change"
