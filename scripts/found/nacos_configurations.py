"""Configurations of a running cluster of Nacos, for scripts of this folder."""

from __future__ import annotations

import http.client
import json
from urllib.parse import urlencode

PORT = 8848
GROUP = "ackproof"


class Api:
    """The paths and parameters of one version of the HTTP API."""

    def __init__(self, version: str) -> None:
        self.is_v3 = version == "v3"
        self.writes = "/nacos/v3/admin/cs/config" if self.is_v3 else "/nacos/v1/cs/configs"
        self.reads = "/nacos/v3/client/cs/config" if self.is_v3 else "/nacos/v1/cs/configs"

    def named(self, key: str) -> dict[str, str]:
        """The parameters that name a configuration."""
        return {"dataId": key, "groupName" if self.is_v3 else "group": GROUP}

    def publish(self, host: str, key: str, content: str, expected: str | None = None) -> tuple[int, str]:
        """The status and the text of the answer."""
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        if expected is not None:
            headers["casMd5"] = expected
        return _ask(host, "POST", self.writes, urlencode({**self.named(key), "content": content}), headers)

    def served(self, host: str, key: str) -> str:
        """What a client reads: the node's own copy."""
        _, text = _ask(host, "GET", f"{self.reads}?{urlencode(self.named(key))}")
        return _content(text) if self.is_v3 else text

    def stored(self, host: str, key: str) -> str:
        """What the console shows: the database's row."""
        more = {} if self.is_v3 else {"show": "all"}
        return _content(_ask(host, "GET", f"{self.writes}?{urlencode({**self.named(key), **more})}")[1])


def _ask(
    host: str, method: str, path: str, body: str | None = None, headers: dict[str, str] | None = None
) -> tuple[int, str]:
    connection = http.client.HTTPConnection(host, PORT, timeout=10)
    try:
        connection.request(method, path, body, headers or {})
        reply = connection.getresponse()
        return reply.status, reply.read().decode(errors="replace")
    finally:
        connection.close()


def _content(text: str) -> str:
    found = json.loads(text)
    return str((found.get("data") or found)["content"])
