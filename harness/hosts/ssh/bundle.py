"""What a remote host needs besides Python to run a node: our own source and the modules it imports.

One archive, packed once a run from what *this* Python runs: the source of our packages from where they
are installed (so an editable installation ships what is being edited), and the installed files of the
distributions that they need, with all that those need. It is unpacked next to the node's data and put
on PYTHONPATH, so a host needs `python3` and nothing else: no pip, no venv module (Debian has it
apart), no way to a package index, and nothing is installed there.

The price: compiled modules run only on a Python and a platform like this one, so `mismatch` compares
them before anything is copied. A wheelhouse with a venv would have the same limit unless wheels for
every platform were fetched, and would need more on the host.
"""

from __future__ import annotations

import importlib.util
import platform
import re
import sys
import tarfile
from collections.abc import Mapping, Sequence
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

import msgspec

_REQUIREMENT_NAME = re.compile(r"[A-Za-z0-9._-]+")
_LEFT_OUT = (".pyc", ".c", ".pyx", ".pxd", ".pyi", ".h")


class Deployment(msgspec.Struct, frozen=True):
    """The parts that a system's node consists of."""

    packages: tuple[str, ...] = ()
    """Our own packages, by import name."""
    distributions: tuple[str, ...] = ()
    """The distributions of others that it imports directly."""
    files: Mapping[str, Path] = {}
    """Programs and other files: by name in the folder where all is unpacked, the file on this machine."""


def pack(deployment: Deployment, archive: Path) -> int:
    """Write the archive; how many bytes it and what is unpacked from it need together.

    Raises:
        PackageNotFoundError: a distribution is not installed here.
    """
    total = 0
    with tarfile.open(archive, "w:gz", compresslevel=6) as tar:
        for name, path in _files(deployment):
            tar.add(path, arcname=name, recursive=False)
            total += path.stat().st_size
    return total + archive.stat().st_size


def mismatch(facts: Mapping[str, Any]) -> str | None:
    """Why a host with these facts (agent.py) cannot run what is packed here; None if it can."""
    here = [sys.implementation.name, *sys.version_info[:2], platform.machine(), platform.libc_ver()[0]]
    there = [facts["implementation"], *facts["python"][:2], facts["machine"], facts["libc"]]
    if here == there:
        return None
    return f"it has {_in_words(there)}, and this is {_in_words(here)}; compiled modules need the same"


def _in_words(platform_facts: Sequence[Any]) -> str:
    implementation, major, minor, machine, libc = platform_facts
    return f"{implementation} {major}.{minor} on {machine} with {libc or 'an unknown libc'}"


def _files(deployment: Deployment) -> list[tuple[str, Path]]:
    """(name in the archive, file), each once."""
    found: dict[str, Path] = {}
    for package in deployment.packages:
        spec = importlib.util.find_spec(package)
        assert spec is not None
        assert spec.origin is not None, f"{package} is a package with an __init__"
        base = Path(spec.origin).parent
        for path in sorted(base.rglob("*.py")):
            found[f"{package}/{path.relative_to(base)}"] = path
    found |= deployment.files
    for one in _with_requirements(deployment.distributions):
        for file in one.files or ():
            path = Path(str(file.locate()))
            if ".." not in file.parts and path.suffix not in _LEFT_OUT and path.is_file():
                found[str(file)] = path
    return sorted(found.items())


def _with_requirements(names: Sequence[str]) -> list[Distribution]:
    """These distributions and all that they require here."""
    found: dict[str, Distribution] = {}
    waiting = [(name, True) for name in names]
    while waiting:
        name, is_needed = waiting.pop()
        key = re.sub(r"[-_.]+", "-", name).lower()
        if key in found:
            continue
        try:
            found[key] = distribution(name)
        except PackageNotFoundError:
            if is_needed:
                raise
            continue
        for requirement in found[key].requires or ():
            matched = _REQUIREMENT_NAME.match(requirement)
            if matched is not None and "extra ==" not in requirement:
                waiting.append((matched[0], False))
    return list(found.values())
