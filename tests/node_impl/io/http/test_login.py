"""Nacos's login: one of the tokens is the password, and is given back as the access token."""

from __future__ import annotations

import json
from urllib.parse import urlencode

import pytest

from node_impl.io.http.access import Access, Role
from node_impl.io.http.connection import HttpMessage
from node_impl.io.http.login import LOGIN, log_in

ACCESS = Access({"w" * 20: Role.WRITE, "a" * 20: Role.ADMIN}, Role.NONE)
LOGIN_PATH = "/nacos/v1/auth/login"


def message(fields: dict[str, str], method: str = "POST", in_query: bool = False) -> HttpMessage:
    made = HttpMessage()
    made.method, made.path = method, LOGIN_PATH
    if in_query:
        made.query = urlencode(fields)
    else:
        made.body = urlencode(fields).encode()
    return made


@pytest.mark.parametrize("in_query", [True, False])
@pytest.mark.parametrize(("token", "is_admin"), [("w" * 20, False), ("a" * 20, True)])
def test_the_token_is_given_back(token: str, is_admin: bool, in_query: bool) -> None:
    reply = log_in(message({"username": "nacos", "password": token}, in_query=in_query), ACCESS)
    said = json.loads(reply.body)
    assert (reply.status, said["accessToken"], said["globalAdmin"]) == (200, token, is_admin)
    assert said["tokenTtl"] > 0
    asked = HttpMessage()
    asked.method, asked.path = "POST", "/nacos/v1/ns/instance"
    asked.query = urlencode({"accessToken": said["accessToken"]})
    assert ACCESS.refusal(asked) is None, "and it may write"


@pytest.mark.parametrize(
    ("fields", "method", "status", "error"),
    [
        ({"username": "nacos", "password": "nacos"}, "POST", 403, "unknown-token"),
        ({"username": "nacos"}, "POST", 400, "bad-request"),
        ({"password": "w" * 20}, "POST", 400, "bad-request"),
        ({"username": "nacos", "password": "w" * 20}, "GET", 405, "bad-method"),
    ],
)
def test_what_is_no_login_is_refused_and_shows_no_token(
    fields: dict[str, str], method: str, status: int, error: str
) -> None:
    reply = log_in(message(fields, method), ACCESS)
    assert (reply.status, json.loads(reply.body)["error"]) == (status, error)
    assert b"www" not in reply.body


def test_each_path_at_which_a_client_logs_in_is_served() -> None:
    assert sorted(LOGIN) == [LOGIN_PATH, "/nacos/v1/auth/users/login", "/nacos/v3/auth/user/login"]
