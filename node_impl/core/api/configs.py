"""Configurations over HTTP: publish, read, remove, listen."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote_plus

from node_impl.core.api.parameters import MAX_WAIT_MS, BadParameter, Parameters, shown, whole
from node_impl.core.api.replies import NodeReply, refuse, text_reply
from node_impl.core.requests import (
    Config,
    ConfigKey,
    ConfigVersion,
    GetConfig,
    HeldConfig,
    ListenConfigs,
    PublishConfig,
    RemoveConfig,
)

CONFIGS = "/nacos/v1/cs/configs"
LISTENER = "/nacos/v1/cs/configs/listener"

MAX_CONTENT_BYTES = 64 * 1024
MAX_LISTENED = 1_000
WAIT_HEADER = "Long-Pulling-Timeout"
CAS_HEADER = "casMd5"

WORD, LINE = "\x02", "\x01"
"""The separator between the fields of a configuration in a listen request, and the end of its last one."""

_NAME = re.compile(r"[0-9A-Za-z._:-]{1,128}", re.ASCII)
_TYPE = re.compile(r"[0-9a-z-]{1,32}", re.ASCII)
_MD5 = re.compile(r"[0-9a-f]{32}", re.ASCII)


def parse_publish(given: Parameters) -> PublishConfig:
    """POST: sets the content; with `casMd5`, as parameter or header, only if that is what is there."""
    content = given.required("content")
    size = len(content.encode())
    if size > MAX_CONTENT_BYTES:
        raise BadParameter(f"content has {size} bytes; at most {MAX_CONTENT_BYTES} are allowed")
    expected = given.optional("casMd5") or given.headers.get(CAS_HEADER) or None
    if expected is not None and not _MD5.fullmatch(expected):
        raise BadParameter(f"casMd5 must be 32 hex digits in lower case, not {shown(expected)}")
    content_type = given.optional("type") or "text"
    if not _TYPE.fullmatch(content_type):
        raise BadParameter(
            f"type must be 1 to 32 of lower-case letters, digits and -, not {shown(content_type)}"
        )
    return PublishConfig(_key(given), content, content_type, expected)


def parse_get(given: Parameters) -> GetConfig:
    """GET: one configuration is read."""
    return GetConfig(_key(given), given.consistency())


def parse_remove(given: Parameters) -> RemoveConfig:
    """DELETE: one configuration is removed."""
    return RemoveConfig(_key(given))


def parse_listen(given: Parameters) -> ListenConfigs:
    """POST: which of the listed configurations differ from what the client holds, at once or once one does.

    `Listening-Configs` holds dataId, group, md5 and, optionally, tenant of each.
    """
    text = given.required("Listening-Configs")
    if not text.endswith(LINE):
        raise BadParameter("Listening-Configs must end each configuration with %01")
    lines = text[:-1].split(LINE)
    if len(lines) > MAX_LISTENED:
        raise BadParameter(
            f"Listening-Configs names {len(lines)} configurations; at most {MAX_LISTENED} may be"
        )
    held = tuple(_held(line) for line in lines)
    if len({one.key for one in held}) < len(held):
        raise BadParameter("Listening-Configs names a configuration twice")
    wait = given.headers.get(WAIT_HEADER)
    wait_ms = 0 if wait is None else min(whole(WAIT_HEADER, wait, 0, 10**9), MAX_WAIT_MS)
    return ListenConfigs(held, given.consistency(), wait_ms)


def render_write(_: Any, raft_index: int, previous: ConfigVersion | None) -> NodeReply:
    """`true`, and in a header the md5 of what was there before."""
    if previous is None:
        return text_reply("true", raft_index)
    return text_reply("true", raft_index, X_Previous_MD5=previous.md5)


def render_get(asked: GetConfig, raft_index: int, found: Config | None) -> NodeReply:
    """The content as it was published."""
    if found is None:
        reason = f"config data not exist: {asked.key.data_id} in group {asked.key.group}"
        return refuse(404, "not-found", reason, raft_index=raft_index)
    return text_reply(found.content, raft_index, Content_MD5=found.md5, Config_Type=found.content_type)


def render_listen(_: ListenConfigs, raft_index: int, differing: tuple[ConfigKey, ...]) -> NodeReply:
    """dataId, group and, if it is not empty, tenant of each that differs; nothing if none does."""
    lines = [
        WORD.join((key.data_id, key.group, key.tenant) if key.tenant else (key.data_id, key.group))
        for key in differing
    ]
    return text_reply(quote_plus("".join(line + LINE for line in lines)), raft_index)


def _key(given: Parameters) -> ConfigKey:
    return ConfigKey(
        _checked("tenant", given.optional("tenant") or "", may_be_empty=True),
        _checked("group", given.required("group")),
        _checked("dataId", given.required("dataId")),
    )


def _held(line: str) -> HeldConfig:
    fields = line.split(WORD)
    if len(fields) not in (3, 4):
        raise BadParameter(
            f"Listening-Configs: {shown(line)} has {len(fields)} fields; dataId, group, md5 and, optionally, "
            "tenant are wanted, separated by %02"
        )
    data_id, group, md5, *tenant = fields
    checked_md5("Listening-Configs", data_id, md5)
    key = ConfigKey(
        _checked("tenant", tenant[0] if tenant else "", may_be_empty=True),
        _checked("group", group),
        _checked("dataId", data_id),
    )
    return HeldConfig(key, md5)


def checked_md5(source: str, data_id: str, md5: str) -> str:
    """The md5 that a client holds of a configuration; empty: it holds nothing.

    Raises:
        BadParameter: it is no md5.
    """
    if md5 and not _MD5.fullmatch(md5):
        raise BadParameter(f"{source}: the md5 of {shown(data_id)} is {shown(md5)}, not 32 hex digits")
    return md5


def _checked(name: str, value: str, may_be_empty: bool = False) -> str:
    if (may_be_empty and not value) or _NAME.fullmatch(value):
        return value
    raise BadParameter(f"{name} must be 1 to 128 of letters, digits and . _ : -, not {shown(value)}")
