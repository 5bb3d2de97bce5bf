"""ZooKeeper: 3.8.0 of Debian, and later ones by Maven; the jars of the server and of its libraries."""

from __future__ import annotations

from harness.systems.installing.recipe import Jars, Recipe, Release
from harness.systems.installing.sources.debian import Debian
from harness.systems.installing.sources.maven import Maven

_JARS = (
    "zookeeper.jar",
    "zookeeper-jute.jar",
    "commons-cli.jar",
    "commons-io.jar",
    "findbugs-annotations.jar",
    "jackson-annotations.jar",
    "jackson-core.jar",
    "jackson-databind.jar",
    "jetty9-http.jar",
    "jetty9-io.jar",
    "jetty9-security.jar",
    "jetty9-server.jar",
    "jetty9-servlet.jar",
    "jetty9-util.jar",
    "metrics-core.jar",
    "netty-buffer.jar",
    "netty-common.jar",
    "netty-handler.jar",
    "netty-transport.jar",
    "servlet-api.jar",
    "slf4j-api.jar",
    "snappy-java.jar",
    "slf4j-simple.jar",
)
"""What the manifest of zookeeper.jar names by absolute paths, but for clients; and a log on stderr."""
_CLASS_PATH = tuple(f"usr/share/java/{jar}" for jar in _JARS)


def _by_maven(version: str, slf4j: str) -> Release:
    """A release with its libraries; `slf4j` is the version of the interface of its log."""
    return Release(
        version,
        Maven(
            (
                f"org.apache.zookeeper:zookeeper:{version}",
                "io.dropwizard.metrics:metrics-core:4.1.12.1",
                "org.xerial.snappy:snappy-java:1.1.10.5",
                f"org.slf4j:slf4j-simple:{slf4j}",
            ),
            without=("ch.qos.logback:logback-classic", "ch.qos.logback:logback-core"),
        ),
        {"zookeeper": ("lib/*.jar",)},
        needs_mib=60,
    )


ZOOKEEPER = Recipe(
    system="zookeeper",
    programs=(
        Jars(
            "zookeeper",
            version=r"Apache ZooKeeper, version (\S+)",
            debian="zookeeper",
            version_class="org.apache.zookeeper.version.VersionInfoMain",
            machine=tuple(f"/{jar}" for jar in _CLASS_PATH),
        ),
    ),
    releases=(
        Release(
            "3.8.0",
            Debian(
                (
                    *("libzookeeper-java", "libslf4j-java", "libnetty-java", "libservlet-api-java"),
                    *("libjetty9-java", "libdropwizard-metrics-java", "libfindbugs-annotations-java"),
                    *("libjackson2-annotations-java", "libjackson2-core-java", "libjackson2-databind-java"),
                    *("libcommons-cli-java", "libcommons-io-java", "libsnappy-java"),
                )
            ),
            {"zookeeper": _CLASS_PATH},
            needs_mib=100,
        ),
        _by_maven("3.8.4", slf4j="1.7.30"),
        _by_maven("3.8.5", slf4j="1.7.30"),
        _by_maven("3.9.5", slf4j="2.0.13"),
    ),
)
