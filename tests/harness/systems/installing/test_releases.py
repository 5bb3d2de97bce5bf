"""Campaign: the real releases, with their pins; each must start and name its version."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.systems.installing import RECIPES, install, located
from harness.systems.installing.folders import record_of
from harness.systems.installing.sources.debian import Debian
from harness.systems.installing.sources.pip import Pip
from tests.harness.systems.installing.debs import needs_debian

RELEASES = [(system, release) for system, recipe in RECIPES.items() for release in recipe.releases]
OF_DEBIAN = [(system, one.version) for system, one in RELEASES if isinstance(one.source, Debian)]
OF_PIP = [(system, one.version) for system, one in RELEASES if isinstance(one.source, Pip)]
BUILT = [(system, one.version) for system, one in RELEASES if not isinstance(one.source, Debian | Pip)]
IN_CI = [one for one in OF_PIP if one[1] in ("3.5.1", "0.3.17", "0.3.10")]


def is_brought(system: str, version: str, home: Path) -> None:
    """Install a release, and find each of its programs."""
    record = record_of(install(RECIPES[system], version, home=home, say=print))
    assert record is not None
    assert record.unpinned == ()
    for program in RECIPES[system].programs:
        found = located(system, version, program=program.name, home=home)
        assert (found.version, found.from_where) == (version, "installed")


@needs_debian
@pytest.mark.campaign
@pytest.mark.timeout(600)
@pytest.mark.parametrize(("system", "version"), OF_DEBIAN)
def test_a_release_of_debian_is_brought(system: str, version: str, tmp_path: Path) -> None:
    is_brought(system, version, tmp_path)


@pytest.mark.campaign
@pytest.mark.timeout(600)
@pytest.mark.parametrize(("system", "version"), IN_CI)
def test_a_release_of_the_package_index_is_brought(system: str, version: str, tmp_path: Path) -> None:
    is_brought(system, version, tmp_path)


@pytest.mark.thorough
@pytest.mark.timeout(3600)
@pytest.mark.parametrize(("system", "version"), [one for one in OF_PIP if one not in IN_CI] + BUILT)
def test_any_other_release_is_brought(system: str, version: str, tmp_path: Path) -> None:
    is_brought(system, version, tmp_path)
