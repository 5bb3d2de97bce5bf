"""`ackproof systems install`: what it prints, and with which exit code."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from ackproof.cli import entry
from harness.systems.installing import RECIPES
from tests.harness.systems.installing.test_installation import kettle

VALID, USAGE, COULD_NOT_RUN = 0, 254, 255
Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    """Call the command in this process, with one system more; it gives exit code, output and errors."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setitem(RECIPES, "kettle", kettle(tmp_path / "journal"))

    def called(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["ackproof", "systems", "install", *arguments])
        with pytest.raises(SystemExit) as ended:
            entry.main()
        assert isinstance(ended.value.code, int)
        return ended.value.code, *capsys.readouterr()

    return called


def test_a_release_is_brought_and_its_folder_named(call: Call, tmp_path: Path) -> None:
    code, output, _ = call("kettle")
    folder = tmp_path / "data/ackproof/systems/kettle/2.0"
    assert (code, output) == (VALID, f"kettle 2.0: {folder}\n")
    assert (folder / "kettle").exists()


def test_what_is_brought_is_printed_as_json(call: Call, tmp_path: Path) -> None:
    code, output, _ = call("--json", "kettle@2.0")
    [one] = json.loads(output)["result"]
    assert code == VALID
    assert one["folder"] == str(tmp_path / "data/ackproof/systems/kettle/2.0")
    assert (one["installed"]["system"], one["installed"]["version"]) == ("kettle", "2.0")


def test_the_list_says_what_is_here(call: Call) -> None:
    assert call("--list")[1].splitlines()[-1].split() == ["kettle", "2.0", "from", "a", "test"]
    call("kettle")
    assert "installed in" in call("--list")[1].splitlines()[-1]
    listed = json.loads(call("--list", "--json")[1])["result"]
    assert {one["system"] for one in listed} == {*RECIPES}


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ((), "which system?"),
        (("ketle",), "unknown system 'ketle': did you mean 'kettle'?"),
        (("kettle@3",), "kettle has no release 3: known are 2.0"),
        (("kettle@",), "'kettle@' names no version"),
        (("kettle", "nothing"), "unknown system 'nothing'"),
    ],
)
def test_a_wrong_name_is_refused_before_anything_is_done(
    call: Call, tmp_path: Path, arguments: tuple[str, ...], problem: str
) -> None:
    code, output, errors = call(*arguments)
    assert (code, output) == (USAGE, "")
    assert problem in errors
    assert not (tmp_path / "data").exists()


def test_what_cannot_be_brought_is_one_line(call: Call, tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file where the folder should be")
    code, output, errors = call("kettle")
    assert (code, output) == (COULD_NOT_RUN, "")
    assert errors.startswith("ackproof: kettle 2.0 cannot be installed: ")
    assert errors.count("\n") == 1
