"""What Maven is asked for, and that the launchers that are compiled with it are there."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from harness.systems.installing import RECIPES
from harness.systems.installing.sources.maven import SYSTEMS, Maven

SPACE = "{http://maven.apache.org/POM/4.0.0}"
MAVEN = [
    release.source
    for recipe in RECIPES.values()
    for release in recipe.releases
    if isinstance(release.source, Maven)
]


def test_libraries_lists_of_versions_and_what_is_left_out_stand_in_the_project() -> None:
    source = Maven(("a:b:1", "a:c:2"), imports=("a:all:1",), without=("x:y",))
    project = ElementTree.fromstring(source.pom())
    listed = project.findall(f"{SPACE}dependencies/{SPACE}dependency")
    assert [[part.text for part in one[:3]] for one in listed] == [["a", "b", "1"], ["a", "c", "2"]]
    for one in listed:
        assert [part.text for part in one.findall(f"{SPACE}exclusions/{SPACE}exclusion/*")] == ["x", "y"]
    [imported] = project.findall(f"{SPACE}dependencyManagement/{SPACE}dependencies/{SPACE}dependency")
    assert [part.text for part in imported] == ["a", "all", "1", "pom", "import"]


@pytest.mark.parametrize("source", MAVEN, ids=lambda source: source.libraries[0])
def test_each_library_has_a_version_and_each_launcher_is_there(source: Maven) -> None:
    assert [one for one in (*source.libraries, *source.imports) if len(one.split(":")) != 3] == []
    assert [one for one in source.without if len(one.split(":")) != 2] == []
    assert [one for one in source.launchers if not (SYSTEMS / one).is_file()] == []
