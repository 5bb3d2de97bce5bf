"""Reads what only the node may know from files and the environment; nothing of it is ever in an argument
list.

A file with a secret may be readable by its owner alone, as ssh demands it of keys. A secret that is missing
or cannot be used is refused at the start, in one line that never shows it.
"""

from __future__ import annotations

import ipaddress
import os
import stat
from collections.abc import MutableMapping
from pathlib import Path

from node_impl.io.transport import NO_SECRET, Address, Secret

PEER_SECRET = "ACKPROOF_PEER_SECRET"  # noqa: S105 - the name of a variable
"""The environment variable that may hold the secret of the cluster's nodes."""
SHORTEST_SECRET_BYTES = 32
MAX_FILE_BYTES = 64 * 1024


class CannotUse(Exception):
    """A secret is missing, or is not fit to be used; the text says why and what to do."""


def peer_secret(file: Path | None, environment: MutableMapping[str, str]) -> Secret:
    """The secret that this node shares with the others; an empty one if none is given.

    The variable is removed from `environment`, so that no process of the node inherits it.

    Raises:
        CannotUse: the file cannot be read, others may read it, it is too short, or the secret is given twice.
    """
    given = environment.pop(PEER_SECRET, None)
    if file is not None and given is not None:
        raise CannotUse(f"the secret is given by --peer-secret and by {PEER_SECRET}; give it once")
    if file is None and given is None:
        return NO_SECRET
    key = (given or "").encode() if file is None else private_file(file, "--peer-secret").strip()
    if len(key) < SHORTEST_SECRET_BYTES:
        whence = f"--peer-secret {file}" if file is not None else PEER_SECRET
        raise CannotUse(
            f"{whence} has {len(key)} bytes; take at least {SHORTEST_SECRET_BYTES} that cannot be guessed, "
            "as `openssl rand -hex 32` makes them"
        )
    return Secret(key)


def private_file(file: Path, option: str) -> bytes:
    """The content of a file that only its owner may read.

    Raises:
        CannotUse: it is no such file.
    """
    try:
        with os.fdopen(os.open(file, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK), "rb") as opened:
            found = os.fstat(opened.fileno())
            if not stat.S_ISREG(found.st_mode):
                raise CannotUse(f"{option} {file} is no regular file")
            if found.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
                raise CannotUse(f"{option} {file} is open to other users; run chmod 600 {file}")
            content = opened.read(MAX_FILE_BYTES + 1)
    except OSError as problem:
        raise CannotUse(f"{option} {file} cannot be read: {problem.strerror}") from problem
    if len(content) > MAX_FILE_BYTES:
        raise CannotUse(f"{option} {file} has more than {MAX_FILE_BYTES} bytes")
    return content


def is_loopback(address: Address) -> bool:
    """Whether only this machine reaches what listens there."""
    try:
        return ipaddress.ip_address(address.host).is_loopback
    except ValueError:
        return address.host == "localhost"
