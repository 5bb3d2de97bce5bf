"""Unpacks Debian packages into a folder: their files alone, and none of them outside of it.

The scripts of a package (preinst, postinst, ...) lie in another part of it, which is not read.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
from pathlib import Path, PurePosixPath

from harness.errors import CouldNotRun

_END_BOUND_S = 60.0


def unpack_deb(package: Path, folder: Path) -> None:
    """Put the files of a package into a folder.

    Links to absolute paths are turned into relative ones, as if the folder were the root. Rights but those of
    reading and executing are dropped.

    Raises:
        CouldNotRun: the package is damaged, or holds what would lie outside of the folder, or a device.
    """
    with subprocess.Popen(  # noqa: S603
        ["dpkg-deb", "--fsys-tarfile", str(package)],  # noqa: S607
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            with tarfile.open(fileobj=process.stdout, mode="r|") as archive:
                unpack(archive, folder, package.name)
        except (tarfile.TarError, OSError) as error:
            process.kill()
            raise CouldNotRun(f"{package.name} cannot be unpacked: {error}") from error
        except BaseException:
            process.kill()
            raise
        process.stdout.read()
        problem = process.stderr.read().decode(errors="replace").strip()
        status = process.wait(_END_BOUND_S)
    if status != 0:
        raise CouldNotRun(f"{package.name} cannot be unpacked: {problem.splitlines()[-1:] or status}")


def unpack(archive: tarfile.TarFile, folder: Path, name: str) -> None:
    """Put the members of an archive into a folder.

    Args:
        archive: opened for reading, may be a stream.
        folder: an existing folder.
        name: of the archive, for messages.

    Raises:
        CouldNotRun: a member would lie outside of the folder, or is neither file, folder nor link.
    """
    root = folder.resolve()
    for member in archive:
        path = _inside(root, PurePosixPath("/"), member.name, name)
        if path == root:
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.parent.resolve().is_relative_to(root):
            raise _escapes(name, member.name)
        if member.isdir():
            if not path.resolve().is_relative_to(root):
                raise _escapes(name, member.name)
            path.mkdir(exist_ok=True)
        elif member.isfile():
            _write(archive, member, path)
        elif member.issym():
            inside = PurePosixPath("/") / path.parent.relative_to(root)
            target = _inside(root, inside, member.linkname, name)
            path.unlink(missing_ok=True)
            path.symlink_to(os.path.relpath(target, path.parent))
        elif member.islnk():
            target = _inside(root, PurePosixPath("/"), member.linkname, name)
            if not target.resolve().is_relative_to(root) or not target.is_file():
                raise _escapes(name, member.name)
            path.unlink(missing_ok=True)
            shutil.copy(target, path)
        else:
            raise CouldNotRun(f"{name} is refused: {member.name!r} in it is neither file, folder nor link")


def _write(archive: tarfile.TarFile, member: tarfile.TarInfo, path: Path) -> None:
    content = archive.extractfile(member)
    assert content is not None, "a file has content"
    path.unlink(missing_ok=True)  # a link of this name must not be followed
    with path.open("xb") as file:
        shutil.copyfileobj(content, file)
    path.chmod(0o755 if member.mode & 0o111 else 0o644)


def _inside(root: Path, base: PurePosixPath, path: str, name: str) -> Path:
    """The place below the root of a path that is absolute or relative to `base`; no path climbs out of it."""
    depth: list[str] = []
    for part in (base / path).parts[1:]:
        if part == "..":
            if not depth:
                raise _escapes(name, path)
            depth.pop()
        elif part != ".":
            depth.append(part)
    return root.joinpath(*depth)


def _escapes(name: str, path: str) -> CouldNotRun:
    return CouldNotRun(f"{name} is refused: {path!r} in it would lie outside of its folder")
