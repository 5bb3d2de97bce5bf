"""Nothing in an archive can write outside of the folder that it is unpacked into."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.errors import CouldNotRun
from harness.systems.installing.unpacking import unpack

Member = tuple[str, bytes, str]
"""Name, type, and the content of a file or the target of a link."""
FILE, FOLDER, SYMLINK, LINK, DEVICE = tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, b"3"


def unpacked(folder: Path, *members: Member) -> Path:
    """Unpack an archive with these members into a new folder inside of this one."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name, kind, text in members:
            member = tarfile.TarInfo(name)
            member.type = kind
            if kind == FILE:
                member.size = len(text)
            else:
                member.linkname = text
            archive.addfile(member, io.BytesIO(text.encode()))
    packed.seek(0)
    into = folder / "into"
    into.mkdir()
    with tarfile.open(fileobj=packed, mode="r|") as archive:
        unpack(archive, into, "some.deb")
    return into


def test_files_folders_and_links_are_unpacked(tmp_path: Path) -> None:
    into = unpacked(
        tmp_path,
        ("./usr/", FOLDER, ""),
        ("./usr/a", FILE, "text"),
        ("./usr/b", SYMLINK, "a"),
        ("./c", SYMLINK, "/usr/a"),
        ("./d", LINK, "./usr/a"),
        ("/etc/absolute", FILE, "below the folder"),
    )
    assert [(into / name).read_text() for name in ("usr/a", "usr/b", "c", "d")] == ["text"] * 4
    assert (into / "etc/absolute").read_text() == "below the folder"


@pytest.mark.parametrize(
    "members",
    [
        [("../evil", FILE, "x")],
        [("usr/../../evil", FILE, "x")],
        [("/../evil", FILE, "x")],
        [("link", SYMLINK, "../evil"), ("link", FILE, "x")],
        [("usr/", FOLDER, ""), ("usr/link", SYMLINK, "../../evil")],
        [("link", LINK, "../evil")],
        [("null", DEVICE, "")],
    ],
    ids=["up", "up-later", "absolute-up", "link-up", "link-up-later", "hard-link", "device"],
)
def test_what_would_lie_outside_is_refused(tmp_path: Path, members: list[Member]) -> None:
    (tmp_path / "evil").write_text("as it was")
    with pytest.raises(CouldNotRun, match=r"some\.deb is refused"):
        unpacked(tmp_path, *members)
    assert (tmp_path / "evil").read_text() == "as it was"


@pytest.mark.parametrize("plant", [lambda into: (into / "out").symlink_to(into.parent)])
def test_a_link_out_of_the_folder_that_is_there_already_is_not_followed(
    tmp_path: Path, plant: Callable[[Path], None]
) -> None:
    into = unpacked(tmp_path)
    plant(into)
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("out/evil"))
    packed.seek(0)
    with tarfile.open(fileobj=packed) as archive, pytest.raises(CouldNotRun, match="outside"):
        unpack(archive, into, "some.deb")
    assert not (tmp_path / "evil").exists()


def test_a_link_is_replaced_by_a_file_of_its_name(tmp_path: Path) -> None:
    into = unpacked(tmp_path, ("a", FILE, "first"), ("b", SYMLINK, "a"), ("b", FILE, "second"))
    assert ((into / "a").read_text(), (into / "b").read_text()) == ("first", "second")
