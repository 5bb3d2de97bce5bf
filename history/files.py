"""Reads and writes files that an attacker may have prepared.

- Only regular files are read. A pipe or a device is refused without waiting for it.
- Inside a folder that is not trusted, no link is followed: not the last part of a path, nor any before it.
- A file that is written appears whole or not at all, and replaces a link instead of its target.
- JSON is decoded with a bound on its size and on its depth.

Each refusal is one `RefusedFile`, whose message names the file and the rule.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, TypeVar

import msgspec

from history.limits import MOST_DEPTH, MOST_DOCUMENT_BYTES

T = TypeVar("T")
LONGEST_MESSAGE = 300
UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What decoding JSON may raise."""

_READ = os.O_RDONLY | os.O_CLOEXEC
_FOLDER = _READ | os.O_DIRECTORY
_TEXT_OR_BRACKET = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[{]|[\]}]', re.DOTALL)


class RefusedFile(ValueError):
    """A file is not read or not written; the message says which, and why."""

    def __init__(self, path: Path, rule: str) -> None:
        super().__init__(f"{path}: {rule}")
        self.path = path
        self.rule = rule


def open_regular(path: Path, *, root: Path | None = None) -> BinaryIO:
    """Open a regular file for reading.

    Args:
        root: a folder that is not trusted and holds the file; no link below it is followed. Without it, the
            user has named the file, and a link is followed.

    Raises:
        FileNotFoundError: there is no such file.
        RefusedFile: it is no regular file, or a link; or it may not be read.
    """
    try:
        if root is None:
            descriptor = os.open(path, _READ | os.O_NONBLOCK)
        else:
            with _folder_of(path, root) as (folder, name):
                descriptor = os.open(name, _READ | os.O_NONBLOCK | os.O_NOFOLLOW, dir_fd=folder)
    except FileNotFoundError:
        raise
    except ValueError as error:  # a null character in the path
        raise RefusedFile(path, brief(error)) from error
    except OSError as error:
        raise _refusal(path, error) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise RefusedFile(path, "not a regular file")
    return os.fdopen(descriptor, "rb")


def read_regular(path: Path, *, root: Path | None = None, most_bytes: int = MOST_DOCUMENT_BYTES) -> bytes:
    """The content of a regular file; see `open_regular`.

    Raises:
        FileNotFoundError: there is no such file.
        RefusedFile: as for `open_regular`; or it has more bytes than allowed.
    """
    with open_regular(path, root=root) as file:
        if os.fstat(file.fileno()).st_size > most_bytes:
            raise RefusedFile(path, f"larger than {most_bytes:,} bytes")
        data = file.read(most_bytes + 1)
    if len(data) > most_bytes:
        raise RefusedFile(path, f"larger than {most_bytes:,} bytes")
    return data


def is_regular(path: Path, root: Path) -> bool:
    """Whether a folder that is not trusted holds a regular file at this path, not behind a link."""
    try:
        with _folder_of(path, root) as (folder, name):
            found = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except (OSError, RefusedFile):
        return False
    return stat.S_ISREG(found.st_mode)


def names_in(path: Path, root: Path) -> list[str]:
    """The names in a folder inside a folder that is not trusted, sorted; none if it does not exist.

    Raises:
        RefusedFile: it is no folder, or a link.
    """
    try:
        with _folder_of(path, root) as (folder, name):
            descriptor = os.open(name, _FOLDER | os.O_NOFOLLOW, dir_fd=folder)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise _refusal(path, error) from error
    try:
        return sorted(os.listdir(descriptor))
    finally:
        os.close(descriptor)


@contextmanager
def replacing(path: Path, *, root: Path, is_synced: bool = False) -> Iterator[BinaryIO]:
    """Write a file inside a folder that is not trusted: it appears whole at the end, or not at all.

    Args:
        is_synced: the content is on disk before the file has its name.

    Raises:
        RefusedFile: the path leads out of `root`, or over a link.
        OSError: the disk is full, or the folder not writable.
    """
    with _folder_of(path, root) as (folder, name):
        unfinished = f"{name}.unfinished"
        if stat.S_ISDIR(_mode(name, folder)):
            raise RefusedFile(path, "a folder stands where this file is to be written; remove it")
        with suppress(FileNotFoundError):
            os.unlink(unfinished, dir_fd=folder)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        with os.fdopen(os.open(unfinished, flags, 0o644, dir_fd=folder), "wb") as file:
            yield file
            file.flush()
            if is_synced:
                os.fsync(file.fileno())
        os.replace(unfinished, name, src_dir_fd=folder, dst_dir_fd=folder)
        if is_synced:
            os.fsync(folder)


def replace_file(path: Path, data: bytes, *, root: Path, is_synced: bool = False) -> None:
    """Write a file with this content; see `replacing`.

    Raises:
        RefusedFile: as for `replacing`.
        OSError: as for `replacing`.
    """
    with replacing(path, root=root, is_synced=is_synced) as file:
        file.write(data)


def decode_json(data: bytes, type_: type[T], *, where: Path) -> T:
    """Decode a JSON document of bounded depth.

    Raises:
        RefusedFile: it is not JSON, of another form, or too deep.
    """
    if is_too_deep(data):
        raise RefusedFile(where, f"nested deeper than {MOST_DEPTH}")
    try:
        return msgspec.json.decode(data, type=type_)
    except UNREADABLE as error:
        raise RefusedFile(where, f"cannot be read: {brief(error)}") from error


def brief(error: object) -> str:
    """What an error says, on one line of bounded length, with controls as escapes: it may quote the file."""
    text = str(error)
    shown = text[:LONGEST_MESSAGE] + ("..." if len(text) > LONGEST_MESSAGE else "")
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in shown)


def is_too_deep(data: bytes) -> bool:
    """Whether JSON has more than `MOST_DEPTH` arrays and objects within each other."""
    if data.count(b"[") + data.count(b"{") <= MOST_DEPTH:
        return False
    depth = 0
    for found in _TEXT_OR_BRACKET.finditer(data):
        match data[found.start()]:
            case 0x5B | 0x7B:  # [ {
                depth += 1
                if depth > MOST_DEPTH:
                    return True
            case 0x5D | 0x7D:  # ] }
                depth -= 1
    return False


@contextmanager
def _folder_of(path: Path, root: Path) -> Iterator[tuple[int, str]]:
    """Open the folder that holds a path, step by step from `root`; give it and the path's last part."""
    parts = path.relative_to(root).parts if path.is_relative_to(root) else ()
    if not parts or ".." in parts:
        raise RefusedFile(path, f"not inside {root}")
    folder = os.open(root, _FOLDER)
    try:
        for part in parts[:-1]:
            try:
                deeper = os.open(part, _FOLDER | os.O_NOFOLLOW, dir_fd=folder)
            except NotADirectoryError as error:
                raise RefusedFile(path, f"{part!r} in its path is a link or no folder") from error
            os.close(folder)
            folder = deeper
        yield folder, parts[-1]
    finally:
        os.close(folder)


def _mode(name: str, folder: int) -> int:
    try:
        return os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode
    except FileNotFoundError:
        return 0


def _refusal(path: Path, error: OSError) -> RefusedFile:
    if error.errno == errno.ELOOP:
        return RefusedFile(path, "a link, which is not followed here; put the file itself there")
    if error.errno == errno.ENXIO:
        return RefusedFile(path, "not a regular file")
    return RefusedFile(path, f"cannot be read: {error.strerror}")
