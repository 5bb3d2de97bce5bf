"""The same clients against three members of a real Nacos 2.3.2, of which the leader is killed in the middle.

It shows what a client may count on there; docs/nacos.md says next to it what our nodes do. Nacos promises no
more of lookups, pushes and listeners than that they follow in the end, and so they are not judged here.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final

import pytest

from tests.node_impl.io.clients.bringing import CLIENTS, KEYS
from tests.node_impl.io.clients.endpoints import ENDPOINTS, Asked, answer_of
from tests.node_impl.io.clients.judging import Member, run_and_kill
from tests.node_impl.io.clients.real_nacos import MEMBERS, RealNacos, real_nacos
from tests.node_impl.node_processes import until

_CONFIGURATIONS: Final = {"published": True, "removed": True}
SAID: Final[dict[str, dict[str, Any]]] = {
    "P0": {**_CONFIGURATIONS, "beat": 10200},
    "P1": {**_CONFIGURATIONS, "beat": 10200},
    "P2": {**_CONFIGURATIONS, "services": True, "batch": True},
    "P3": {**_CONFIGURATIONS, "services": True, "batch": True},
    "J1": {**_CONFIGURATIONS, "services": True, "status": "UP"},
    "J2": {**_CONFIGURATIONS, "services": True, "status": "UP"},
    "J3": {**_CONFIGURATIONS, "services": True, "status": "UP"},
    "G1": _CONFIGURATIONS,
    "G2": _CONFIGURATIONS,
    "G2-deaf": _CONFIGURATIONS,
    "N": {**_CONFIGURATIONS, "status": "UP"},
    "NN": {"status": "UP"},
}
"""What each client's program says; a beat of an instance that is not registered registers it (10200)."""


@pytest.fixture(scope="module")
def nacos(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealNacos]:
    with real_nacos("2.3.2", tmp_path_factory.mktemp("nacos")) as servers:
        yield servers


@pytest.mark.campaign
@pytest.mark.timeout(1500)
@pytest.mark.parametrize("label", CLIENTS)
def test_a_client_is_served_by_a_real_nacos_whose_leader_dies(
    nacos: RealNacos, tmp_path: Path, label: str
) -> None:
    client, folder = CLIENTS[label], tmp_path / "client"
    folder.mkdir()
    nacos.revive()
    command = client.command(folder, nacos.addresses)
    looked_up = KEYS if client.shows_own_lists else ()
    ran = run_and_kill(command, nacos, folder, client.speaks_grpc, looked_up)
    assert len(nacos.living()) == MEMBERS - 1
    assert ran.count("ok", "register", "persistent") >= 15, "it is served before and after"
    assert {name: ran.more.get(name) for name in SAID[label]} == SAID[label]
    # Go looks once, at once, and on a busy machine Nacos does not list it yet.
    if not label.startswith("G"):
        assert ran.more["grouped"] is True, "a client finds what it registered in a group and a cluster"
    assert ran.listed_by >= 1
    assert ran.gone_s is not None, "no member lists it a while after the client's end"


def _answers(member: Member, asked: Asked) -> bool:
    return answer_of(member, asked) == asked.nacos


@pytest.mark.campaign
@pytest.mark.timeout(900)
def test_nacos_answers_as_the_table_says(nacos: RealNacos) -> None:
    nacos.revive()
    member = nacos.members[0]
    for asked in ENDPOINTS:  # what it keeps in memory follows its log a moment later, so it is asked again
        until(partial(_answers, member, asked), str(asked))
