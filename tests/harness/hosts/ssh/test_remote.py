"""Remote hosts against real sshd processes: what a host does, and what becomes of it when things break."""

from __future__ import annotations

import asyncio
import io
import os
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import threading
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

pytest.importorskip("paramiko")

from harness.hosts import agent
from harness.hosts.host import Background, HostError, StartError, eventually
from harness.hosts.inventory import HostSpec, parse_inventory
from harness.hosts.ledger import TOKEN_VARIABLE, Ledger, clean
from harness.hosts.netns import in_namespace
from harness.hosts.processes import Identity, carrying, is_alive, is_stopped
from harness.hosts.removal import REMOTE
from harness.hosts.ssh import remote
from harness.hosts.ssh.connection import SUDO_PASSWORD_VARIABLE, AgentConnection, RemoteRun
from harness.hosts.ssh.remote import RemoteHost
from history.recording import HOST_LOST
from tests.harness.hosts.sshds import PORT, Sshds, keygen, needs_sshd, sshds
from tests.harness.hosts.test_families import ESCAPED, SLOW_TO_END, WRAPPER, needs_groups

pytestmark = needs_sshd
SLEEP = ["/bin/sleep", "60"]
TOKEN = "t" * 32


def run_of(spec: HostSpec) -> RemoteRun:
    return RemoteRun(spec, f"{TOKEN}-{spec.name}", "ackproof_test", f"run-{spec.name}")


def with_sshd(folder: Path, body: Callable[[Sshds], Awaitable[None]], *settings: str) -> None:
    """Run a body where the host `n1` is reached over SSH; nothing that it started there is left."""

    async def run() -> None:
        async with asyncio.timeout(60), sshds(folder, ["n1"], *settings) as started:
            with in_namespace(started.bench.network.bridge):
                await body(started)
            assert await eventually(lambda: carrying(TOKEN_VARIABLE, f"{TOKEN}-n1") == [], 5)

    asyncio.run(run())


def spec_of(started: Sshds, *options: str) -> HostSpec:
    return parse_inventory([started.line("n1", *options)], "test")[0]


def host_of(started: Sshds, *options: str) -> RemoteHost:
    return RemoteHost(run_of(spec_of(started, *options)), time.monotonic_ns)


def test_a_remote_host_starts_watches_signals_and_copies_as_a_local_one_does(tmp_path: Path) -> None:
    async def body(started: Sshds) -> None:
        async with host_of(started) as host:
            assert host.facts["root"]
            work, log = host.folder / "n1", host.folder / "n1" / "log.txt"
            await host.make_folder(work / "data")
            process = await host.start("it", SLEEP, log=log, folder=work)
            assert process.is_running
            assert is_alive(process.identity), "its identity is the one this machine knows too"
            assert not process.is_stopped
            assert await host.pause(process)
            assert process.is_stopped
            assert await host.resume(process)
            assert not process.is_stopped
            assert await host.kill(process, by="kill")
            assert (process.status, process.ended_by) == (-signal.SIGKILL, "kill")
            assert not await host.pause(process), "it has ended"

            talk = ["/bin/sh", "-c", "echo $COLOUR; echo two; exit 3"]
            own = await host.start("it", talk, log=log, folder=work, environment={"COLOUR": "blue"})
            await own.exited.wait()
            assert (own.status, own.ended_by) == (3, None), "its end was unexpected"
            assert await host.tail(log, 5) == ["blue", "two"]
            assert await host.tail(work / "absent", 5) == []
            with pytest.raises(StartError, match=r"cannot start it \(/no/such\) on n1 .*No such file"):
                await host.start("it", ["/no/such"], log=log, folder=work)

            done = await host.run(["cat"], given="through")
            assert (done.status, done.output) == (0, "through")
            with pytest.raises(HostError, match="timed out"):
                await host.run(SLEEP, bound_s=0.1)

            (tmp_path / "letter").write_text("dear host")
            await host.upload(tmp_path / "letter", work / "data" / "letter")
            assert await host.names(work) == ("data", "log.txt")
            await host.download(work, tmp_path / "back")
            assert (tmp_path / "back" / "data" / "letter").read_text() == "dear host"

            left = await host.start("it", SLEEP, log=log, folder=work)
            await host.remove_folder()
            assert not is_alive(left.identity)
            assert host.folder.name not in os.listdir(host.folder.parent)

    with_sshd(tmp_path, body)


@needs_groups
def test_what_a_nodes_process_started_is_signalled_and_ended_with_it(tmp_path: Path) -> None:
    """Also what left its session and its environment; any agent finds it by the run's control group."""

    async def body(started: Sshds) -> None:
        async with host_of(started) as host:
            work = host.folder / "n1"
            await host.make_folder(work)

            async def start(*argv: str) -> tuple[Background, tuple[Identity, ...]]:
                log = work / f"{len(await host.names(work))}.txt"
                process = await host.start("it", argv, log=log, folder=work, group="n1")
                async with asyncio.timeout(20):
                    while "ready" not in await host.tail(log, 5):  # noqa: ASYNC110 - a file is asked
                        await asyncio.sleep(0.01)
                return process, await host.family(process)

            process, family = await start("/bin/sh", "-c", WRAPPER)
            assert len(family) == 3
            assert await host.pause(process)
            assert all(map(is_stopped, family))
            assert await host.resume(process)
            assert await host.kill(process, "kill")
            assert not any(map(is_alive, family))

            process, family = await start(sys.executable, "-c", SLOW_TO_END)
            assert await host.terminate(process, "terminate", 20)
            assert not any(map(is_alive, family))
            assert await host.tail(work / "1.txt", 1) == ["saved"], "it had time"

            process, family = await start(sys.executable, "-c", ESCAPED)
            assert len(family) == 2
            await host.remove_folder()
            assert not any(map(is_alive, family))

    with_sshd(tmp_path, body)
    assert not os.path.exists(agent.group_path(f"{TOKEN}-n1"))


def test_a_host_whose_connection_breaks_loses_its_processes_and_is_reached_again(tmp_path: Path) -> None:
    async def body(started: Sshds) -> None:
        async with host_of(started) as host:
            work = host.folder / "n1"
            await host.make_folder(work)
            process = await host.start("it", SLEEP, log=work / "log", folder=work)
            (session,) = sessions_of(started)
            os.kill(session, signal.SIGKILL)
            await process.exited.wait()
            assert (process.status, process.ended_by) == (None, HOST_LOST)
            assert await eventually(lambda: not is_alive(process.identity), 5), "the agent has ended it"

            again = await host.start("it", SLEEP, log=work / "log", folder=work)
            assert again.is_running
            assert await host.names(work) == ("log",), "what a node wrote is still there"
            await host.remove_folder()

    with_sshd(tmp_path, body)


def test_a_host_that_is_gone_for_good_is_an_error_and_not_a_wait(tmp_path: Path) -> None:
    async def body(started: Sshds) -> None:
        async with host_of(started) as host:
            for process in (*sessions_of(started), started.processes["n1"].pid):
                os.kill(process, signal.SIGKILL)
            with pytest.raises(HostError, match=r"n1 .*(the connection was lost|cannot be reached)"):
                await host.names(host.folder)
            async with asyncio.timeout(10):
                while True:  # until the system has closed the old connection, that is the error
                    with pytest.raises(HostError) as refused:
                        await host.names(host.folder)
                    if "the connection was lost" not in str(refused.value):
                        break
            assert re.search(r"n1 .*cannot be reached at 10\.77\.0\.1:2222: .", str(refused.value))

    with_sshd(tmp_path, body)


def sessions_of(started: Sshds) -> list[int]:
    """The sshd processes that serve connections, not the one that listens."""
    listening = started.processes["n1"].pid
    found = subprocess.run(["pgrep", "-P", str(listening)], capture_output=True, text=True)
    return [int(pid) for pid in found.stdout.split()]


def test_the_agent_ends_everything_when_its_harness_falls_silent(
    tmp_path: Path,
) -> None:
    quick = tmp_path / "agent.py"
    quick.write_text(Path(agent.__file__).read_text().replace("SILENCE_S = 30.0", "SILENCE_S = 1.0"))
    environment = {**os.environ, TOKEN_VARIABLE: "silent"}
    argv = [
        sys.executable,
        "-u",
        str(quick),
        "serve",
        "--table",
        "ackproof_silent",
        "--folder",
        str(tmp_path),
    ]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert b"hello" in process.stdout.readline()
        log = str(tmp_path / "log")
        asked = {"n": 1, "do": "start", "argv": SLEEP, "log": log, "folder": str(tmp_path), "environment": {}}
        process.stdin.write(msgspec.json.encode(asked) + b"\n")
        process.stdin.flush()
        answer = msgspec.json.decode(process.stdout.readline())["ok"]
        assert any(one.pid == answer["pid"] for one in carrying(TOKEN_VARIABLE, "silent"))
        assert process.wait(10) == 0
    assert carrying(TOKEN_VARIABLE, "silent") == []


def test_clean_removes_from_a_remote_host_what_a_killed_harness_left_there(tmp_path: Path) -> None:
    async def body(started: Sshds) -> None:
        run = run_of(spec_of(started))
        folder = started.folder / "n1" / "home" / run.folder_name
        folder.mkdir()
        (folder / "data").write_text("of a node")
        environment = {**os.environ, TOKEN_VARIABLE: run.token}
        with subprocess.Popen(SLEEP, env=environment, start_new_session=True) as orphan:  # noqa: ASYNC220
            ledger = Ledger("doomed", tmp_path / "dead")
            ledger.making(REMOTE, "n1", msgspec.json.encode(run).decode())
            os.close(ledger._file)  # as the kernel does when its owner dies
            ledger._file = -1
            removed = await asyncio.to_thread(clean, tmp_path / "dead")
            assert [str(one) for one in removed] == ["processes none, remote host n1 of the doomed"]
            assert orphan.wait(5) == -signal.SIGKILL
        assert not folder.exists()
        assert list((tmp_path / "dead").iterdir()) == []

    with_sshd(tmp_path, body)


# ---- what can be wrong -------------------------------------------------------------------------------


async def why_not(started: Sshds, *options: str, **changes: object) -> str:
    """The message with which a connection fails."""
    spec = msgspec.structs.replace(spec_of(started, *options), **changes)
    with pytest.raises(HostError) as refused:
        async with RemoteHost(run_of(spec), time.monotonic_ns):
            pass
    message = str(refused.value)
    assert message.startswith("n1 (root@10.77.0.1:")
    return message


def test_each_thing_that_can_be_wrong_is_one_clear_message(tmp_path: Path) -> None:
    async def body(started: Sshds) -> None:
        keygen(tmp_path / "stranger")
        assert "no key was accepted for user root" in await why_not(started, key=str(tmp_path / "stranger"))
        assert "there is no key /no/key" in await why_not(started, key="/no/key")

        (tmp_path / "no_host_known").write_text("")
        unknown = await why_not(started, known_hosts=str(tmp_path / "no_host_known"))
        assert "its host key ssh-ed25519 SHA256:" in unknown
        assert "ssh-keyscan -p 2222 10.77.0.1 >>" in unknown

        changed = tmp_path / "changed"
        changed.write_text(f"[10.77.0.1]:{PORT} {(tmp_path / 'stranger.pub').read_text()}")
        assert "its host key has CHANGED" in await why_not(started, known_hosts=str(changed))

        assert "cannot be reached at 10.77.0.1:23: " in await why_not(started, port=23)
        assert "there is no python9; install Python" in await why_not(started, python="python9")
        assert "cannot make the folder" in await why_not(started, folder="/proc/ackproof")

    with_sshd(tmp_path, body)


SUDO = """#!/bin/sh
# A stand-in for sudo with its options as the harness uses them: refuses -n, wants `secret` on its input.
case "$1" in -n) echo "sudo: a password is required" >&2; exit 1;; esac
while [ "${1#-}" != "$1" ] || [ -z "$1" ]; do shift; done
read -r password
[ "$password" = secret ] || { echo "sudo: 1 incorrect password attempt" >&2; exit 1; }
exec "$@"
"""
ID = """#!/bin/sh
echo 1000
"""


def test_sudo_with_a_password_without_one_and_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The login is root's, and seems to be another's by stand-ins for `id` and `sudo` on its path."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for name, text in (("sudo", SUDO), ("id", ID)):
        (tools / name).write_text(text)
        (tools / name).chmod(0o755)

    async def body(started: Sshds) -> None:
        monkeypatch.setenv(SUDO_PASSWORD_VARIABLE, "wrong")
        wrong = await why_not(started)
        assert "the agent did not start: sudo: 1 incorrect password attempt" in wrong
        assert f"is {SUDO_PASSWORD_VARIABLE} right?" in wrong
        monkeypatch.setenv(SUDO_PASSWORD_VARIABLE, "secret")
        async with host_of(started) as host:
            assert (await host.run(["echo", "done"])).output == "done\n"
        monkeypatch.delenv(SUDO_PASSWORD_VARIABLE)
        async with host_of(started) as host:
            assert (await host.run(["echo", "without"])).output == "without\n"
        (tools / "sudo").write_text('#!/bin/sh\n[ "$1" = -n ] && shift\nexec env BY_SUDO=1 "$@"\n')
        async with host_of(started) as host:
            assert (await host.run(["printenv", "BY_SUDO"])).output == "1\n"

    with_sshd(tmp_path, body, f"SetEnv PATH={tools}:/usr/local/bin:/usr/bin:/bin:/usr/sbin")


def test_a_host_behind_a_jump_host_is_reached_as_ssh_config_says(tmp_path: Path) -> None:
    async def run() -> None:
        async with asyncio.timeout(60), sshds(tmp_path, ["n1", "n2"]) as started:
            at = started.bench.network.addresses
            config = tmp_path / "ssh_config"
            config.write_text(
                f"Host *\n  User root\n  Port {PORT}\n  IdentityFile {started.key}\n"
                f"  UserKnownHostsFile {started.known_hosts}\n"
                f"Host gate\n  HostName {at['n1']}\n"
                f"Host inner\n  HostName {at['n2']}\n  ProxyJump gate\n"
            )
            line = f"inner config={config} folder={tmp_path / 'n2' / 'home'}"
            (spec,) = parse_inventory([line], "test")
            with in_namespace(started.bench.network.bridge):
                async with RemoteHost(run_of(spec), time.monotonic_ns) as host:
                    done = await host.run(["ss", "-H", "-t", "-n", "sport", "=", f":{PORT}"])
                    assert at["n1"] in done.output, "n2 sees the connection come from the jump host"

    asyncio.run(run())


def test_a_list_of_jump_hosts_is_gone_through_in_its_order(tmp_path: Path) -> None:
    async def run() -> None:
        async with asyncio.timeout(60), sshds(tmp_path, ["n1", "n2", "n3"]) as started:
            at = started.bench.network.addresses
            config = tmp_path / "ssh_config"
            config.write_text(
                f"Host *\n  User root\n  Port {PORT}\n  IdentityFile {started.key}\n"
                f"  UserKnownHostsFile {started.known_hosts}\n"
                f"Host inner\n  HostName {at['n3']}\n  ProxyJump {at['n1']},{at['n2']}\n"
            )
            line = f"inner config={config} folder={tmp_path / 'n3' / 'home'}"
            (spec,) = parse_inventory([line], "test")
            with in_namespace(started.bench.network.bridge):
                async with RemoteHost(run_of(spec), time.monotonic_ns) as host:
                    done = await host.run(["ss", "-H", "-t", "-n", "sport", "=", f":{PORT}"])
                    assert at["n2"] in done.output, "n3 sees the connection come from the last jump host"
                    assert at["n1"] not in done.output

    asyncio.run(run())


def test_identities_of_remote_processes_are_unique(tmp_path: Path) -> None:
    async def body(started: Sshds) -> None:
        async with host_of(started) as host:
            seen: set[Identity] = set()
            for _ in range(3):
                process = await host.start("it", ["/bin/true"], log=host.folder / "log", folder=host.folder)
                await process.exited.wait()
                assert process.status == 0
                seen.add(process.identity)
            assert len(seen) == 3

    with_sshd(tmp_path, body)


class Bringing:
    """In place of a connection: what it gets is an archive that a host made up."""

    def __init__(self, archive: Path) -> None:
        self.archive = archive

    def get(self, _there: Path, here: Path) -> None:
        shutil.copy(self.archive, here)


@pytest.mark.parametrize("name", ["../stolen", "/tmp/stolen", "data/../../stolen", "link"])
def test_an_archive_of_a_host_reaches_no_file_outside_its_folder(tmp_path: Path, name: str) -> None:
    archive, back = tmp_path / "work.tar.gz", tmp_path / "in" / "back"
    with tarfile.open(archive, "w:gz") as tar:
        member = tarfile.TarInfo(name)
        if name == "link":
            member.type, member.linkname = tarfile.SYMTYPE, "/etc"
        tar.addfile(member, io.BytesIO())
    with pytest.raises(HostError, match=r"not a file inside its folder"):
        remote._fetch(Bringing(archive), archive, back)  # type: ignore[arg-type]  # as much as is used of it
    assert not (tmp_path / "in" / "stolen").exists()
    assert not (back / "link").is_symlink()


@pytest.mark.skipif(not hasattr(tarfile, "data_filter"), reason="this Python's tarfile has no filters yet")
@pytest.mark.parametrize("name", ["../stolen", "data/../../stolen"])
def test_what_an_agent_unpacks_reaches_no_file_outside_its_folder(tmp_path: Path, name: str) -> None:
    archive = tmp_path / "code.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        tar.addfile(tarfile.TarInfo(name), io.BytesIO())
    with pytest.raises(tarfile.TarError, match="outside the destination"):
        agent.Agent("token", "table").do_unpack(str(archive), str(tmp_path / "code"))
    assert not (tmp_path / "stolen").exists()


def test_a_connection_that_was_being_made_when_its_run_was_cancelled_is_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[AgentConnection] = []
    go_on = threading.Event()

    class Slow(AgentConnection):
        def __init__(self, *args: Any) -> None:
            super().__init__(*args)
            made.append(self)
            go_on.wait(30)

    async def body(started: Sshds) -> None:
        monkeypatch.setattr(remote, "AgentConnection", Slow)
        entering = asyncio.create_task(host_of(started).__aenter__())
        assert await eventually(lambda: bool(made), 20)
        entering.cancel()
        await asyncio.gather(entering, return_exceptions=True)
        assert entering.cancelled()
        assert carrying(TOKEN_VARIABLE, f"{TOKEN}-n1"), "its agent runs"
        go_on.set()
        assert await eventually(lambda: carrying(TOKEN_VARIABLE, f"{TOKEN}-n1") == [], 5)

    with_sshd(tmp_path, body)
