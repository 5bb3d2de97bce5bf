"""The data types that workloads use: what a client must be able to do to a system.

A workload names the one that it needs. A system has a codec for each that it has
(`System.codecs`, harness/systems/base.py). So a workload knows no system, and a system no workload.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

INSTANCE: Final = "instance"
REGISTRY: Final = "registry"
EPHEMERAL: Final = "ephemeral"
MEMBERS: Final = "members"
CAS_REGISTER: Final = "cas-register"

DATA_TYPES: Mapping[str, str] = {
    INSTANCE: "register, deregister and lookup of one instance",
    REGISTRY: "as instance; also update, list, stale-lookup, stale-list, final-list and final-local",
    EPHEMERAL: "as registry, but an instance expires unless it sends beats; also beat",
    MEMBERS: "as registry; also members: which nodes a node counts as the cluster's members",
    CAS_REGISTER: "read, write and cas of a key; a write of nothing removes the key",
}
"""By name, the operations that a client can ask for."""

REGISTRY_WRITES = frozenset({"register", "update", "deregister"})
"""The operations of instance and registry that change something."""

READS = frozenset(
    {"read", "lookup", "list", "stale-lookup", "stale-list", "final-list", "final-local", "members", "watch"}
)
"""The operations that change nothing, of every data type: without an answer they have failed."""
