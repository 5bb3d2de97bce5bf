"""Who may ask for what: tokens with roles. Pure.

A token belongs to a role, and each role may do what the ones before it may. Requests without a token have the
`anonymous` role. Tokens are kept and compared as hashes, so the time that a comparison takes says nothing
of them.
"""

from __future__ import annotations

import enum
import hashlib
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import parse_qs

from node_impl.core.api.admin import LEADER, MEMBERS
from node_impl.core.api.codec import ADMIN_HEALTH
from node_impl.core.api.configs import LISTENER
from node_impl.core.api.parameters import MAX_PARAMETERS
from node_impl.core.api.replies import NodeReply, refuse
from node_impl.io.http.connection import HttpMessage

SHORTEST_TOKEN_CHARACTERS = 20
_ADMIN = frozenset({MEMBERS, LEADER})
_AS_PARAMETER = ("accessToken", "password")
_HOW = "send `Authorization: Bearer TOKEN`"


class Role(enum.IntEnum):
    """What a client may do; each may do what the ones before it may."""

    NONE = 0
    READ = 1
    WRITE = 2
    ADMIN = 3


class Denied(NamedTuple):
    """Why a client may not ask for something."""

    status: int
    code: str
    reason: str


class Access:
    """The tokens of one node.

    Args:
        tokens: the role of each token.
        anonymous: the role of requests without one.
    """

    def __init__(self, tokens: Mapping[str, Role], anonymous: Role) -> None:
        self._roles = {_hash(token): role for token, role in tokens.items()}
        self.anonymous = anonymous

    def refusal(self, message: HttpMessage) -> NodeReply | None:
        """Why this request is refused; None if it may be asked. Of its body only a token counts."""
        if self.anonymous is Role.ADMIN:
            return None
        needed = needed_for(message.method, message.path)
        if needed <= self.anonymous:
            return None
        try:
            token = _token(message)
        except ValueError:  # what `parse_qsl` raises of more fields
            why = f"the query or the form has more than {MAX_PARAMETERS} parameters"
            return refuse(400, "bad-request", why)
        denied = self.refusal_of(needed, token, f"{message.method} {message.path}")
        return None if denied is None else refuse(denied.status, denied.code, denied.reason)

    def role_of(self, token: str) -> Role | None:
        """The role of a token; None if this node does not know it."""
        return self._roles.get(_hash(token))

    def refusal_of(self, needed: Role, token: str | None, what: str) -> Denied | None:
        """Why `what`, which needs that role, is refused to a client with that token, if it has one."""
        if needed <= self.anonymous:
            return None
        if token is None:
            why = f"{what} needs a token with the role {needed.name.lower()}; {_HOW}"
            return Denied(401, "no-token", why)
        role = self.role_of(token)
        if role is None:
            return Denied(
                401, "unknown-token", "this node does not know the token; it may be of another cluster"
            )
        if role < needed:
            has = f"the token has the role {role.name.lower()}"
            return Denied(403, "forbidden", f"{has}, but this needs {needed.name.lower()}")
        return None


EVERYTHING = Access({}, Role.ADMIN)
"""Every client may ask for everything."""


def needed_for(method: str, path: str) -> Role:
    """The role that a request needs."""
    if path == ADMIN_HEALTH:
        return Role.NONE
    if path in _ADMIN:
        return Role.ADMIN
    if method in ("GET", "HEAD") or path == LISTENER:
        return Role.READ
    return Role.WRITE


def tokens_in(text: str) -> dict[str, Role]:
    """The tokens of a file: a line for each, with the role and the token; empty lines and `#` are passed
    over.

    Raises:
        ValueError: a line is something else, a token is too short or stands there twice. The text shows no
        token.
    """
    found: dict[str, Role] = {}
    for number, line in enumerate(text.splitlines(), 1):
        role, _, token = line.strip().partition(" ")
        token = token.strip()
        if not role or role.startswith("#"):
            continue
        if role not in ("read", "write", "admin"):
            raise ValueError(
                f"line {number} begins with no role: read, write or admin, then a space and the token"
            )
        if len(token) < SHORTEST_TOKEN_CHARACTERS or not (token.isascii() and token.isprintable()):
            least = f"at least {SHORTEST_TOKEN_CHARACTERS} printable ASCII characters"
            raise ValueError(f"line {number}: a token has {least}")
        if token in found:
            raise ValueError(f"line {number} has a token that stood there before")
        found[token] = Role[role.upper()]
    if not found:
        raise ValueError("there is no token in it")
    return found


def _token(message: HttpMessage) -> str | None:
    """The token of a request: in its header, or as Nacos's clients send it, among the parameters.

    The client for Node.js does not log in. It sends its password, which is the token, with each request.

    Raises:
        ValueError: the query or the form has more parameters than any request may.
    """
    scheme, _, token = message.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        return token.strip()
    for text in (message.query, message.body.decode("latin-1")):
        if any(f"{name}=" in text for name in _AS_PARAMETER):
            given = parse_qs(text, max_num_fields=MAX_PARAMETERS)
            found = next((given[name][0] for name in _AS_PARAMETER if name in given), None)
            if found is not None:
                return found
    return None


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
