"""Instances over HTTP: register, change, remove, look up, list, subscribe, beat."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from node_impl.core.api.parameters import (
    MAX_METADATA_BYTES,
    MAX_SEQUENCE,
    MAX_WAIT_MS,
    UNREADABLE,
    BadParameter,
    Parameters,
)
from node_impl.core.api.replies import NodeReply, json_reply, refuse
from node_impl.core.requests import (
    Beat,
    BeatTimes,
    Deregister,
    Instance,
    InstanceKey,
    Listing,
    ListInstances,
    Lookup,
    Refused,
    Register,
    Update,
)

INSTANCE = "/nacos/v1/ns/instance"
INSTANCE_LIST = "/nacos/v1/ns/instance/list"
INSTANCE_BEAT = "/nacos/v1/ns/instance/beat"
SUBSCRIBE = "/v1/registry/subscribe"

MAX_PREVIOUS_CHARACTERS = 4096
"""The longest X-Previous-Metadata: HTTP clients refuse header fields of 8 KiB."""
DEFAULT_WAIT_MS = 30_000

BEAT_TAKEN = 10_200
BEAT_UNKNOWN = 20_404
"""Nacos's codes in a beat's reply: OK, and RESOURCE_NOT_FOUND, upon which its clients register again."""


# ---- requests ------------------------------------------------------------------------------------------


def parse_register(given: Parameters) -> Register:
    """As in Nacos an instance is ephemeral unless it says `ephemeral=false`."""
    _refuse_unhealthy(given)
    weight, enabled = given.weight(), given.boolean("enabled", "enable")
    metadata = given.metadata() or {}
    is_persistent = given.boolean("ephemeral") is False
    return Register(
        given.key(),
        weight=1.0 if weight is None else weight,
        enabled=True if enabled is None else enabled,
        metadata=metadata,
        beats=None if is_persistent else given.beats(metadata),
    )


def parse_update(given: Parameters) -> Update:
    """PUT: each named parameter replaces what was there."""
    _refuse_unhealthy(given)
    return Update(
        given.key(),
        given.weight(),
        given.boolean("enabled", "enable"),
        given.metadata(),
        ephemeral=given.boolean("ephemeral"),
    )


def parse_patch(given: Parameters) -> Update:
    """PATCH: the same, but metadata is laid over what was there."""
    return msgspec.structs.replace(parse_update(given), merge=True)


def parse_deregister(given: Parameters) -> Deregister:
    """DELETE: one instance is deregistered by its key."""
    return Deregister(given.key(), given.boolean("ephemeral"))


def parse_lookup(given: Parameters) -> Lookup:
    """GET: one instance is read by its key."""
    return Lookup(given.key(), given.consistency())


def parse_list(given: Parameters) -> ListInstances:
    """GET: the instances of a service are listed."""
    service, group = given.service_and_group()
    return ListInstances(
        service,
        given.name("public", "namespaceId"),
        group,
        given.clusters(),
        given.consistency(),
        bool(given.boolean("healthyOnly")),
    )


def parse_subscribe(given: Parameters) -> ListInstances:
    """GET as a long poll: the list, once the service changed after `index`, or when `wait` ms are over."""
    return msgspec.structs.replace(
        parse_list(given),
        after=given.integer("index", 0, MAX_SEQUENCE, default=0),
        wait_ms=given.integer("wait", 0, MAX_WAIT_MS, default=DEFAULT_WAIT_MS),
    )


class _BeatInfo(msgspec.Struct):
    """The fields that count in the JSON of a beat; the other fields repeat the registration."""

    ip: str
    port: int
    cluster: str | None = None


_beat_info = msgspec.json.Decoder(_BeatInfo)


def parse_beat(given: Parameters) -> Beat:
    """PUT of a beat: the key in parameters (a light beat), in the JSON of `beat`, or in both alike."""
    text = given.optional("beat")
    if text is not None:
        if len(text.encode()) > MAX_METADATA_BYTES:
            raise BadParameter(f"beat has more than {MAX_METADATA_BYTES} bytes")
        try:
            beat = _beat_info.decode(text)
        except UNREADABLE as error:
            raise BadParameter(f"beat must be a JSON object with ip and port: {error}") from error
        given.also("ip", beat.ip, "beat")
        given.also("port", str(beat.port), "beat")
        if beat.cluster and given.optional("cluster") is None:
            given.also("clusterName", beat.cluster, "beat")
    return Beat(given.key())


def _refuse_unhealthy(given: Parameters) -> None:
    if given.boolean("healthy") is False:
        raise BadParameter("healthy=false cannot be set: beats alone decide on health")


# ---- replies -------------------------------------------------------------------------------------------


def render_write(_: Any, raft_index: int, previous: Instance | None) -> NodeReply:
    """`ok`, and in headers the index and what the key held before."""
    headers = {"X-Raft-Index": str(raft_index)}
    if previous is not None:
        metadata = json.dumps(previous.metadata, separators=(",", ":"))  # ASCII, as a header must be
        if len(metadata) <= MAX_PREVIOUS_CHARACTERS:
            headers["X-Previous-Metadata"] = metadata
        else:
            headers["X-Previous-Metadata-Characters"] = str(len(metadata))
    return NodeReply(200, "text/plain", b"ok", headers)


def render_lookup(_: Lookup, raft_index: int, found: Instance | None) -> NodeReply:
    """Answer a lookup with one instance."""
    if found is None:
        return refuse(404, "not-found", "no such instance", raft_index=raft_index)
    return json_reply(instance_fields(found), raft_index)


def instance_fields(found: Instance) -> dict[str, Any]:
    """One instance under Nacos's names."""
    key = found.key
    service = grouped(key.group, key.service)
    return {
        "service": service,
        "ip": key.ip,
        "port": key.port,
        "clusterName": key.cluster,
        "weight": found.weight,
        "healthy": found.healthy,
        "enabled": found.enabled,
        "ephemeral": found.is_ephemeral,
        "instanceId": _instance_id(key, service),
        "metadata": found.metadata,
    }


def render_list(asked: ListInstances, raft_index: int, found: Listing) -> NodeReply:
    """Answer with the instances of a service."""
    name = grouped(asked.group, asked.service)
    return json_reply(list_fields(asked, name, ",".join(asked.clusters), raft_index, found), raft_index)


def list_fields(
    asked: ListInstances, name: str, clusters: str, raft_index: int, found: Listing
) -> dict[str, Any]:
    """A service's instances under Nacos's names; `name` has the group in it over HTTP alone."""
    service = grouped(asked.group, asked.service)
    return {
        "name": name,
        "groupName": asked.group,
        "clusters": clusters,
        "cacheMillis": 10_000,
        "hosts": [_host(instance, service) for instance in found.instances],
        "lastRefTime": raft_index,
        "checksum": "",
        "allIPs": False,
        "reachProtectionThreshold": found.is_protected,
        "valid": True,
    }


def render_beat(_: Beat, raft_index: int, found: Instance) -> NodeReply:
    """Answer that the beat was taken."""
    beats = found.beats or BeatTimes()
    return _beat_reply(BEAT_TAKEN, beats.interval_ms, raft_index)


def render_unknown_beat(refusal: Refused) -> NodeReply:
    """No such instance: with Nacos this is no HTTP error, but a code that has its client register again."""
    return _beat_reply(BEAT_UNKNOWN, BeatTimes().interval_ms, refusal.raft_index or 0)


def _beat_reply(code: int, interval_ms: int, raft_index: int) -> NodeReply:
    body = {"code": code, "clientBeatInterval": interval_ms, "lightBeatEnabled": True}
    return json_reply(body, raft_index)


class _Host(msgspec.Struct, gc=False, rename="camel"):
    """An instance in a list, under Nacos's names."""

    instance_id: str
    ip: str
    port: int
    weight: float
    healthy: bool
    enabled: bool
    ephemeral: bool
    cluster_name: str
    service_name: str
    metadata: dict[str, str]
    instance_heart_beat_interval: int
    instance_heart_beat_time_out: int
    ip_delete_timeout: int
    instance_id_generator: str = "simple"


_DEFAULT_BEATS = BeatTimes()


def _host(instance: Instance, name: str) -> _Host:
    key, beats = instance.key, instance.beats or _DEFAULT_BEATS
    return _Host(
        _instance_id(key, name),
        key.ip,
        key.port,
        instance.weight,
        instance.healthy,
        instance.enabled,
        instance.is_ephemeral,
        key.cluster,
        name,
        instance.metadata,
        beats.interval_ms,
        beats.timeout_ms,
        beats.delete_ms,
    )


def grouped(group: str, service: str) -> str:
    """A service's name as Nacos joins it with its group."""
    return f"{group}@@{service}"


def _instance_id(key: InstanceKey, name: str) -> str:
    return f"{key.ip}#{key.port}#{key.cluster}#{name}"
