"""A node of Nacos loads what its peers know while it serves already: what becomes of registrations?

    ackproof systems install nacos@2.3.2
    ackproof run --system nacos@2.3.2 --world netns --nodes 3 --workload stale-instances --nemesis none \\
        --rate 1 --concurrency 2 --time-limit 120 &
    ip netns list        # as soon as it works: ackproof-NAME-bridge
    ip netns exec ackproof-NAME-bridge python scripts/found/nacos_first_load.py 10.77.0.1 10.77.0.2 10.77.0.3

Start it as soon as the nodes answer: each of them tries to load its peers' ephemeral instances when it
starts, and again half a minute later if no peer answered then, as when all nodes start at once.

Each of a hundred instances registers again and again, with another text in its metadata, and once in a
service that is new. Some seconds after both were acknowledged, all nodes are asked. What one node lacks may
be late. What *all* lack is lost, as one of them is responsible for the instance and had it when it was
acknowledged. Exit status 1: all nodes lack an acknowledged registration.
"""

from __future__ import annotations

import argparse
import http.client
import json
import sys
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple
from urllib.parse import urlencode

from saying import say

PORT = 8848
PATH = "/nacos/v1/ns/instance"
GROUPS, GROUP_SIZE = 12, 8
STEP_S = 0.5
"""A group of instances registers each half second, so each instance does so every six."""
SETTLED_S = 4.5
"""Nodes tell each other of a registration after a second."""
TOO_LATE_S = 10.0
"""An answer that comes so long after the registration decides nothing: the instance may have expired."""
REQUEST_S = 10.0
LINES = 4


class Wanted(NamedTuple):
    """A registration that was acknowledged."""

    at: float
    service: str
    ip: str
    turn: int


def ask(host: str, method: str, path: str, query: Mapping[str, str]) -> tuple[int, str]:
    """The status and the text of the answer; status 0 without one."""
    connection = http.client.HTTPConnection(host, PORT, timeout=REQUEST_S)
    try:
        connection.request(method, f"{path}?{urlencode(query)}")
        reply = connection.getresponse()
        return reply.status, reply.read().decode(errors="replace")
    except (OSError, http.client.HTTPException):
        return 0, ""
    finally:
        connection.close()


def register(host: str, service: str, ip: str, turn: int) -> Wanted | None:
    """What was acknowledged; None if nothing was."""
    metadata = json.dumps({"turn": str(turn)})
    named = {"serviceName": service, "ip": ip, "port": "80", "ephemeral": "true", "metadata": metadata}
    status, answer = ask(host, "POST", PATH, named)
    return Wanted(time.monotonic(), service, ip, turn) if (status, answer) == (200, "ok") else None


def registered(hosts: list[str], number: int, run: str) -> Iterator[tuple[str, str, str, int]]:
    """The registrations of one step: host, service, address and turn."""
    group, turn = number % GROUPS, number // GROUPS
    for one in range(GROUP_SIZE):
        host, ip = hosts[(number + one) % len(hosts)], f"10.1.{group}.{one}"
        yield host, f"{run}-kept-{group}", ip, turn
        yield host, f"{run}-new-{group}-{turn}", ip, turn


def shown(host: str, service: str) -> dict[str, int] | None:
    """By address of each instance that a node shows, its turn; None without an answer."""
    status, answer = ask(host, "GET", f"{PATH}/list", {"serviceName": service})
    if status != 200:
        return None
    return {one["ip"]: int(one["metadata"]["turn"]) for one in json.loads(answer)["hosts"]}


def lost(hosts: list[str], wanted: list[Wanted]) -> list[str]:
    """In words, each of these registrations of one service that no node shows; all nodes must answer."""
    views = [shown(host, wanted[0].service) for host in hosts]
    answers = [view for view in views if view is not None]
    now = time.monotonic()
    if len(answers) < len(hosts):
        return []
    return [
        f"{one.ip} of {one.service} was acknowledged in turn {one.turn}, and the nodes show turn "
        f"{', '.join(str(view.get(one.ip, '(none)')) for view in answers)}"
        for one in wanted
        if now - one.at < TOO_LATE_S and all(view.get(one.ip, -1) < one.turn for view in answers)
    ]


def main() -> int:
    """Register for a while, and look."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("host", nargs="+", help="the address of each node")
    parser.add_argument("--seconds", type=float, default=70)
    asked = parser.parse_args()
    run, begun = f"load-{time.time_ns()}", time.monotonic()
    acknowledged, found = 0, list[str]()
    with ThreadPoolExecutor(2 * GROUP_SIZE) as writers, ThreadPoolExecutor(4) as readers:
        checks: list[Future[list[str]]] = []
        steps: list[list[Wanted]] = []
        for number in range(int(asked.seconds / STEP_S)):
            time.sleep(max(0.0, begun + number * STEP_S - time.monotonic()))  # the pace of the steps
            done = writers.map(lambda one: register(*one), registered(asked.host, number, run))
            steps.append([one for one in done if one is not None])
            acknowledged += len(steps[-1])
            while steps and all(one.at < time.monotonic() - SETTLED_S for one in steps[0]):
                step = steps.pop(0)
                for service in {one.service for one in step}:
                    of_service = [one for one in step if one.service == service]
                    checks.append(readers.submit(lost, asked.host, of_service))
        for check in checks:
            found += check.result()
    for line in found[:LINES]:
        sys.stdout.write(f"{line}\n")
    seen = f"all nodes lack {len(found)} of {acknowledged} acknowledged registrations"
    return say("Nacos, API v1", "first-load", bool(found), seen)


if __name__ == "__main__":
    sys.exit(main())
