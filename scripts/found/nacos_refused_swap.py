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
import sys
import time

from nacos_configurations import Api
from saying import say

NEVER = "0" * 32
"""An MD5 that no text of this script has."""
WAIT_S = 8.0
"""How long nodes get to show what they keep."""


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
        is_shown = status != 200 and "refused" in served
        seen = f"{host} answered {status} {text[:120]!r}; served: {served}; stored: {stored}"
        shown += say(f"Nacos, API {asked.api}", "refused-swap", is_shown, seen)
    return 1 if shown else 0


if __name__ == "__main__":
    sys.exit(main())
