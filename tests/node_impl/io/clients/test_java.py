"""`com.alibaba.nacos:nacos-client`, unchanged, installed by Maven: 1.4.x over HTTP, 2.x and 3.x over gRPC.

The clients of 2.x and 3.x register persistent instances over HTTP, unless the server names an ability that
only servers of 2.3 and later have.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from checkers.verdict import Validity
from tests.node_impl.io.clients.judging import bring, five_nodes, needs, run_and_kill

PROGRAM = Path(__file__).with_name("Client.java")
POM = """<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>clients</groupId><artifactId>client</artifactId><version>1</version><dependencies>
<dependency><groupId>com.alibaba.nacos</groupId><artifactId>nacos-client</artifactId><version>{}</version>
</dependency><dependency><groupId>org.slf4j</groupId><artifactId>slf4j-nop</artifactId><version>1.7.36</version>
</dependency></dependencies></project>
"""
COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies"


def installed_by_maven(folder: Path, version: str) -> Path:
    """The folder into which Maven has put that version's archives."""
    for program in ("mvn", "java", "javac"):
        needs(program)
    target = folder / "client"
    target.mkdir()
    (target / "pom.xml").write_text(POM.format(version))
    command = ["mvn", "-q", "-B", COPY, "-DoutputDirectory=lib"]
    bring(command, f"Maven cannot install nacos-client {version} here", target)
    return target


@pytest.mark.campaign
@pytest.mark.timeout(900)
@pytest.mark.parametrize("version", ["1.4.7", "2.5.1", "3.1.0"])
def test_what_a_java_client_is_answered_is_linearizable_although_its_leader_dies(
    tmp_path: Path, version: str
) -> None:
    speaks_grpc = version >= "2"
    client = installed_by_maven(tmp_path, version)
    with five_nodes(tmp_path, speaks_grpc) as (members, servers):
        java = ["java", "-Xmx128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", "lib/*"]
        home = [f"-Duser.home={client}", f"-DJM.LOG.PATH={client}"]
        ran = run_and_kill([*java, *home, str(PROGRAM), servers], members, client, grpc=speaks_grpc)
    verdict = ran.verdict()
    assert verdict.validity is Validity.VALID, verdict.summary
    assert ran.count("ok", "register", "persistent") >= 30, "most requests are served"
    assert ran.count("ok", "lookup", "ephemeral") >= 20
    for name in ("published", "got", "heard", "removed", "services"):
        assert ran.more[name], name
    assert ran.more["status"] == "UP"
    assert any(name.startswith("pushed") for name in ran.more), "subscribers are shown changes"
