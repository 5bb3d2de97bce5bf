"""Nacos's clients, unchanged, against five of our nodes, of which the leader is killed in the middle.

What each client asks and is answered is judged by the checker of `instances`. The clients over gRPC lose
their server with the leader, so they must connect to another one and do again what they had done.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import pytest

from checkers.verdict import Validity
from tests.node_impl.io.clients.bringing import CLIENTS, KEYS
from tests.node_impl.io.clients.judging import five_nodes, run_and_kill

_CONFIGURATIONS: Final = {"published": True, "got": True, "heard": True, "removed": True}
SAID: Final[dict[str, dict[str, Any]]] = {
    "P0": {**_CONFIGURATIONS, "beat": 20404},
    "P1": {**_CONFIGURATIONS, "beat": 20404},
    "P2": {**_CONFIGURATIONS, "services": True, "batch": True, "batched": 3},
    "P3": {**_CONFIGURATIONS, "services": True, "batch": True, "batched": 3},
    "J1": {**_CONFIGURATIONS, "services": True, "status": "UP"},
    "J2": {**_CONFIGURATIONS, "services": True, "status": "UP"},
    "J3": {**_CONFIGURATIONS, "services": True, "status": "UP"},
    "G1": {**_CONFIGURATIONS, "listed": 1},
    "G2": {**_CONFIGURATIONS, "listed": 1},
    "G2-deaf": {**_CONFIGURATIONS, "listed": 1},
    "N": {**_CONFIGURATIONS, "status": "UP"},
    "NN": {"status": "UP"},
}
"""What each client's program says besides its operations and what it was shown."""


@pytest.mark.campaign
@pytest.mark.timeout(1500)
@pytest.mark.parametrize("label", CLIENTS)
def test_what_a_client_is_answered_is_linearizable_although_its_leader_dies(
    tmp_path: Path, label: str
) -> None:
    client, folder = CLIENTS[label], tmp_path / "client"
    folder.mkdir()
    with five_nodes(tmp_path, client.speaks_grpc) as servers:
        command = client.command(folder, servers.addresses)
        looked_up = KEYS if client.shows_own_lists else ()
        ran = run_and_kill(command, servers, folder, client.speaks_grpc, looked_up)
    verdict = ran.verdict()
    assert verdict.validity is Validity.VALID, verdict.summary
    assert ran.count("ok", "register", "persistent") >= 30, "most requests are served"
    assert ran.count("ok", "lookup", "ephemeral") >= 16
    assert {name: ran.more.get(name) for name in SAID[label]} == SAID[label]
    shown, last = ran.pushed(), ran.last_lookups()
    assert len(shown) >= 4, "subscribers are shown what changes"
    known = [key for key in shown if last[key] is not None or not client.shows_no_empty_list]
    known = known if client.hears_pushes else []
    assert {key: shown[key] for key in known} == {key: last[key] for key in known}, "the last state"
    if client.shows_own_lists:
        alive = {one["value"] for one in ran.operations if one["f"] == "lookup" and "ephemeral" in one["key"]}
        assert alive == {None, "e0", "e1", "e2", "e3"}, "registered again by its client (None: invoked)"
    assert ran.more["grouped"] is True, "a client finds what it registered in a group and a cluster"
    assert ran.listed_by == 4, "each node that lives lists what the client keeps alive"
    assert ran.gone_s is not None, "and no node does a while after the client's end"
