from __future__ import annotations

from urllib.parse import unquote_plus

import pytest

from node_impl.core.api.configs import CONFIGS, LISTENER
from node_impl.core.registry.configs import md5_of
from node_impl.core.requests import (
    Config,
    ConfigKey,
    ConfigVersion,
    Done,
    GetConfig,
    HeldConfig,
    ListenConfigs,
    PublishConfig,
    RemoveConfig,
)
from tests.node_impl.core.api.asking import body_of, refusal_of, rendered

NAME = {"dataId": "app.yaml", "group": "G"}
KEY = ConfigKey("", "G", "app.yaml")
MD5 = md5_of("x: ü")


def test_a_configuration_is_published_read_and_removed_by_its_method() -> None:
    assert body_of("POST", CONFIGS, **NAME, content="x: ü") == PublishConfig(KEY, "x: ü")
    assert body_of("POST", CONFIGS, **NAME, content="x", type="yaml", casMd5=MD5) == PublishConfig(
        KEY, "x", "yaml", MD5
    )
    assert body_of("POST", CONFIGS, {"casMd5": MD5}, **NAME, content="x") == PublishConfig(
        KEY, "x", expected_md5=MD5
    )
    assert body_of("GET", CONFIGS, **NAME, tenant="t") == GetConfig(ConfigKey("t", "G", "app.yaml"))
    assert body_of("DELETE", CONFIGS, **NAME) == RemoveConfig(KEY)


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ({"content": ""}, "parameter content is missing"),
        ({"content": "x" * 65_537}, "content has 65537 bytes; at most 65536 are allowed"),
        ({"group": ""}, "parameter group is missing"),
        ({"dataId": "a b"}, "dataId must be 1 to 128 of letters, digits and . _ : -, not 'a b'"),
        ({"dataId": "a\x02b"}, "dataId must be"),
        ({"tenant": "ü"}, "tenant must be"),
        ({"type": "x\r\nSet-Cookie: y"}, "type must be 1 to 32 of lower-case letters"),
        ({"casMd5": "abc"}, "casMd5 must be 32 hex digits in lower case, not 'abc'"),
    ],
)
def test_a_bad_configuration_is_refused(query: dict[str, str], reason: str) -> None:
    assert reason in refusal_of("POST", CONFIGS, None, **{**NAME, "content": "x", **query})


def test_listening_uses_nacos_own_format_in_requests_and_replies() -> None:
    text = f"app.yaml\x02G\x02{MD5}\x02t\x01other\x02G\x02\x01"
    in_tenant, other = ConfigKey("t", "G", "app.yaml"), ConfigKey("", "G", "other")
    listened = ListenConfigs((HeldConfig(in_tenant, MD5), HeldConfig(other, "")))
    assert body_of("POST", LISTENER, **{"Listening-Configs": text}) == listened
    waiting = body_of("POST", LISTENER, {"Long-Pulling-Timeout": "30000"}, **{"Listening-Configs": text})
    assert isinstance(waiting, ListenConfigs)
    assert waiting.wait_ms == 30_000
    assert rendered(listened, Done(9, ())).body == b""
    answer = rendered(listened, Done(9, (in_tenant, other))).body.decode()
    assert "%02" in answer
    assert unquote_plus(answer) == "app.yaml\x02G\x02t\x01other\x02G\x01"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a\x02G\x02", "Listening-Configs must end each configuration with %01"),
        ("a\x02G\x01", "has 2 fields; dataId, group, md5 and, optionally, tenant are wanted"),
        ("a\x02G\x02zz\x01", "the md5 of 'a' is 'zz', not 32 hex digits"),
        ("a\x02G\x02\x01a\x02G\x02\x01", "names a configuration twice"),
        ("\x01", "has 1 fields"),
        (
            "".join(f"a{n}\x02G\x02\x01" for n in range(1001)),
            "names 1001 configurations; at most 1000 may be",
        ),
    ],
)
def test_a_bad_listening_is_refused(text: str, reason: str) -> None:
    assert reason in refusal_of("POST", LISTENER, None, **{"Listening-Configs": text})


def test_a_bad_waiting_time_is_refused() -> None:
    reason = refusal_of(
        "POST", LISTENER, {"Long-Pulling-Timeout": "soon"}, **{"Listening-Configs": "a\x02G\x02\x01"}
    )
    assert "Long-Pulling-Timeout must be a number" in reason


def test_replies_are_as_nacos_gives_them_with_the_index_and_what_was_there_before() -> None:
    found = rendered(GetConfig(KEY), Done(3, Config(KEY, "x: ü", "yaml", MD5, 2)))
    assert (found.status, found.body.decode()) == (200, "x: ü")
    assert found.headers == {"X-Raft-Index": "3", "Content-MD5": MD5, "Config-Type": "yaml"}
    assert rendered(GetConfig(KEY), Done(3, None)).status == 404
    first = rendered(PublishConfig(KEY, "x"), Done(4, None))
    assert (first.body, first.headers) == (b"true", {"X-Raft-Index": "4"})
    second = rendered(RemoveConfig(KEY), Done(5, ConfigVersion(MD5, 4)))
    assert second.headers == {"X-Raft-Index": "5", "X-Previous-MD5": MD5}
