"""Every recipe is complete: its programs have places, its downloads have pins, and names are used once."""

from __future__ import annotations

import re

import pytest

from harness.systems.installing import RECIPES, Recipe, Release
from harness.systems.installing.pins import FOLDER, all_pins
from harness.systems.installing.recipe import Binary, Jars
from harness.systems.installing.tools import PACKAGES

RELEASES = [(recipe, release) for recipe in RECIPES.values() for release in recipe.releases]
each_release = pytest.mark.parametrize(
    ("recipe", "release"),
    RELEASES,
    ids=[f"{recipe.system}@{release.version}" for recipe, release in RELEASES],
)


@each_release
def test_a_release_says_where_each_program_is_and_nothing_else(recipe: Recipe, release: Release) -> None:
    assert set(release.where) == {program.name for program in recipe.programs}
    for places in (*release.where.values(), release.libraries):
        assert [place for place in places if place.startswith("/") or ".." in place.split("/")] == []


@each_release
def test_a_release_has_pins_and_its_source_needs_known_tools(recipe: Recipe, release: Release) -> None:
    pins = all_pins(recipe.system)[release.version]
    assert pins
    assert [pin for pin in pins.values() if not re.fullmatch(r"sha256:[0-9a-f]{64}|h1:\S{43}=", pin)] == []
    assert [tool for tool in release.source.tools if tool not in PACKAGES] == []


def test_there_are_pins_for_releases_only() -> None:
    pinned = {(file.stem, version) for file in FOLDER.glob("*.json") for version in all_pins(file.stem)}
    assert pinned == {(recipe.system, release.version) for recipe, release in RELEASES}


@pytest.mark.parametrize("system", RECIPES)
def test_versions_are_named_once_and_patterns_have_one_group(system: str) -> None:
    recipe = RECIPES[system]
    versions = [release.version for release in recipe.releases]
    assert len(versions) == len(set(versions)) > 0
    for program in recipe.programs:
        if isinstance(program, Binary | Jars):
            assert re.compile(program.version).groups == 1
