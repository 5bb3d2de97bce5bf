"""In what the versions of Nacos differ, for a harness: one value a version."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

from harness.errors import unknown_name

Settings = tuple[tuple[str, str], ...]

_CMDB: Settings = (
    ("nacos.cmdb.dumpTaskInterval", "3600"),
    ("nacos.cmdb.eventTaskInterval", "10"),
    ("nacos.cmdb.labelTaskInterval", "300"),
    ("nacos.cmdb.loadDataAtStart", "false"),
)
_NO_AUTH: Settings = (
    ("nacos.core.auth.enabled", "false"),
    ("nacos.core.auth.system.type", "nacos"),
    ("nacos.core.auth.caching.enabled", "true"),
    ("nacos.core.auth.server.identity.key", "ackproof"),
    ("nacos.core.auth.server.identity.value", "ackproof"),
    # Base64 of "a secret of a test, in which all requests are allowed": it must be there, and keeps nothing.
    (
        "nacos.core.auth.plugin.nacos.token.secret.key",
        "YSBzZWNyZXQgb2YgYSB0ZXN0LCBpbiB3aGljaCBhbGwgcmVxdWVzdHMgYXJlIGFsbG93ZWQ=",
    ),
)


class Api(msgspec.Struct, frozen=True):
    """The paths of one version of the HTTP API."""

    name: Literal["v1", "v2", "v3"]
    instance: str
    """Registers by POST, deregisters by DELETE."""
    instances: str
    """Lists the instances of a service, from the node's own memory."""
    beat: str
    """Keeps an ephemeral instance alive."""
    config: str
    """Publishes by POST, removes by DELETE."""
    read_config: str


V1 = Api(
    name="v1",
    instance="/nacos/v1/ns/instance",
    instances="/nacos/v1/ns/instance/list",
    beat="/nacos/v1/ns/instance/beat",
    config="/nacos/v1/cs/configs",
    read_config="/nacos/v1/cs/configs",
)
V2 = Api(
    name="v2",
    instance="/nacos/v2/ns/instance",
    instances="/nacos/v2/ns/instance/list",
    beat="/nacos/v2/ns/instance/beat",
    config="/nacos/v2/cs/config",
    read_config="/nacos/v2/cs/config",
)
V3 = Api(
    name="v3",
    instance="/nacos/v3/admin/ns/instance",
    instances="/nacos/v3/client/ns/instance/list",
    beat="/nacos/v3/client/ns/instance",
    config="/nacos/v3/admin/cs/config",
    read_config="/nacos/v3/client/cs/config",
)


APIS: Mapping[str, Api] = {api.name: api for api in (V1, V2, V3)}


class Version(msgspec.Struct, frozen=True):
    """One version of Nacos."""

    number: str
    api: Api
    main: str
    """The class that starts a node: Nacos's own, or a launcher of ours."""
    status: str
    """The path that a node gives its own state at."""
    naming_group: str | None
    """The Raft group of persistent instances; None where Nacos has a Raft of its own, with one group."""
    heap_mib: int
    settings: Settings
    java: int = 8
    """The oldest Java that runs it."""
    publisher: str | None = None
    """Who republished the build; None for a build of Nacos's makers."""
    upgrade: str | None = None
    """The path that says whether a node has changed over from its old Raft to JRaft; None if it need not."""


VERSIONS: Mapping[str, Version] = {
    version.number: version
    for version in (
        Version(
            number="0.8.0",
            api=V1,
            main="ackproof.Nacos080",
            status="/nacos/v1/ns/raft/state",
            naming_group=None,
            heap_mib=256,
            settings=(("server.servlet.context-path", "/nacos"), *_CMDB),
        ),
        Version(
            number="1.4.1",
            api=V1,
            main="ackproof.Nacos141",
            status="/nacos/v1/core/cluster/self",
            naming_group="naming_persistent_service",
            heap_mib=320,
            settings=(("server.servlet.contextPath", "/nacos"), *_NO_AUTH, *_CMDB),
            publisher="pig4cloud",
            upgrade="/nacos/v1/ns/raft/state",
        ),
        Version(
            number="2.3.2",
            api=V2,
            main="com.alibaba.nacos.Nacos",
            status="/nacos/v2/core/cluster/node/self",
            naming_group="naming_persistent_service_v2",
            heap_mib=320,
            settings=_NO_AUTH,
            publisher="jeecgframework",
        ),
        Version(
            number="3.1.0",
            api=V3,
            main="ackproof.Nacos310",
            status="/nacos/v3/admin/core/cluster/node/self",
            naming_group="naming_persistent_service_v2",
            heap_mib=384,
            java=17,
            settings=(
                *_NO_AUTH,
                ("nacos.core.auth.admin.enabled", "false"),
                ("nacos.core.auth.console.enabled", "false"),
                ("nacos.deployment.type", "server"),
                # It ends if its database of configurations has not answered after this many seconds.
                ("nacos.namespace.migrate.retry.times", "180"),
                ("nacos.server.contextPath", "/nacos"),
            ),
            publisher="pig-mesh",
        ),
    )
}
"""By number. The newest is the last one."""

DEFAULT = "2.3.2"


def version_of(number: str | None) -> Version:
    """The version of that number; `DEFAULT`, which is installed if none is named, for None.

    Raises:
        ValueError: it is not among those whose settings and API are known.
    """
    wanted = number or DEFAULT
    if wanted not in VERSIONS:
        raise ValueError(unknown_name("version of Nacos", wanted, VERSIONS))
    return VERSIONS[wanted]
