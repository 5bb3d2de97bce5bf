"""ZooKeeper of Debian: the jars of its server and of the libraries that it loads."""

from __future__ import annotations

from harness.systems.installing.recipe import Jars, Recipe, Release
from harness.systems.installing.sources.debian import Debian

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
    ),
)
