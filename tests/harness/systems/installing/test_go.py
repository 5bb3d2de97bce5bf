"""Modules are accepted by the lines of go.sum that are their pins; go itself refuses others."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

import pytest

from harness.errors import CouldNotRun
from harness.systems.installing import install
from harness.systems.installing.folders import record_of
from harness.systems.installing.recipe import Binary, Recipe, Release
from harness.systems.installing.sources.go import Go, checksums_in, lines_of

needs_go = pytest.mark.skipif(shutil.which("go") is None, reason="needs go: Debian has it in golang-go")

MODULE = "ackproof.invalid/urn"
URN = Recipe(
    system="urn",
    programs=(Binary("urn", version=r"urn (\S+)", debian="urn"),),
    releases=(Release("1.0.0", Go(MODULE, "urn"), {"urn": ("bin/urn",)}, needs_mib=1),),
)
PINS = {
    "go.uber.org/zap@v1.27.0": "h1:aJMhYGrd5QSmlpLMr2MftRKl7t8J8PTZPA732ud/XR8=",
    "go.uber.org/zap@v1.27.0/go.mod": "h1:GB2qFLM7cTU87MWRP2mPIjqfIDnGu+VIO4V/SdhGo2E=",
}


@pytest.fixture
def proxy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder with one module, which go uses in place of the proxy."""
    versions = tmp_path / "proxy" / MODULE / "@v"
    versions.mkdir(parents=True)
    (versions / "v1.0.0.info").write_text('{"Version": "v1.0.0"}')
    (versions / "v1.0.0.mod").write_text(f"module {MODULE}\n")
    with zipfile.ZipFile(versions / "v1.0.0.zip", "w") as archive:
        archive.writestr(f"{MODULE}@v1.0.0/go.mod", f"module {MODULE}\n")
        archive.writestr(f"{MODULE}@v1.0.0/main.go", 'package main\n\nfunc main() { println("urn 1.0.0") }\n')
    monkeypatch.setenv("GOPROXY", f"file://{tmp_path / 'proxy'}")
    monkeypatch.setenv("GONOSUMDB", "*")
    monkeypatch.setenv("GOMODCACHE", str(tmp_path / "modules"))


def test_pins_are_lines_of_go_sum() -> None:
    assert checksums_in(lines_of(PINS)) == PINS


@needs_go
@pytest.mark.usefixtures("proxy")
def test_another_checksum_than_the_pinned_one_is_refused_with_both(tmp_path: Path) -> None:
    wrong = f"h1:{'A' * 43}="
    with pytest.raises(
        CouldNotRun, match=f"^{MODULE}@v1.0.0 is refused: its checksum is h1:.*, and {wrong} was"
    ):
        install(URN, home=tmp_path / "home", pins={f"{MODULE}@v1.0.0": wrong})


@needs_go
@pytest.mark.usefixtures("proxy")
def test_a_module_without_a_pin_is_refused_before_it_is_built(tmp_path: Path) -> None:
    with pytest.raises(CouldNotRun, match=f"^{MODULE}@v1.0.0.* has no pinned checksum"):
        install(URN, home=tmp_path / "home", pins={})


@needs_go
@pytest.mark.campaign
@pytest.mark.usefixtures("proxy")
def test_a_module_is_built_with_and_without_its_pins(tmp_path: Path) -> None:
    first = record_of(install(URN, home=tmp_path / "first", pins={}, unpinned=True))
    assert first is not None
    assert set(first.unpinned) == {f"{MODULE}@v1.0.0", f"{MODULE}@v1.0.0/go.mod"}
    second = record_of(install(URN, home=tmp_path / "second", pins=first.artifacts))
    assert second is not None
    assert (second.unpinned, second.artifacts) == ((), first.artifacts)
