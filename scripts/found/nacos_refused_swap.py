"""Shows that a cluster of Nacos serves a text whose compare-and-set it has refused: v1 or v3, HOST...

For each node: publish "first", wait, ask the node to replace it if its MD5 is one that it never had, and read
from all nodes what they serve and what is stored. Exit status 1: a refused text is served. 10 s a node.

    ackproof systems install nacos@2.3.2
    ackproof run --system nacos@2.3.2 --system-option data=configs --world netns --nodes 3 \\
        --workload stale-instances --nemesis none --rate 1 --concurrency 2 --time-limit 120 &
    ip netns list        # once it works: ackproof-NAME-bridge
    ip netns exec ackproof-NAME-bridge \\
        python scripts/found/nacos_refused_swap.py v1 10.77.0.1 10.77.0.2 10.77.0.3
"""

from __future__ import annotations

import argparse
import http.client
import json
import sys
import time
from urllib.parse import urlencode

PORT = 8848
GROUP = "swaps"
NEVER = "0" * 32
"""An MD5 that no text of this script has."""
WAIT_S = 8.0
"""How long nodes get to show what they keep."""


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


def main() -> int:
    """Try each node."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("api", choices=("v1", "v3"), help="v1 for 2.3.2, v3 for 3.1.0")
    parser.add_argument("host", nargs="+", help="the address of each node")
    asked = parser.parse_args()
    api, shown = Api(asked.api), 0
    for host in asked.host:
        key = f"swap-{time.time_ns()}"
        status, text = api.publish(asked.host[0], key, "first")
        assert status == 200, text
        time.sleep(WAIT_S / 4)  # so that each node has the first text: none says when
        status, text = api.publish(host, key, "refused", NEVER)
        time.sleep(WAIT_S)  # what comes late must not be taken for what never comes
        served = [api.served(one, key) for one in asked.host]
        stored = [api.stored(one, key) for one in asked.host]
        shown += status != 200 and "refused" in served
        sys.stdout.write(f"{host} answered {status} {text[:120]}; served: {served}; stored: {stored}\n")
        sys.stdout.flush()
    return 1 if shown else 0


if __name__ == "__main__":
    sys.exit(main())
