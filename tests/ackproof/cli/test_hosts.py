"""The command on namespaces and on remote hosts, which are real sshd processes in namespaces."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import click
import pytest

from ackproof.cli.commands.machines import hosts
from ackproof.cli.main import cli
from ackproof.cli.nodes import nodes_of
from harness.hosts.inventory import HostSpec, InventoryError, parse_inventory
from harness.hosts.ledger import Ledger
from harness.hosts.removal import NAMESPACE, NAMESPACES
from tests.deciding import SEEDS
from tests.harness.hosts.namespaces import needs_namespaces
from tests.harness.hosts.sshds import Sshds, needs_sshd, sshds

ACKPROOF = str(Path(sys.executable).with_name("ackproof"))
FIVE = ("n1", "n2", "n3", "n4", "n5")
ALL = "kill,pause,partition,clock,power,disk-error,rot"
ALL_FAULTS = ("--nemesis", ALL, "--time-limit", "40")
BRIEF = ("--nemesis", "partition", "--time-limit", "5", "--minimum-acknowledged", "20")
VALID, UNKNOWN, COULD_NOT_RUN = 0, 2, 255
ALL_FAULTS_BOUND_S = 330.0
"""For as many runs as there are seeds, each of some 80 s."""


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A state folder of the test's own. Its ledgers are gone once all that is in them has been removed."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    yield tmp_path / "state"
    assert list((tmp_path / "state").glob("ackproof/ledger/*")) == []


async def ackproof(*arguments: str, inside: Sshds | None = None) -> tuple[int, str]:
    """Exit status and all output; `inside` a network of hosts."""
    process = await asyncio.create_subprocess_exec(
        *(inside.inside() if inside else []),
        ACKPROOF,
        *arguments,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, output.decode()


async def decided_ackproof(*arguments: str, inside: Sshds | None = None) -> tuple[int, str]:
    """The first run by some seeds that is not `unknown`, for the reason that tests/deciding.py gives."""
    for seed in SEEDS[:-1]:
        status, output = await ackproof(*arguments, "--seed", str(seed), inside=inside)
        if status != UNKNOWN:
            return status, output
    return await ackproof(*arguments, "--seed", str(SEEDS[-1]), inside=inside)


def on_hosts(
    folder: Path, names: tuple[str, ...], body: Callable[[Sshds], Awaitable[None]], bound_s: float = 110
) -> None:
    async def run() -> None:
        async with asyncio.timeout(bound_s), sshds(folder, names) as started:
            await body(started)
            left = [path for name in names for path in (folder / name / "home").iterdir()]
            assert left == [], "nothing of a run stays on its hosts"

    asyncio.run(run())


@needs_namespaces
def test_a_run_in_namespaces_is_valid(tmp_path: Path, state: Path) -> None:
    run = ["run", "--world", "netns", "--nodes", "3", *BRIEF, "--store", str(tmp_path / "store")]
    status, output = asyncio.run(decided_ackproof(*run))
    assert status == VALID, output


@needs_sshd
def test_a_run_on_remote_hosts_is_valid_and_brings_everything_back(tmp_path: Path, state: Path) -> None:
    store = tmp_path / "store"

    async def body(started: Sshds) -> None:
        file = str(started.nodes_file())
        run = ["run", "--world", "ssh", "--nodes-file", file, *BRIEF, "--store", str(store)]
        status, output = await decided_ackproof(*run, inside=started)
        assert status == VALID, output
        for name in started.bench.hosts:
            assert {path.name for path in (store / "latest" / "nodes" / name).iterdir()} == {
                "data",
                "trace",
                "resources",
                "log.txt",
            }

    on_hosts(tmp_path / "hosts", FIVE[:3], body)


@pytest.mark.campaign
@pytest.mark.timeout(ALL_FAULTS_BOUND_S + 20)
@needs_namespaces
def test_five_nodes_in_namespaces_stand_all_faults(tmp_path: Path, state: Path) -> None:
    status, output = asyncio.run(
        decided_ackproof("run", "--world", "netns", *ALL_FAULTS, "--store", str(tmp_path / "store"))
    )
    assert status == VALID, output


@pytest.mark.campaign
@pytest.mark.timeout(ALL_FAULTS_BOUND_S + 20)
@needs_sshd
def test_five_remote_hosts_stand_all_faults(tmp_path: Path, state: Path) -> None:
    async def body(started: Sshds) -> None:
        file = str(started.nodes_file())
        run = ["run", "--world", "ssh", "--nodes-file", file, *ALL_FAULTS, "--store", str(tmp_path / "store")]
        status, output = await decided_ackproof(*run, inside=started)
        assert status == VALID, output

    on_hosts(tmp_path / "hosts", FIVE, body, ALL_FAULTS_BOUND_S)


@pytest.mark.campaign
@needs_sshd
def test_a_run_goes_on_when_a_host_is_lost_and_does_not_know_what_it_cannot_see(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    store, ledgers = tmp_path / "store", tmp_path / "state" / "ackproof" / "ledger"

    async def body(started: Sshds) -> None:
        async def lose_n3() -> None:
            while not any(path.stat().st_size > 20_000 for path in store.glob("*/history.jsonl")):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
            sshd = started.processes["n3"].pid
            sessions = subprocess.run(["pgrep", "-P", str(sshd)], capture_output=True, text=True)  # noqa: ASYNC221
            for pid in (sshd, *map(int, sessions.stdout.split())):
                os.kill(pid, signal.SIGKILL)

        file = str(started.nodes_file())
        run = ["run", "--world", "ssh", "--nodes-file", file, *BRIEF, "--nemesis", "none"]
        (status, output), _ = await asyncio.gather(
            ackproof(*run, "--store", str(store), inside=started), lose_n3()
        )
        assert status == UNKNOWN, output
        verdicts = json.loads((store / "latest" / "results.json").read_text())["verdicts"]
        assert not [verdict for verdict in verdicts if verdict["validity"] == "invalid"], output
        lives = json.loads((store / "latest" / "lives.json").read_text())
        (lost,) = [life for life in lives if life["node"] == "n3"]
        assert (lost["ended_by"], lost.get("status")) == ("host lost", None)
        assert len(list(ledgers.iterdir())) == 1, "what may be left on n3 is kept in mind"
        status, message = await ackproof("clean", "--store", str(store), inside=started)
        assert status == COULD_NOT_RUN
        assert "remote host n3" in message
        assert "cannot be reached" in message
        ours = tmp_path / "hosts" / "n3" / "home"
        for path in ours.iterdir():
            subprocess.run(["rm", "-r", path], check=True)  # noqa: ASYNC221 (the host is gone for good)

    on_hosts(tmp_path / "hosts", FIVE[:3], body)


@needs_sshd
def test_hosts_are_checked_one_by_one(tmp_path: Path, state: Path) -> None:
    async def body(started: Sshds) -> None:
        file = started.nodes_file()
        status, output = await ackproof("hosts", "check", "--nodes-file", str(file), inside=started)
        assert status == 0, output
        assert output.count("    can: kill, partition, pause") == 2
        assert f"n2 (root@{started.bench.network.addresses['n2']}:2222)" in output
        file.write_text(file.read_text() + "10.77.0.99:2222\n")
        status, output = await ackproof("hosts", "check", "--nodes-file", str(file), inside=started)
        assert status == COULD_NOT_RUN
        assert output.count("    can: kill, partition, pause") == 2
        assert "no node can run on n3 (10.77.0.99:2222)" in output

    on_hosts(tmp_path / "hosts", FIVE[:2], body)


@needs_sshd
def test_a_host_without_room_is_refused_before_anything_starts(tmp_path: Path, state: Path) -> None:
    async def body(started: Sshds) -> None:
        home = tmp_path / "hosts" / "n1" / "home"
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "none", home], check=True)  # noqa: ASYNC221
        try:
            run = ["run", "--world", "ssh", "--nodes-file", str(started.nodes_file()), *BRIEF]
            run += ["--nemesis", "kill"]  # a partition needs two nodes
            status, output = await ackproof(*run, "--store", str(tmp_path / "store"), inside=started)
        finally:
            subprocess.run(["umount", home], check=True)  # noqa: ASYNC221
        assert status == COULD_NOT_RUN
        assert "cannot start the nodes: n1" in output
        assert "only 4 MB are free" in output
        assert "needed; make room" in output

    on_hosts(tmp_path / "hosts", FIVE[:1], body)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("", "names no host"),
        ("# nothing\n", "names no host"),
        ("a b\n", "line 1: 'b' is not an option"),
        ("a\nb pyhton=3\n", "line 2: unknown option 'pyhton': did you mean 'python'"),
        ("a\n\na\n", "line 3: a is named in line 1 already"),
        ("a:99999\n", "there is no port 99999"),
    ],
)
def test_a_nodes_file_that_is_wrong_is_refused_with_its_line(
    tmp_path: Path, lines: str, message: str
) -> None:
    file = tmp_path / "hosts.txt"
    file.write_text(lines)
    with pytest.raises(click.UsageError, match=re.escape(message)):
        cli.main(["run", "--world", "ssh", "--nodes-file", str(file)], standalone_mode=False)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--world", "ssh"], "needs --nodes HOST,... or --nodes-file"),
        (["--nodes", "db1,db2"], "--nodes names remote hosts, but --world is local; add --world ssh"),
        (["--nodes", "0"], "0 is not between 1 and 99"),
        (["--world", "ssh", "--nodes", "db1,,db2"], "'db1,,db2' has an empty name in it"),
        (["--world", "ssh", "--nodes", "db1,db1"], "--nodes, host 2: db1 is named in host 1 already"),
        (["--nodes-file", "x"], "add --world ssh"),
        (["--world", "ssh", "--nodes-file", "/no/such"], "cannot be read"),
    ],
)
def test_options_that_do_not_fit_are_refused(arguments: list[str], message: str) -> None:
    with pytest.raises(click.UsageError, match=message):
        cli.main(["run", *arguments], standalone_mode=False)


def test_a_line_of_a_nodes_file_says_how_a_host_is_reached() -> None:
    lines = ["# all", "10.0.0.1", "admin@db2:2222 key=k python=/usr/bin/python3.11 # the big one", "[::1]:7"]
    assert parse_inventory(lines, "here") == (
        HostSpec("n1", "10.0.0.1"),
        HostSpec("n2", "db2", user="admin", port=2222, key="k", python="/usr/bin/python3.11"),
        HostSpec("n3", "::1", port=7),
    )


def test_a_pattern_stands_for_every_alias_that_it_matches_by_number() -> None:
    known = ("lab-10", "lab-2", "gate", "lab-1")
    specs = parse_inventory(["gate", "admin@lab-* key=k"], "here", lambda _: known)
    assert [(spec.name, spec.host, spec.user) for spec in specs] == [
        ("n1", "gate", None),
        ("n2", "lab-1", "admin"),
        ("n3", "lab-2", "admin"),
        ("n4", "lab-10", "admin"),
    ]
    with pytest.raises(InventoryError, match=r"no host in ssh_config matches 'db-\?'; it names lab-10"):
        parse_inventory(["db-?"], "here", lambda _: known)


def test_ssh_config_is_asked_for_its_aliases_and_not_for_its_patterns(tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text("Host lab-1 lab-2 !lab-3\n  User root\nHost *\n  Port 22\n")
    file = tmp_path / "hosts.txt"
    file.write_text(f"lab-* config={config}\n")
    names, inventory = nodes_of("ssh", None, file)
    assert names == ("n1", "n2")
    assert [spec.host for spec in inventory] == ["lab-1", "lab-2"]
    assert nodes_of("ssh", 1, file) == (("n1",), inventory[:1]), "a count takes the first"
    with pytest.raises(click.UsageError, match="--nodes 3 asks for more than the 2 hosts"):
        nodes_of("ssh", 3, file)


@needs_namespaces
def test_clean_removes_a_dead_runs_namespace_and_says_so(tmp_path: Path, state: Path) -> None:
    assert asyncio.run(ackproof("clean", "--all")) == (0, "nothing was left behind\n")
    ledger = Ledger("dead run", state / "ackproof" / "ledger")
    name = f"ackproof-{ledger.token[:8]}-n1"
    ledger.making(NAMESPACE, name)
    subprocess.run(["ip", "netns", "add", name], check=True)
    assert asyncio.run(ackproof("clean", "--all")) == (0, "nothing was left behind\n"), "its owner lives"
    os.close(ledger._file)
    ledger._file = -1
    path = next((state / "ackproof" / "ledger").iterdir())
    path.write_bytes(path.read_bytes().replace(f'"pid":{os.getpid()}'.encode(), b'"pid":1'))
    left_alone = asyncio.run(ackproof("clean", "--store", str(tmp_path)))[1]
    assert left_alone.splitlines() == [
        f"nothing was left behind by runs in {tmp_path}",
        "left alone, since not of this store, or not yours: dead run; "
        "ackproof clean --all removes what is yours",
    ]
    assert (NAMESPACES / name).exists()
    status, output = asyncio.run(ackproof("clean", "--all"))
    assert (status, output) == (0, f"removed processes none, network namespace {name} of the dead run\n")
    assert not (NAMESPACES / name).exists()


def test_looking_at_several_hosts_says_which_share_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    async def looked_at(spec: HostSpec, _install: bool) -> hosts.CheckedHost:
        return hosts.CheckedHost(spec.name)

    monkeypatch.setattr(hosts, "_check", looked_at)
    shares: list[float] = []
    specs = parse_inventory(["a.example", "b.example"], "--nodes", lambda _config: ())
    found = asyncio.run(hosts._check_all(specs, False, shares.append))
    assert [one.host for one in found] == [spec.name for spec in specs]
    assert shares == [0.5, 1.0]
