"""`nacos-sdk-python`, unchanged: over HTTP (0.1.14, 1.0.0) and over gRPC (2.0.9, 3.2.0)."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from checkers.verdict import Validity
from tests.node_impl.io.clients import programs
from tests.node_impl.io.clients.judging import five_nodes, installed_by_pip, run_and_kill


@pytest.mark.campaign
@pytest.mark.timeout(900)
@pytest.mark.parametrize("version", ["0.1.14", "1.0.0", "2.0.9", "3.2.0"])
def test_what_a_python_client_is_answered_is_linearizable_although_its_leader_dies(
    tmp_path: Path, version: str
) -> None:
    speaks_grpc = version >= "2"
    client = installed_by_pip(tmp_path, f"nacos-sdk-python=={version}")
    with five_nodes(tmp_path, speaks_grpc) as (members, servers):
        program = programs.GRPC if speaks_grpc else programs.HTTP
        ran = run_and_kill([sys.executable, "-c", program, servers], members, client, grpc=speaks_grpc)
    verdict = ran.verdict()
    assert verdict.validity is Validity.VALID, verdict.summary
    assert ran.count("ok", "register", "persistent") >= 30, "most requests are served"
    assert ran.count("ok", "lookup", "ephemeral") >= 20
    assert (ran.more["published"], ran.more["got"]) == (True, True)
    if speaks_grpc:
        assert ran.more["heard"], "the listener was shown the change"
        assert (ran.more["services"], ran.more["batch"], ran.more["batched"]) == (True, True, 3)
        last = {one["key"]: one["value"] for one in ran.operations if one["type"] == "ok"}
        for key, shown in ran.more["pushed"].items():
            assert shown == [value for value in [last[key]] if value is not None], (
                "the last push is the last state"
            )
    else:
        assert ran.more["beat"] == 20404, "a beat registers nothing"
