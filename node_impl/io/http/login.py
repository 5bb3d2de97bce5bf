"""Nacos's login: a name and a password for an access token. Pure.

Tokens are given to the nodes by a file, and are the same at all nodes (`access.py`). So a client that can
only log in sends one of them as its password, and gets it back as its access token, which every node knows.
The name says nothing. A token does not expire while the nodes run: `tokenTtl` says when the client is to log
in again.
"""

from __future__ import annotations

from typing import Final

import msgspec

from node_impl.core.api.parameters import BadParameter, Parameters
from node_impl.core.api.replies import NodeReply, refuse
from node_impl.io.http.access import Access, Role
from node_impl.io.http.connection import HttpMessage

LOGIN: Final = frozenset({"/nacos/v1/auth/login", "/nacos/v1/auth/users/login", "/nacos/v3/auth/user/login"})
TTL_S: Final = 18_000
"""As Nacos's default."""


def log_in(message: HttpMessage, access: Access) -> NodeReply:
    """The reply to a login."""
    if message.method != "POST":
        refusal = refuse(405, "bad-method", f"{message.path} takes POST, not {message.method[:20]!r}")
        return msgspec.structs.replace(refusal, headers={"Allow": "POST"})
    try:
        given = Parameters(message.query, message.body.decode("latin-1"))
        name, password = given.required("username"), given.required("password")
    except BadParameter as error:
        return refuse(400, "bad-request", str(error))
    role = access.role_of(password)
    if role is None:
        why = "the password is none of this node's tokens; send one of --tokens as the password"
        return refuse(403, "unknown-token", why)
    body = {
        "accessToken": password,
        "tokenTtl": TTL_S,
        "globalAdmin": role is Role.ADMIN,
        "username": name,
    }
    return NodeReply(200, "application/json", msgspec.json.encode(body))
