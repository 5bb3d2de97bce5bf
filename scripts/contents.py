"""Checks that a built wheel and source archive hold what they should and nothing else.

    python scripts/contents.py dist

The wheel holds exactly what Git tracks in the packages. The source archive holds exactly what Git tracks,
but for what only the development of this repository needs. Prints what is missing and what is too much, and
exits 1.
"""

from __future__ import annotations

import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ONLY_IN_GIT = (".ci/", ".gitignore")
MADE_BY_THE_BUILD = ("PKG-INFO", "setup.cfg", "ackproof.egg-info/")


def packages() -> set[str]:
    """The folders at the top level that `pyproject.toml` packages."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return {name.removesuffix("*") for name in settings["tool"]["setuptools"]["packages"]["find"]["include"]}


def tracked() -> set[str]:
    """Each path that Git tracks and that is still there."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split("\0")
    return {path for path in listed if path and (ROOT / path).exists()}


def in_wheel(path: Path) -> set[str]:
    """The wheel's files but for the metadata that every wheel has."""
    with zipfile.ZipFile(path) as wheel:
        return {name for name in wheel.namelist() if ".dist-info/" not in name}


def in_source_archive(path: Path) -> set[str]:
    """The source archive's files, without its outer folder and what the build writes itself."""
    with tarfile.open(path) as archive:
        names = (member.name.partition("/")[2] for member in archive if member.isfile())
        return {name for name in names if not name.startswith(MADE_BY_THE_BUILD)}


def differences(what: str, found: Iterable[str], expected: Iterable[str]) -> list[str]:
    """One line for each path that is missing in `found`, or that does not belong there."""
    found, expected = set(found), set(expected)
    missing = [f"{what} lacks {path}" for path in sorted(expected - found)]
    return missing + [
        f"{what} holds {path}, which does not belong there" for path in sorted(found - expected)
    ]


def main(folder: Path) -> int:
    """Compare the one wheel and the one source archive in the folder with what Git tracks."""
    (wheel,) = folder.glob("*.whl")
    (archive,) = folder.glob("*.tar.gz")
    expected = tracked()
    wrong = [
        *differences(wheel.name, in_wheel(wheel), {p for p in expected if p.split("/")[0] in packages()}),
        *differences(
            archive.name, in_source_archive(archive), {p for p in expected if not p.startswith(ONLY_IN_GIT)}
        ),
    ]
    sys.stdout.write("\n".join(wrong) + "\n" if wrong else "both hold what they should and nothing else\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
