"""An ordinary user gets network namespaces: the command runs again as root of namespaces of its own."""

from __future__ import annotations

import json
import os
import textwrap
from pathlib import Path

import pytest

from harness.errors import CouldNotRun
from harness.hosts import rootless
from harness.hosts.processes import identify
from tests.deciding import decided
from tests.harness.hosts.ordinary import folder_of_his, run_as_ordinary, skip_unless_ordinary_users_can

ENTERS = """
    import json, os, sys
    from harness.hosts import rootless
    outside = os.getpid()
    rootless.enter_if_needed(lambda: print("cleaned", flush=True))
    from harness.hosts.agent import Agent
    from harness.hosts.netns import reasons_against
    print(json.dumps({
        "pid": os.getpid(), "user": os.geteuid(), "home": os.environ["HOME"], "argv": sys.argv[1:],
        "inside": rootless.is_inside(), "against": reasons_against(), "netns": os.listdir("/run/netns"),
        "run": os.listdir("/run"), "facts": Agent("", "").facts(),
    }))
"""


def program(folder: Path, text: str) -> str:
    """The path of a program with this text."""
    path = folder / "program.py"
    path.write_text(textwrap.dedent(text))
    return str(path)


def test_the_same_command_goes_on_inside_as_root_with_all_that_namespaces_need() -> None:
    skip_unless_ordinary_users_can()
    with folder_of_his() as folder:
        ran = run_as_ordinary(folder, program(folder, ENTERS), "a word", "--option")
        assert ran.returncode == 0, ran.stderr
        cleaned, found = ran.stdout.splitlines()
        inside = json.loads(found)
        assert cleaned == "cleaned", "once, before it enters"
        assert (inside["user"], inside["inside"], inside["argv"]) == (0, True, ["a word", "--option"])
        assert inside["home"] == str(folder)
        assert inside["against"] == []
        assert inside["netns"] == [], "none of others"
        assert set(os.listdir("/run")) <= set(inside["run"]), "the rest of /run is as it was"
        facts = inside["facts"]
        assert (facts["root"], facts["changes_groups"]) == (True, False)
        assert (
            facts["fuse"] == os.access("/dev/fuse", os.R_OK | os.W_OK, effective_ids=True) or not os.geteuid()
        )


PARTITIONS = """
    import asyncio, sys, time
    from pathlib import Path
    from harness.hosts import rootless
    rootless.enter_if_needed(lambda: None)
    from harness.cluster.netns import NetnsWorld
    from harness.nemesis.faults.network.partition import Cut, Heal
    from harness.nemesis.faults.network.shapes import between
    from harness.nemesis.faults.processes.lifecycle import Kill
    from harness.systems.reference_node import ReferenceNode
    names = ("n1", "n2", "n3")
    async def main():
        folder = Path("nodes").absolute()
        async with NetnsWorld(ReferenceNode(), names, folder, time.monotonic_ns, seed=1) as world:
            leader = await world.wait_for_leader(20)
            others = tuple(name for name in names if name != leader)
            cut = await world.carry_out(Cut(between((leader,), others)))
            healed = await world.carry_out(Heal())
            killed = await world.carry_out(Kill((leader,)))
            print(cut.took_effect, healed.details["swallowed_packets"] > 0, killed.took_effect)
    asyncio.run(main())
"""


def test_nodes_in_namespaces_of_an_ordinary_user_are_partitioned_and_killed() -> None:
    skip_unless_ordinary_users_can()
    with folder_of_his() as folder:
        ran = run_as_ordinary(folder, program(folder, PARTITIONS))
        assert ran.stdout.split() == ["True", "True", "True"], ran.stderr


DIES = """
    import asyncio, os, sys, time
    from contextlib import AsyncExitStack
    from pathlib import Path
    from harness.hosts import rootless
    rootless.enter_if_needed(lambda: None)
    from harness.hosts.ledger import Ledger
    from harness.hosts.local import LocalHost
    from harness.hosts.netns import make_network
    async def main():
        stack, ledger = AsyncExitStack(), Ledger("test")
        machine = await LocalHost(ledger, time.monotonic_ns).__aenter__()
        network = await make_network(("n1",), ledger, machine, stack)
        host = await LocalHost(ledger, time.monotonic_ns, network.entering("n1")).__aenter__()
        here = Path.cwd()
        process = await host.start("it", ["/bin/sleep", "60"], log=here / "log", folder=here, group="n1")
        print(process.pid, flush=True)
        os.kill(os.getpid(), 9)
    asyncio.run(main())
"""
CLEANS = "from harness.hosts.ledger import clean; print(*clean(), sep='; ')"


def test_clean_from_outside_ends_what_is_inside_and_the_namespaces_go_with_it() -> None:
    skip_unless_ordinary_users_can()
    with folder_of_his() as folder:
        died = run_as_ordinary(folder, program(folder, DIES))
        pid = int(died.stdout)
        assert identify(pid) is not None, "it outlives the harness"
        cleaned = run_as_ordinary(folder, "-c", CLEANS)
        assert cleaned.stdout == f"processes {pid} of the test\n", cleaned.stderr
        assert identify(pid) is None
        assert run_as_ordinary(folder, "-c", CLEANS).stdout == "\n", "no ledger is left"


@pytest.mark.campaign
def test_a_run_of_an_ordinary_user_in_namespaces_is_valid_and_its_faults_took_effect() -> None:
    skip_unless_ordinary_users_can()
    with folder_of_his() as folder:
        options = "run --world netns --nemesis kill,partition --nodes 3 --time-limit 12 --store store --seed"

        def ran(seed: int) -> tuple[int, str]:
            argv = ("-m", "ackproof", *options.split(), str(seed))
            done = run_as_ordinary(folder, *argv, timeout_s=110)
            return done.returncode, done.stdout + done.stderr

        status, output = decided(ran)
        assert status == 0, output
        assert "faults that took effect: kill, partition" in " ".join(output.split())


def test_root_stays_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    rootless.enter_if_needed(lambda: pytest.fail("nothing is to be cleaned"), ["/no/such/program"])


def test_where_the_kernel_refuses_nothing_is_begun_and_the_message_says_what_would_work(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    forbidding = tmp_path / "setting"
    forbidding.write_text("1\n")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(rootless, "UNSHARE", ("/bin/sh", "-c", "echo 'unshare: not permitted' >&2; exit 1"))
    monkeypatch.setattr(rootless, "_SETTINGS", {str(forbidding): ("1", "sysctl -w allowed=0")})
    with pytest.raises(CouldNotRun) as refused:
        rootless.enter_if_needed(lambda: pytest.fail("nothing is to be cleaned"))
    message = str(refused.value)
    assert "this kernel refuses them to users other than root (unshare: not permitted)" in message
    assert "run it as root (sudo); or let root do: sysctl -w allowed=0" in message
    assert "--world local" in message


def test_a_program_that_the_user_may_not_execute_is_not_called_a_refusal_of_the_kernel(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said = "unshare: failed to execute /opt/python3: Permission denied"
    monkeypatch.setattr(rootless, "UNSHARE", ("/bin/sh", "-c", f"echo '{said}' >&2; exit 126"))
    (reason,) = rootless.reasons_against()
    assert "kernel" not in reason
    assert said in reason


def test_a_missing_tool_is_named_with_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rootless, "_path_of", lambda tool: None if tool == "nft" else f"/usr/sbin/{tool}")
    assert rootless.reasons_against() == ["packages are missing: apt-get install nftables"]
