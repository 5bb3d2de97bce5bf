"""Reads what only the node may know from files and the environment; nothing of it is ever in an argument
list.

A file with a secret may be readable by its owner alone, as ssh demands it of keys. A secret that is missing
or cannot be used is refused at the start, in one line that never shows it.
"""

from __future__ import annotations

import ipaddress
import os
import ssl
import stat
from collections.abc import MutableMapping
from pathlib import Path

from node_impl.io.http.access import Access, Role, tokens_in
from node_impl.io.transport import NO_SECRET, Address, Secret

PEER_SECRET = "ACKPROOF_PEER_SECRET"  # noqa: S105 - the name of a variable
"""The environment variable that may hold the secret of the cluster's nodes."""
TOKENS = "ACKPROOF_TOKENS"
"""The environment variable that may hold what `--tokens` would name a file with."""
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


def access(
    file: Path | None, anonymous: Role | None, is_local: bool, environment: MutableMapping[str, str]
) -> Access:
    """Who may ask this node for what. The variable is removed from `environment`.

    Args:
        file: has the tokens.
        anonymous: what clients without one may do; None for what suits the rest.
        is_local: whether only this machine reaches the node.

    Raises:
        CannotUse: the tokens are no such, or clients without one could change the members from other
        machines.
    """
    given = environment.pop(TOKENS, None)
    if file is not None and given is not None:
        raise CannotUse(f"the tokens are given by --tokens and by {TOKENS}; give them once")
    tokens: dict[str, Role] = {}
    if file is not None or given is not None:
        whence = TOKENS if file is None else f"--tokens {file}"
        try:
            text = (given or "").encode() if file is None else private_file(file, "--tokens")
            tokens = tokens_in(text.decode())
        except ValueError as problem:  # also text that is not UTF-8
            raise CannotUse(f"{whence}: {problem}") from None
    if anonymous is Role.ADMIN and not is_local:
        raise CannotUse(
            "--anonymous admin would let every machine that reaches this node change its members; "
            "give --tokens FILE with an admin's token instead"
        )
    if anonymous is None:
        without = Role.ADMIN if is_local else Role.WRITE
        anonymous = Role.NONE if tokens else without
    return Access(tokens, anonymous)


def tls_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """The certificate with which clients are served by TLS 1.2 or newer.

    Raises:
        CannotUse: the files are no certificate and its key, or the key is open to other users.
    """
    private_file(key, "--tls-key")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(certificate, key, password=_no_password)
    except (ssl.SSLError, OSError, ValueError) as problem:
        why = getattr(problem, "reason", None) or getattr(problem, "strerror", None) or str(problem)
        raise CannotUse(f"--tls-certificate {certificate} with --tls-key {key}: {why}") from problem
    return context


def _no_password() -> str:
    raise ValueError("the key is encrypted; a node cannot ask for its password")


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
