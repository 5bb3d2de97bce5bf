"""Tokens with roles: what each may ask for, and what a refusal says."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node_impl.io.http.access import EVERYTHING, Access, Role, needed_for, tokens_in
from node_impl.io.http.connection import HttpMessage

TOKENS = {"r" * 20: Role.READ, "w" * 20: Role.WRITE, "a" * 20: Role.ADMIN}
INSTANCE, MEMBERS = "/nacos/v1/ns/instance", "/v1/admin/members"


def message(method: str, path: str, token: str = "", query: str = "") -> HttpMessage:
    made = HttpMessage()
    made.method, made.path, made.query = method, path, query
    if token:
        made.headers.add(b"Authorization", b"Bearer " + token.encode())
    return made


@pytest.mark.parametrize(
    ("method", "path", "role"),
    [
        ("GET", "/v1/admin/health", Role.NONE),
        ("GET", INSTANCE, Role.READ),
        ("GET", "/metrics", Role.READ),
        ("GET", "/v1/admin/status", Role.READ),
        ("POST", "/nacos/v1/cs/configs/listener", Role.READ),
        ("POST", INSTANCE, Role.WRITE),
        ("PUT", "/nacos/v1/ns/instance/beat", Role.WRITE),
        ("BREW", "/nowhere", Role.WRITE),
        ("POST", MEMBERS, Role.ADMIN),
        ("GET", MEMBERS, Role.ADMIN),
        ("PUT", "/v1/admin/leader", Role.ADMIN),
    ],
)
@pytest.mark.parametrize("has", [Role.NONE, Role.READ, Role.WRITE, Role.ADMIN])
def test_a_role_may_do_what_it_needs_and_less(method: str, path: str, role: Role, has: Role) -> None:
    assert needed_for(method, path) is role
    token = next((token for token, its in TOKENS.items() if its is has), "")
    refused = Access(TOKENS, Role.NONE).refusal(message(method, path, token))
    assert (refused is None) == (has >= role)
    assert (Access({}, has).refusal(message(method, path)) is None) == (has >= role)
    if refused is not None:
        assert refused.status == (403 if token else 401)
        assert json.loads(refused.body)["proposed"] is False


@pytest.mark.parametrize(
    ("token", "status", "code", "reason"),
    [
        ("", 401, "no-token", "needs a token with the role write; send `Authorization: Bearer TOKEN`"),
        ("x" * 20, 401, "unknown-token", "does not know the token"),
        ("r" * 20, 403, "forbidden", "the token has the role read, but this needs write"),
    ],
)
def test_a_refusal_says_which_rule_and_shows_no_token(
    token: str, status: int, code: str, reason: str
) -> None:
    refused = Access(TOKENS, Role.READ).refusal(message("POST", INSTANCE, token))
    assert refused is not None
    said = json.loads(refused.body)
    assert (refused.status, said["error"]) == (status, code)
    assert reason in said["reason"]
    assert not token or token not in said["reason"]


def test_a_token_may_come_as_nacos_clients_send_it() -> None:
    access = Access(TOKENS, Role.NONE)
    assert access.refusal(message("GET", INSTANCE, query="serviceName=a&accessToken=" + "r" * 20)) is None
    assert access.refusal(message("GET", INSTANCE, query="accessToken=")) is not None
    for parameters in ("username=nacos&password=" + "r" * 20, "accessToken=" + "r" * 20):
        assert access.refusal(message("GET", INSTANCE, query=parameters)) is None
        in_a_form = message("GET", INSTANCE, query="dataId=a")
        in_a_form.body = parameters.encode()
        assert access.refusal(in_a_form) is None
    assert EVERYTHING.refusal(message("POST", MEMBERS)) is None


@given(
    st.lists(st.sampled_from(["accessToken", "=", "&", ";", "%", "%00", "%ff", "\x00", "\xff", "r" * 20])),
    st.integers(0, 70),
)
def test_any_query_of_a_stranger_is_refused_and_none_is_a_defect(parts: list[str], more: int) -> None:
    query = "accessToken=" + "".join(parts) + "&a=1" * more
    refused = Access(TOKENS, Role.READ).refusal(message("POST", INSTANCE, query=query))
    assert refused is not None
    assert refused.status in (400, 401, 403)
    assert json.loads(refused.body)["proposed"] is False


def test_more_parameters_than_a_request_may_have_are_refused_as_such() -> None:
    query = "accessToken=x" + "&a=1" * 1000
    refused = Access(TOKENS, Role.READ).refusal(message("POST", INSTANCE, query=query))
    assert refused is not None
    said = json.loads(refused.body)
    assert (refused.status, said["error"]) == (400, "bad-request")
    assert said["reason"] == "the query or the form has more than 64 parameters"


def test_tokens_are_read_from_lines() -> None:
    text = f"# of the laboratory\n\nread {'r' * 20}\nadmin   {'a' * 20}\n"
    assert tokens_in(text) == {"r" * 20: Role.READ, "a" * 20: Role.ADMIN}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "there is no token in it"),
        ("root " + "a" * 20, "line 1 begins with no role"),
        ("read short", "line 1: a token has at least 20 printable"),
        ("read " + "a" * 20 + "\x00", "line 1: a token has"),
        (f"read {'a' * 20}\nwrite {'a' * 20}", "line 2 has a token that stood there before"),
    ],
)
def test_a_file_that_is_none_is_refused_without_showing_it(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why) as caught:
        tokens_in(text)
    assert "aaa" not in str(caught.value)
