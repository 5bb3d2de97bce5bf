"""`nacos-sdk-go`, unchanged: v1 over HTTP, v2 over gRPC.

Its lists are those that the client itself keeps. So its writes are judged by lookups at every node that
lives: what was acknowledged as registered must be there, and what was acknowledged as removed must not.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from checkers.verdict import Validity
from tests.node_impl.io.clients.judging import bring, five_nodes, needs, run_and_kill

PROGRAM = Path(__file__).with_name("client.go")
MODULE = "module client\n\ngo 1.21\n\nrequire github.com/nacos-group/nacos-sdk-go{} v{}\n"
KEYS = [f"persistent-{number}" for number in range(6)] + [f"ephemeral-{number}" for number in range(4)]


def built_by_go(folder: Path, version: str) -> Path:
    """The folder with the program, built with that version of the client."""
    needs("go")
    target = folder / "client"
    target.mkdir()
    major = "/v2" if version >= "2" else ""
    (target / "main.go").write_text(PROGRAM.read_text().replace("nacos-sdk-go/v2/", f"nacos-sdk-go{major}/"))
    (target / "go.mod").write_text(MODULE.format(major, version))
    for command in (["go", "mod", "tidy"], ["go", "build", "-o", "client", "."]):
        bring(command, f"Go cannot build nacos-sdk-go {version} here", target, GOFLAGS="-mod=mod")
    return target


@pytest.mark.campaign
@pytest.mark.timeout(1500)
@pytest.mark.parametrize("version", ["1.1.4", "2.2.9"])
def test_what_is_acknowledged_to_a_go_client_holds_although_its_leader_dies(
    tmp_path: Path, version: str
) -> None:
    speaks_grpc = version >= "2"
    client = built_by_go(tmp_path, version)
    with five_nodes(tmp_path, speaks_grpc) as (members, servers):
        ran = run_and_kill([str(client / "client"), servers], members, client, speaks_grpc, KEYS)
    verdict = ran.verdict()
    assert verdict.validity is Validity.VALID, verdict.summary
    assert ran.count("ok", "register", "persistent") >= 30, "most requests are served"
    for number in range(4):
        values = {
            one["value"]
            for one in ran.operations
            if one["f"] == "lookup" and one["type"] == "ok" and one["key"] == f"ephemeral-{number}"
        }
        assert values == {f"e{number}"}, "it lives as long as its client, which registers it again"
    for name in ("published", "got", "heard", "removed", "listed"):
        assert ran.more[name], name
