"""Messages about services and instances: register, deregister, batch, query, subscribe, push, list."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from node_impl.core.api.instances import list_fields, parse_deregister, parse_list, parse_register
from node_impl.core.api.parameters import BadParameter, Parameters, shown
from node_impl.core.api.payloads.bodies import decoded
from node_impl.core.api.payloads.wire import Payload
from node_impl.core.api.services import parse_list as parse_service_list
from node_impl.core.requests import (
    BeatTimes,
    Deregister,
    Listing,
    ListInstances,
    ListServices,
    Register,
    ServiceKey,
    ServicePage,
)

REGISTER: Final = "registerInstance"
DEREGISTER: Final = "deregisterInstance"
BATCH_REGISTER: Final = "batchRegisterInstance"
MAX_BATCH: Final = 1_000
"""The most instances in one batch."""
NOTIFY: Final = "NotifySubscriberRequest"


class _Instance(msgspec.Struct, rename="camel"):
    """An instance as a client names it; what it leaves out has the same defaults as over HTTP."""

    ip: str = ""
    port: int = 0
    cluster_name: str | None = None
    weight: float | None = None
    enabled: bool | None = None
    healthy: bool | None = None
    metadata: dict[str, str] | None = None


class _Naming(msgspec.Struct, rename="camel"):
    """The fields that messages about services share."""

    namespace: str | None = None
    service_name: str | None = None
    group_name: str | None = None

    def values(self) -> dict[str, str | None]:
        """The same under the names that they have as parameters over HTTP."""
        return {
            "namespaceId": self.namespace,
            "serviceName": self.service_name,
            "groupName": self.group_name,
        }


class _OneInstance(_Naming, rename="camel"):
    type: str = ""
    instance: _Instance | None = None


class _Batch(_Naming, rename="camel"):
    type: str = ""
    instances: list[_Instance] | None = None


class _Query(_Naming, rename="camel"):
    cluster: str | None = None
    healthy_only: bool | None = None
    health_only: bool | None = None
    """The Python client's name for it."""


class _Subscription(_Naming, rename="camel"):
    subscribe: bool = True
    clusters: str | None = None


class _ServiceList(_Naming, rename="camel"):
    page_no: int | None = None
    page_size: int | None = None


def parse_instance(body: bytes, beats: BeatTimes, ephemeral: bool) -> Register | Deregister:
    """`InstanceRequest` (ephemeral) and `PersistentInstanceRequest`.

    Raises:
        BadParameter: it is malformed, or of another type.
    """
    asked = decoded(body, _OneInstance)
    if asked.instance is None:
        raise BadParameter("instance is missing")
    given = _parameters(asked, asked.instance, beats, ephemeral)
    if asked.type == REGISTER:
        return parse_register(given)
    if asked.type == DEREGISTER:
        return parse_deregister(given)
    raise BadParameter(f"type must be {REGISTER} or {DEREGISTER}, not {shown(asked.type)}")


def parse_batch(body: bytes, beats: BeatTimes) -> tuple[ServiceKey, tuple[Register, ...]]:
    """`BatchInstanceRequest`: what the connection has registered of this service from now on.

    Raises:
        BadParameter: it is malformed, of another type, or has too many instances.
    """
    asked = decoded(body, _Batch)
    if asked.type != BATCH_REGISTER:
        raise BadParameter(f"type must be {BATCH_REGISTER}, not {shown(asked.type)}")
    instances = asked.instances or []
    if len(instances) > MAX_BATCH:
        raise BadParameter(f"instances has {len(instances)} of them; at most {MAX_BATCH} are allowed")
    service = Parameters.of(asked.values()).service_key()
    return service, tuple(parse_register(_parameters(asked, one, beats, True)) for one in instances)


def parse_query(body: bytes) -> ListInstances:
    """`ServiceQueryRequest`.

    Raises:
        BadParameter: it is malformed.
    """
    asked = decoded(body, _Query)
    healthy_only = bool(asked.healthy_only or asked.health_only)
    return parse_list(
        Parameters.of({**asked.values(), "clusters": asked.cluster, "healthyOnly": str(healthy_only)})
    )


def parse_subscription(body: bytes) -> tuple[bool, ListInstances, str]:
    """`SubscribeServiceRequest`: (whether to subscribe or to end that, what is listed, its clusters as sent).

    Raises:
        BadParameter: it is malformed.
    """
    asked = decoded(body, _Subscription)
    listed = parse_list(Parameters.of({**asked.values(), "clusters": asked.clusters}))
    return asked.subscribe, listed, asked.clusters or ""


def parse_services(body: bytes) -> ListServices:
    """`ServiceListRequest`.

    Raises:
        BadParameter: it is malformed.
    """
    asked = decoded(body, _ServiceList)
    pages = {"pageNo": asked.page_no, "pageSize": asked.page_size}
    numbers = {name: None if value is None else str(value) for name, value in pages.items()}
    return parse_service_list(Parameters.of({**asked.values(), **numbers}))


def service_fields(found: ServicePage) -> dict[str, Any]:
    """The fields of a `ServiceListResponse`."""
    return {"count": found.count, "serviceNames": found.names}


def service_info(asked: ListInstances, clusters: str, raft_index: int, found: Listing) -> dict[str, Any]:
    """A list of instances as clients keep it: they drop one with no larger `lastRefTime` than theirs."""
    return list_fields(asked, asked.service, clusters, raft_index, found)


def push(asked: ListInstances, info: dict[str, Any], request_id: str) -> Payload:
    """`NotifySubscriberRequest`: what a subscriber is shown."""
    body = {
        "headers": {},
        "requestId": request_id,
        "module": "naming",
        "namespace": asked.namespace,
        "serviceName": asked.service,
        "groupName": asked.group,
        "serviceInfo": info,
    }
    return Payload(NOTIFY, msgspec.json.encode(body))


def _parameters(asked: _Naming, instance: _Instance, beats: BeatTimes, ephemeral: bool) -> Parameters:
    metadata, weight = instance.metadata, instance.weight
    values = {
        **asked.values(),
        "ip": instance.ip,
        "port": str(instance.port),
        "clusterName": instance.cluster_name,
        "weight": None if weight is None else f"{weight:.9f}",
        "enabled": None if instance.enabled is None else str(instance.enabled),
        "healthy": None if instance.healthy is None else str(instance.healthy),
        "ephemeral": str(ephemeral),
        "metadata": msgspec.json.encode(metadata).decode() if metadata else None,
    }
    return Parameters.of(values, beats)
