"""The reference node with clients that speak v2 or v3, as Ackproof's clients of real Nacos do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from harness.client.codecs.base import Codec
from harness.client.data_types import INSTANCE
from harness.systems.nacos.configs import ConfigCodec
from harness.systems.nacos.instances import InstanceCodec
from harness.systems.nacos.versions import V2, V3
from harness.systems.reference_node import ReferenceNode


class InstancesV2(ReferenceNode, frozen=True):
    """Persistent instances over v2."""

    clients: ClassVar[Mapping[str, Codec]] = {INSTANCE: InstanceCodec(V2)}


class InstancesV3(ReferenceNode, frozen=True):
    """Persistent instances over v3."""

    clients: ClassVar[Mapping[str, Codec]] = {INSTANCE: InstanceCodec(V3)}


class ConfigurationsV2(ReferenceNode, frozen=True):
    """Configurations over v2."""

    clients: ClassVar[Mapping[str, Codec]] = {INSTANCE: ConfigCodec(V2)}


class ConfigurationsV3(ReferenceNode, frozen=True):
    """Configurations over v3."""

    clients: ClassVar[Mapping[str, Codec]] = {INSTANCE: ConfigCodec(V3)}
