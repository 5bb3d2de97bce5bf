"""A release is there with all its contents or not at all, whatever happens to its installation."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import msgspec
import pytest

from harness.errors import CouldNotRun
from harness.systems.installing import install, installed, share_brought, tools
from harness.systems.installing.recipe import Binary, Recipe, Release
from harness.systems.installing.sources.source import Bench
from harness.systems.installing.tools import run
from tests import REPOSITORY


class Written(msgspec.Struct, frozen=True):
    """A source for tests: a program that it writes itself."""

    journal: Path
    dies_at: str = ""
    """The step at which the whole process is killed."""
    words: str = "a test"
    tools: tuple[str, ...] = ()

    def bring(self, bench: Bench, version: str) -> None:
        """Write the program in two steps."""
        with self.journal.open("a") as journal:
            journal.write("brought\n")
        self.step("first")
        program = bench.tree / "kettle"
        program.write_text("#!/bin/sh\n")
        self.step("half")
        program.write_text(f"#!/bin/sh\necho kettle {version}\n")
        program.chmod(0o755)
        self.step("last")

    def step(self, name: str) -> None:
        """Die here if that was asked for."""
        if name == self.dies_at:
            os.kill(os.getpid(), signal.SIGKILL)


def kettle(journal: Path, dies_at: str = "", needs_mib: int = 1) -> Recipe:
    """The recipe of a program that prints its version."""
    release = Release("2.0", Written(journal, dies_at), {"kettle": ("kettle",)}, needs_mib)
    return Recipe("kettle", (Binary("kettle", version=r"kettle (\S+)", debian="kettle"),), (release,))


def in_a_process(tmp_path: Path, dies_at: str = "") -> subprocess.Popen[bytes]:
    """Install in a process of its own."""
    program = f"""
        from pathlib import Path
        from harness.systems.installing import install
        from tests.harness.systems.installing.test_installation import kettle
        recipe = kettle(Path({str(tmp_path / "journal")!r}), {dies_at!r})
        install(recipe, home=Path({str(tmp_path)!r}), pins={{}})
    """
    return subprocess.Popen([sys.executable, "-c", textwrap.dedent(program)], cwd=REPOSITORY)


@pytest.mark.parametrize("step", ["first", "half", "last"])
def test_a_killed_installation_leaves_no_release_and_the_next_one_removes_the_rest(
    tmp_path: Path, step: str
) -> None:
    assert in_a_process(tmp_path, step).wait(60) == -signal.SIGKILL
    assert installed(tmp_path) == {}
    assert not (tmp_path / "kettle" / "2.0").exists()
    assert len(list(tmp_path.glob("kettle/.2.0.part-*"))) == 1
    folder = install(kettle(tmp_path / "journal"), home=tmp_path, pins={})
    assert list(installed(tmp_path)) == [folder]
    assert list(tmp_path.glob("kettle/.2.0.part-*")) == []


def test_of_two_installations_at_once_one_waits_for_the_other(tmp_path: Path) -> None:
    both = [in_a_process(tmp_path) for _ in range(2)]
    assert [one.wait(60) for one in both] == [0, 0]
    assert (tmp_path / "journal").read_text() == "brought\n"


def test_a_release_that_is_there_is_not_brought_again(tmp_path: Path) -> None:
    recipe = kettle(tmp_path / "journal")
    assert install(recipe, home=tmp_path, pins={}) == install(recipe, "2.0", home=tmp_path, pins={})
    assert (tmp_path / "journal").read_text() == "brought\n"


def test_too_little_space_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(CouldNotRun, match=r"MiB free, and 2\.0 needs 1073741824 MiB: .*XDG_DATA_HOME"):
        install(kettle(tmp_path / "journal", needs_mib=1 << 30), home=tmp_path, pins={})


def test_a_missing_tool_is_one_line_with_its_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    release = Release("2.0", Written(tmp_path / "journal", tools=("mvn",)), {"kettle": ("kettle",)})
    with pytest.raises(
        CouldNotRun, match=r"kettle 2\.0 needs `mvn`, which is not here: Debian has it in maven"
    ):
        install(Recipe("kettle", kettle(tmp_path).programs, (release,)), home=tmp_path, pins={})


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "kettle").write_text("a file")
    with pytest.raises(CouldNotRun, match=r"kettle 2\.0 cannot be installed: "):
        install(kettle(tmp_path / "journal"), home=tmp_path, pins={})


def test_what_is_in_the_way_is_not_removed(tmp_path: Path) -> None:
    (tmp_path / "kettle" / "2.0").mkdir(parents=True)
    with pytest.raises(CouldNotRun, match="is in the way"):
        install(kettle(tmp_path / "journal"), home=tmp_path, pins={})


def test_an_unknown_release_names_those_that_exist(tmp_path: Path) -> None:
    with pytest.raises(CouldNotRun, match=r"kettle has no release 3: known are 2\.0"):
        install(kettle(tmp_path / "journal"), "3", home=tmp_path, pins={})


def test_a_tool_that_fails_is_its_own_line_about_it(tmp_path: Path) -> None:
    shell = "echo begun; echo 'E: no such thing'; echo 'see the log'; exit 3"
    with pytest.raises(CouldNotRun, match=r"failed: E: no such thing$"):
        run(["sh", "-c", shell], log=tmp_path / "log", bound_s=30, say=print)


def test_a_tool_that_does_not_end_in_time_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(CouldNotRun, match=r"^`sleep 300` did not end within 0\.2 s$"):
        run(["sleep", "300"], log=tmp_path / "log", bound_s=0.2, say=print)


def test_an_interrupted_tool_is_ended_with_all_that_it_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "log"

    def interrupt(_line: str) -> None:
        if log.read_text().endswith("\n"):
            raise KeyboardInterrupt

    monkeypatch.setattr(tools, "HEARTBEAT_S", 0.05)
    with pytest.raises(KeyboardInterrupt):
        run(["sh", "-c", "sleep 300 & echo $! ; wait"], log=log, bound_s=100, say=interrupt)
    assert ends_soon(int(log.read_text()))


def ends_soon(process: int) -> bool:
    """Whether a process that was killed ends within ten seconds: on a busy machine it takes a little."""
    stat, until = Path(f"/proc/{process}/stat"), time.monotonic() + 10
    while not has_ended(stat) and time.monotonic() < until:
        time.sleep(0.02)
    return has_ended(stat)


def has_ended(stat: Path) -> bool:
    """Whether the process with this file is gone, or waits for its parent to notice its end."""
    try:
        return stat.read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def test_the_share_that_is_brought_is_that_of_the_space_which_the_release_needs(tmp_path: Path) -> None:
    share = share_brought(kettle(tmp_path / "journal", needs_mib=2), "2.0", tmp_path)
    assert share() == 0
    part = tmp_path / "kettle" / ".2.0.part-a" / "scratch"
    part.mkdir(parents=True)
    (part / "archive").write_bytes(bytes(1 << 20))
    assert 0.5 <= share() < 0.6
    (part / "unpacked").write_bytes(bytes(9 << 20))
    assert share() == 1
