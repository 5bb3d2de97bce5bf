"""Nacos's clients that log in: a token is their password, and without it nothing is served."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.node_impl.io.clients.judging import installed_by_pip
from tests.node_impl.node_processes import nodes, wait_for_leader

TOKEN = "a-token-that-may-write"
HTTP = """
import sys, nacos
client = nacos.NacosClient(sys.argv[1], namespace="public", username="nacos", password=sys.argv[2])
print(client.add_naming_instance("web", "10.0.0.1", 80, cluster_name="DEFAULT", ephemeral=False))
"""
GRPC = """
import asyncio, os, sys
from v2.nacos import *

async def main():
    built = ClientConfigBuilder().server_address(sys.argv[1]).username("nacos").password(sys.argv[2]).build()
    naming = await NacosNamingService.create_naming_service(built)
    print(await naming.register_instance(
        RegisterInstanceParam(service_name="web", ip="10.0.0.1", port=80, ephemeral=False)), flush=True)
    os._exit(0)

asyncio.run(main())
"""


@pytest.mark.campaign
@pytest.mark.timeout(900)
@pytest.mark.parametrize("version", ["1.0.0", "2.0.9"])
def test_a_client_that_logs_in_may_write_and_another_may_not(tmp_path: Path, version: str) -> None:
    client = installed_by_pip(tmp_path, f"nacos-sdk-python=={version}")
    tokens = tmp_path / "tokens"
    tokens.touch(0o600)
    tokens.write_text(f"write {TOKEN}\n")
    speaks_grpc = version >= "2"
    if speaks_grpc:
        pytest.importorskip("grpc", reason="grpcio is not installed: pip install 'ackproof[grpc]'")
    with nodes(tmp_path, 1) as members:
        members[0].arguments += ["--tokens", str(tokens), "--anonymous", "read"]
        members[0].arguments += ["--grpc"] if speaks_grpc else []
        members[0].start()
        wait_for_leader(members)
        environment = {**os.environ, "PYTHONPATH": str(client), "HOME": str(client)}
        for password, may_write in (("not-one-of-the-tokens", False), (TOKEN, True)):
            program = GRPC if speaks_grpc else HTTP
            command = [sys.executable, "-c", program, f"127.0.0.1:{members[0].port}", password]
            done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120)
            assert (done.stdout.strip() == "True") is may_write, done.stderr[-500:]
            assert (members[0].lookup("10.0.0.1").status == 200) is may_write
