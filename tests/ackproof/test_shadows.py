"""Another package with the name of one of Ackproof's is noticed, and named in one line."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ackproof.shadows import PACKAGES, shadow

ACKPROOF = str(Path(sys.executable).with_name("ackproof"))
USE = "import ackproof; ackproof.Operation"
AFTER_THEIRS = "import reports; assert reports.THEIRS; import ackproof; ackproof.check"


def python(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.fixture(params=["package", "module", "folder"])
def project(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A project of its own with something called `reports`."""
    match request.param:
        case "package":
            (tmp_path / "reports").mkdir()
            (tmp_path / "reports" / "__init__.py").write_text("THEIRS = True\n")
        case "module":
            (tmp_path / "reports.py").write_text("THEIRS = True\n")
        case _:
            (tmp_path / "reports").mkdir()
            (tmp_path / "reports" / "mine.py").write_text("")
    return tmp_path


def test_nothing_hides_a_package_here() -> None:
    assert shadow() is None


def test_the_library_says_which_file_hides_a_package_and_what_to_do(project: Path) -> None:
    done = python(project, "-c", USE)
    if shadows_by_default(project):
        assert done.returncode == 1
        last = done.stderr.strip().splitlines()[-1]
        assert last.startswith(f"ImportError: {project / 'reports'}")
        assert "hides Ackproof's own package 'reports'" in last
        assert "run from another folder, rename it, or set PYTHONSAFEPATH=1" in last
    else:
        assert done.returncode == 0, done.stderr
    assert python(project, "-c", USE, PYTHONSAFEPATH="1").returncode == 0


def test_python_dash_m_says_the_same_in_one_line_and_exits_255(project: Path) -> None:
    done = python(project, "-m", "ackproof", "--help")
    if shadows_by_default(project):
        assert done.returncode == 255
        (line,) = done.stderr.splitlines()
        assert line.startswith(f"ackproof: {project / 'reports'}")
        assert "hides Ackproof's own package 'reports'" in line
    else:
        assert done.returncode == 0, done.stderr
    assert python(project, "-m", "ackproof", "--help", PYTHONSAFEPATH="1").returncode == 0


def test_the_command_looks_at_its_own_folder_and_at_pythonpath(project: Path) -> None:
    beside = subprocess.run([ACKPROOF, "--help"], cwd=project, capture_output=True, timeout=60)
    assert beside.returncode == 0, "the current folder is no place where the command looks for packages"
    if not shadows_by_default(project):
        return
    message = subprocess.run(
        [ACKPROOF, "--help"],
        env={**os.environ, "PYTHONPATH": str(project)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert message.returncode == 255
    assert "take its folder out of PYTHONPATH" in message.stderr


@pytest.mark.parametrize("name", PACKAGES)
def test_every_package_of_ackproof_is_looked_at(name: str, tmp_path: Path) -> None:
    (tmp_path / f"{name}.py").write_text("")
    done = python(tmp_path, "-m", "ackproof", "check", "--help")
    assert done.returncode == 255
    assert f"hides Ackproof's own package {name!r}" in done.stderr


def test_a_package_that_was_loaded_before_is_noticed_too(tmp_path: Path) -> None:
    (tmp_path / "reports.py").write_text("THEIRS = True\n")
    done = python(tmp_path, "-c", AFTER_THEIRS)
    assert done.returncode == 1
    assert "hides Ackproof's own package 'reports'" in done.stderr


def test_nothing_that_could_be_hidden_is_imported_before_the_look(tmp_path: Path) -> None:
    done = python(tmp_path, "-c", "import sys, ackproof.cli.entry; print(*sys.modules)")
    assert {name.partition(".")[0] for name in done.stdout.split()} & set(PACKAGES) == set(), done.stderr


def shadows_by_default(project: Path) -> bool:
    """Whether Python takes the project's `reports`: a folder without __init__.py gives way to a package."""
    found = python(project, "-c", "import reports; print(reports.__file__)").stdout
    return found.strip() == "None" or str(project) in found
