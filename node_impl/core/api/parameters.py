"""A request's parameters as Nacos v1 names them, each checked; a refusal names what is wrong.

Pure. Parameters come from the query string and from a urlencoded form, together; unknown names are
ignored as Nacos ignores them, since its clients send some that mean nothing here (`app`, `encoding`).
"""

from __future__ import annotations

import ipaddress
import math
import re
from collections.abc import Mapping
from functools import lru_cache
from urllib.parse import unquote

import msgspec

from node_impl.core.requests import BeatTimes, Consistency, InstanceKey, ServiceKey

DEFAULT_NAMESPACE = "public"
DEFAULT_GROUP = "DEFAULT_GROUP"
DEFAULT_CLUSTER = "DEFAULT"
GROUP_SEPARATOR = "@@"

MAX_SERVICE_CHARACTERS = 512
MAX_NAME_CHARACTERS = 128
MAX_HOST_CHARACTERS = 253
MAX_WEIGHT = 10_000.0
MAX_METADATA_BYTES = 64 * 1024
MAX_PARAMETERS = 64
MAX_SHOWN_CHARACTERS = 60
MAX_SEQUENCE = 2**63 - 1
MAX_WAIT_MS = 60_000
"""The longest that a long poll may keep its answer back."""
DEFAULT_BEATS = BeatTimes()
MAX_BEAT_MS = 86_400_000

BEAT_INTERVAL = "preserved.heart.beat.interval"
BEAT_TIMEOUT = "preserved.heart.beat.timeout"
DELETE_TIMEOUT = "preserved.ip.delete.timeout"
"""Nacos's names in an instance's metadata; milliseconds."""

_HOST = re.compile(r"(?!-)[0-9A-Za-z_-]{1,63}(?<!-)(\.(?!-)[0-9A-Za-z_-]{1,63}(?<!-))*", re.ASCII)
_ADDRESS_LIKE = re.compile(r"[0-9.]+|[0-9A-Fa-f:.]+:[0-9A-Fa-f:.]*|:[0-9A-Fa-f:.]+")
_NUMBER = re.compile(r"[0-9]{1,19}", re.ASCII)
_WEIGHT = re.compile(r"[0-9]{1,9}(\.[0-9]{0,9})?|\.[0-9]{1,9}", re.ASCII)
_metadata = msgspec.json.Decoder(dict[str, str])

UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What decoding raises of a client's JSON: it is none, it is of another form, or it is nested too deeply."""


class BadParameter(Exception):
    """A parameter is missing, malformed or given twice; the text says which and what is allowed."""


class MissingParameter(BadParameter):
    """A parameter that must be there is not."""


class Parameters:
    """The parameters of one request.

    headers: some of Nacos's parameters come as such. beats: the beat times of ephemeral instances whose
    metadata names none.

    Raises:
        BadParameter: the query or the form is malformed, or names a parameter twice.
    """

    def __init__(
        self,
        query: str,
        form: str = "",
        headers: Mapping[str, str] | None = None,
        beats: BeatTimes = DEFAULT_BEATS,
    ) -> None:
        self.headers = {} if headers is None else headers
        self._beats = beats
        self._values: dict[str, str] = {}
        for source, text in (("query", query), ("form", form)):
            if not text:
                continue
            if not text.isascii():
                raise BadParameter(f"the {source} has bytes above 127; percent-encode them")
            pairs = [pair.partition("=") for pair in text.split("&")]
            if len(pairs) > MAX_PARAMETERS:
                raise BadParameter(f"the {source} has more than {MAX_PARAMETERS} parameters")
            try:
                decoded = [
                    (_decoded(name), _decoded(value)) for name, equals, value in pairs if name or equals
                ]
            except UnicodeDecodeError as error:
                raise BadParameter(f"the {source} is not UTF-8 after percent-decoding") from error
            for name, value in decoded:
                if name in self._values:
                    raise BadParameter(f"parameter {shown(name)} is given twice")
                self._values[name] = value

    @classmethod
    def of(cls, values: Mapping[str, str | None], beats: BeatTimes = DEFAULT_BEATS) -> Parameters:
        """Parameters that did not come as text of a query; one that is None was not given."""
        given = cls("", beats=beats)
        given._values = {name: value for name, value in values.items() if value is not None}
        return given

    def optional(self, *names: str) -> str | None:
        """The parameter under the one of its names that was used; None if absent or empty."""
        if len(names) == 1:
            return self._values.get(names[0]) or None
        given = [(name, self._values[name]) for name in names if self._values.get(name)]
        if len(given) > 1 and len({value for _, value in given}) > 1:
            raise BadParameter(f"{' and '.join(name for name, _ in given)} name the same, but differ")
        return given[0][1] if given else None

    def required(self, *names: str) -> str:
        """The same, but it must be there."""
        value = self.optional(*names)
        if value is None:
            raise MissingParameter(f"parameter {names[0]} is missing")
        return value

    def also(self, name: str, value: str, source: str) -> None:
        """Take a parameter from another source; it must not contradict the one that was given."""
        given = self._values.setdefault(name, value)
        if given != value:
            raise BadParameter(f"{name} is {shown(given)}, but {source} says {shown(value)}")

    def integer(self, name: str, least: int, most: int, default: int | None = None) -> int:
        """A number; without a default it must be there."""
        value = self.required(name) if default is None else self.optional(name)
        return default if value is None and default is not None else whole(name, value or "", least, most)

    def fraction(self, name: str) -> float | None:
        """A number from 0 to 1; None if absent."""
        value = self.optional(name)
        if value is None:
            return None
        fraction = float(value) if _WEIGHT.fullmatch(value) else math.nan
        if not 0 <= fraction <= 1:
            raise BadParameter(f"{name} must be a number from 0 to 1, not {shown(value)}")
        return fraction

    def boolean(self, *names: str) -> bool | None:
        """`true` or `false`, in any case; None if absent."""
        value = self.optional(*names)
        if value is None:
            return None
        if value.lower() not in ("true", "false"):
            raise BadParameter(f"{names[0]} must be true or false, not {shown(value)}")
        return value.lower() == "true"

    def name(self, default: str, *names: str, longest: int = MAX_NAME_CHARACTERS) -> str:
        """A name of a namespace, group or cluster."""
        return checked_name(names[0], self.optional(*names) or default, longest)

    def service_and_group(self) -> tuple[str, str]:
        """`serviceName`, which may hold its group as `group@@service`, and `groupName`."""
        full = self.required("serviceName")
        group = self.optional("groupName")
        prefix, separator, service = full.rpartition(GROUP_SEPARATOR)
        if separator:
            if group is not None and group != prefix:
                raise BadParameter(f"groupName is {shown(group)}, but serviceName says group {shown(prefix)}")
            group = prefix
        service = checked_name("serviceName", service, MAX_SERVICE_CHARACTERS)
        return service, checked_name("groupName", DEFAULT_GROUP if group is None else group)

    def service_key(self) -> ServiceKey:
        """What identifies the service that is meant."""
        service, group = self.service_and_group()
        return ServiceKey(self.name(DEFAULT_NAMESPACE, "namespaceId"), group, service)

    def key(self) -> InstanceKey:
        """What identifies the instance that is meant."""
        service, group = self.service_and_group()
        return InstanceKey(
            service=service,
            ip=self.host(),
            port=self.port(),
            namespace=self.name(DEFAULT_NAMESPACE, "namespaceId"),
            group=group,
            cluster=self.name(DEFAULT_CLUSTER, "clusterName", "cluster"),
        )

    def host(self) -> str:
        """`ip`: an IPv4 or IPv6 address or a host name, kept as it is spelled."""
        value = self.required("ip")
        if len(value) <= MAX_HOST_CHARACTERS and _is_host(value):
            return value
        raise BadParameter(f"ip must be an IP address or a host name, not {shown(value)}")

    def port(self) -> int:
        """`port`, from 1 to 65535."""
        return self.integer("port", 1, 65535)

    def weight(self) -> float | None:
        """`weight`, from 0 to 10000; None if absent."""
        value = self.optional("weight")
        if value is None:
            return None
        weight = float(value) if _WEIGHT.fullmatch(value) else math.nan
        if not 0 <= weight <= MAX_WEIGHT:
            raise BadParameter(f"weight must be a number from 0 to {MAX_WEIGHT:g}, not {shown(value)}")
        return weight

    def metadata(self) -> dict[str, str] | None:
        """`metadata`, a JSON object whose values are strings; None if absent."""
        value = self.optional("metadata")
        if value is None:
            return None
        size = len(value.encode())
        if size > MAX_METADATA_BYTES:
            raise BadParameter(f"metadata has {size} bytes; at most {MAX_METADATA_BYTES} are allowed")
        try:
            return _metadata.decode(value)
        except UNREADABLE as error:
            raise BadParameter(f"metadata must be a JSON object of strings: {error}") from error

    def beats(self, metadata: Mapping[str, str]) -> BeatTimes:
        """How an ephemeral instance lives: as its metadata says, else as the node's defaults do."""

        def milliseconds(name: str, default: int) -> int:
            value = metadata.get(name)
            return default if value is None else whole(f"metadata {name}", value, 1, MAX_BEAT_MS)

        return BeatTimes(
            milliseconds(BEAT_INTERVAL, self._beats.interval_ms),
            milliseconds(BEAT_TIMEOUT, self._beats.timeout_ms),
            milliseconds(DELETE_TIMEOUT, self._beats.delete_ms),
        )

    def consistency(self) -> Consistency:
        """`consistency`: linearizable unless stale is asked for."""
        match self.optional("consistency"):
            case None | "linearizable":
                return "linearizable"
            case "stale":
                return "stale"
            case other:
                raise BadParameter(f"consistency must be linearizable or stale, not {shown(other)}")

    def clusters(self) -> tuple[str, ...]:
        """`clusters`, separated by commas; empty means all."""
        value = self.optional("clusters", "clusterName", "cluster") or ""
        return tuple(checked_name("clusters", part) for part in value.split(",") if part)


def _decoded(part: str) -> str:
    """A name or a value as it was before it was percent-encoded for a form.

    Raises:
        UnicodeDecodeError: it is not UTF-8.
    """
    if "+" in part:
        part = part.replace("+", " ")
    return unquote(part, errors="strict") if "%" in part else part


@lru_cache(maxsize=4096)
def _is_host(value: str) -> bool:
    """Whether it is an address or a host name.

    Answers are kept, since each beat of an instance asks again, and to read an address is slow.
    """
    if not _ADDRESS_LIKE.fullmatch(value):
        return _HOST.fullmatch(value) is not None
    try:
        ipaddress.ip_address(value)
    except ValueError:
        return False
    return True


def checked_name(parameter: str, value: str, longest: int = MAX_NAME_CHARACTERS) -> str:
    """`value`, if it may name something: printable, no spaces, none of Nacos's separators."""
    if not 1 <= len(value) <= longest:
        raise BadParameter(f"{parameter} must have 1 to {longest} characters, not {len(value)}")
    if not value.isprintable() or " " in value or "," in value or "#" in value:
        bad = next(c for c in value if c in " ,#" or not c.isprintable())
        raise BadParameter(f"{parameter} {shown(value)} contains {bad!r}")
    if GROUP_SEPARATOR in value:
        raise BadParameter(
            f"{parameter} {shown(value)} contains {GROUP_SEPARATOR!r}, which separates group and service"
        )
    return value


def whole(name: str, value: str, least: int, most: int) -> int:
    """The number that `value` spells in decimal digits, if it lies within the bounds."""
    if not _NUMBER.fullmatch(value) or not least <= int(value) <= most:
        raise BadParameter(f"{name} must be a number from {least} to {most}, not {shown(value)}")
    return int(value)


def shown(value: str) -> str:
    """A value as an error quotes it: escaped, and cut where it is long."""
    return repr(value if len(value) <= MAX_SHOWN_CHARACTERS else value[:MAX_SHOWN_CHARACTERS] + "...")
