"""Two clients publish one new configuration at once, by two nodes of Nacos: is what nodes serve stored?

    ackproof systems install nacos@1.4.1
    ackproof run --system nacos@1.4.1 --system-option data=configs --world netns --nodes 3 \\
        --workload stale-instances --nemesis none --rate 1 --concurrency 2 --time-limit 180 &
    ip netns list        # once it works: ackproof-NAME-bridge
    ip netns exec ackproof-NAME-bridge \\
        python scripts/found/nacos_two_publications.py v1 10.77.0.1 10.77.0.2 10.77.0.3

In each round two nodes are asked at the same moment to publish a text of their own under a name that is new.
Both may be acknowledged, and one of them is the later one: it must be stored, and every node must serve what
is stored. After the rounds, and after nodes had time to compare, both are read from each node. Exit status 1:
a node serves a text, acknowledged or not, which no node has stored.
"""

from __future__ import annotations

import argparse
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from nacos_configurations import Api
from saying import say

ROUNDS = 40
COMPARED_S = 45.0
"""Nodes compare their copies with their databases every 10 to 30 s."""


def publish_both(api: Api, hosts: list[str], key: str) -> dict[str, bool]:
    """Whether each of both texts was acknowledged."""
    together = threading.Barrier(2)

    def publish(at: int) -> tuple[str, bool]:
        together.wait(10)
        text = f"by-{hosts[at]}"
        try:
            status, answer = api.publish(hosts[at], key, text)
        except OSError:
            return text, False
        return text, status == 200 and "true" in answer

    with ThreadPoolExecutor(2) as pool:
        return dict(pool.map(publish, (0, 1)))


def main() -> int:
    """Carry out the rounds, and compare."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("api", choices=("v1", "v3"), help="v1 for 1.4.1 and 2.3.2, v3 for 3.1.0")
    parser.add_argument("host", nargs="+", help="the address of each node")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    asked = parser.parse_args()
    api, wrong, both = Api(asked.api), 0, 0
    tried = {}
    for number in range(asked.rounds):
        key = f"two-{number}-{time.time_ns()}"
        tried[key] = publish_both(api, [asked.host[number % 3], asked.host[(number + 1) % 3]], key)
        both += all(tried[key].values())
    time.sleep(COMPARED_S)  # what comes late must not be taken for what never comes
    for key, acknowledged in tried.items():
        served = [api.served(host, key) for host in asked.host]
        stored = [api.stored(host, key) for host in asked.host]
        if set(served) - set(stored):
            wrong += 1
            sys.stdout.write(f"{key}: acknowledged {acknowledged}; served {served}; stored {stored}\n")
    seen = f"{wrong} of {asked.rounds} names serve what is not stored; both acknowledged: {both}"
    return say(f"Nacos, API {asked.api}", "two-publications", wrong > 0, seen)


if __name__ == "__main__":
    sys.exit(main())
