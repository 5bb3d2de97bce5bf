"""A program is the user's own, an installed one or the machine's, in this order; and it names its version."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from harness.errors import CouldNotRun
from harness.systems.installing import RECIPES, asking, install, located_java
from harness.systems.installing.finding import Located, find, located
from harness.systems.installing.recipe import is_version
from tests.harness.systems.installing.test_installation import ends_soon, kettle


def script(path: Path, prints: str) -> Path:
    """An executable file that prints this."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho '{prints}'\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH with one folder of our own, and nothing installed."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return folder


def locate(tmp_path: Path, version: str | None = None, given: Path | None = None) -> Located:
    """The kettle of this test."""
    return find(kettle(tmp_path / "journal"), version, given=given, home=tmp_path / "home")


def test_an_own_program_wins_over_an_installed_one_and_that_over_the_machines(
    tmp_path: Path, machine: Path
) -> None:
    script(machine / "kettle", "kettle 1.5")
    assert (locate(tmp_path).version, locate(tmp_path).from_where) == ("1.5", "machine")
    install(kettle(tmp_path / "journal"), home=tmp_path / "home", pins={})
    assert (locate(tmp_path).version, locate(tmp_path).from_where) == ("2.0", "installed")
    own = script(tmp_path / "own", "kettle 9")
    assert (locate(tmp_path, given=own).version, locate(tmp_path, given=own).from_where) == ("9", "given")


def test_the_machines_program_is_taken_if_only_that_has_the_version(tmp_path: Path, machine: Path) -> None:
    script(machine / "kettle", "kettle 1.5.3")
    install(kettle(tmp_path / "journal"), home=tmp_path / "home", pins={})
    assert locate(tmp_path, "1.5").version == "1.5.3"


def test_of_several_installed_releases_the_newest_is_taken_also_of_a_line_of_versions(
    tmp_path: Path, machine: Path
) -> None:
    script(machine / "kettle", "kettle 11.0")
    first = kettle(tmp_path / "journal")
    others = [
        msgspec.structs.replace(first.releases[0], version=version) for version in ("2.9", "2.10", "1.30")
    ]
    recipe = msgspec.structs.replace(first, releases=(*first.releases, *others))
    for release in recipe.releases:
        install(recipe, release.version, home=tmp_path / "home", pins={})
    wanted = {
        version: find(recipe, version, home=tmp_path / "home").version for version in (None, "2", "1", "2.9")
    }
    assert wanted == {None: "2.10", "2": "2.10", "1": "1.30", "2.9": "2.9"}
    with pytest.raises(
        CouldNotRun, match=r"kettle is 11.0, not 3 \(installed: 1.30, 2.0, 2.9, 2.10\): .*give"
    ):
        find(recipe, "3", home=tmp_path / "home")


def test_a_missing_program_names_the_package_and_the_command(tmp_path: Path, machine: Path) -> None:
    with pytest.raises(CouldNotRun) as missing:
        locate(tmp_path, "2.0")
    assert str(missing.value) == (
        "kettle 2.0 is not here: "
        "`ackproof systems install kettle@2.0` brings it, "
        "or give the path of your own (--system-option binary=PATH)"
    )
    with pytest.raises(CouldNotRun, match="install kettle` brings it, Debian has it in kettle, or give the"):
        locate(tmp_path)


def test_a_wrong_version_names_both_and_the_versions_that_can_be_brought(
    tmp_path: Path, machine: Path
) -> None:
    script(machine / "kettle", "kettle 1.5")
    with pytest.raises(CouldNotRun) as wrong:
        locate(tmp_path, "7")
    assert str(wrong.value) == (
        "this machine's kettle is 1.5, not 7: `ackproof systems install` brings kettle 2.0, "
        "or give the path of your own (--system-option binary=PATH)"
    )


@pytest.mark.parametrize(
    ("prints", "version", "problem"),
    [
        ("kettle 2.0", "3", "own is kettle 2.0, not 3"),
        ("hello", None, "own names no version; it printed: hello"),
    ],
)
def test_an_own_program_that_is_not_the_wanted_one_is_refused(
    tmp_path: Path, prints: str, version: str | None, problem: str
) -> None:
    own = script(tmp_path / "own", prints)
    with pytest.raises(CouldNotRun, match=problem):
        locate(tmp_path, version, own)


def test_an_own_program_that_does_not_exist_or_start_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CouldNotRun, match="there is no file"):
        locate(tmp_path, given=tmp_path / "nothing")
    (tmp_path / "text").write_text("no program")
    with pytest.raises(CouldNotRun, match="cannot be started: Permission denied"):
        locate(tmp_path, given=tmp_path / "text")


def test_a_program_that_names_no_version_in_time_is_ended_with_all_that_it_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, pid = script(tmp_path / "own", ""), tmp_path / "pid"
    own.write_text(f"#!/bin/sh\nsleep 300 &\necho $! > {pid}\nwait\n")
    monkeypatch.setattr(asking, "BOUND_S", 1.0)
    with pytest.raises(CouldNotRun, match=r"own did not name its version within 1 s$"):
        locate(tmp_path, given=own)
    assert ends_soon(int(pid.read_text()))


def test_an_own_folder_without_jars_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CouldNotRun, match="has no jar"):
        located("zookeeper", given=tmp_path)


def test_a_line_of_versions_has_only_its_own() -> None:
    assert is_version("3.6.12", "3.6")
    assert is_version("3.6.12", "3.6.12")
    assert not is_version("3.61.0", "3.6")
    assert not is_version("3.6", "3.6.1")


@pytest.mark.parametrize(
    ("prints", "version"),
    [
        ('openjdk version "17.0.15" 2025-04-15', 17),
        ('java version "1.8.0_402"', 8),
        ('openjdk version "21"', 21),
    ],
)
def test_java_names_its_feature_release(tmp_path: Path, prints: str, version: int) -> None:
    assert located_java(8, given=script(tmp_path / "java", prints)).version == version


def test_java_that_is_too_old_is_refused_by_name(tmp_path: Path) -> None:
    java = script(tmp_path / "java", 'java version "1.8.0_402"')
    with pytest.raises(CouldNotRun, match=f"{java} is Java 8, and Java 17 or newer is needed"):
        located_java(17, given=java)


def test_missing_java_names_its_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CouldNotRun, match="Debian has it in default-jre-headless"):
        located_java()


@pytest.mark.parametrize("system", RECIPES)
def test_an_unknown_version_of_each_system_is_refused_by_one_line(system: str, tmp_path: Path) -> None:
    with pytest.raises(CouldNotRun) as refused:
        located(system, "0.0.999", home=tmp_path)
    assert "\n" not in str(refused.value)
