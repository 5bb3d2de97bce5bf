"""Messages about configurations: publish, query, remove, listen, and the push of a change."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from node_impl.core.api import configs
from node_impl.core.api.parameters import BadParameter, Parameters
from node_impl.core.api.payloads.bodies import decoded
from node_impl.core.api.payloads.wire import Payload
from node_impl.core.requests import Config, ConfigKey, GetConfig, HeldConfig, PublishConfig, RemoveConfig

NOTIFY: Final = "ConfigChangeNotifyRequest"


class Named(msgspec.Struct, rename="camel", frozen=True):
    """A configuration as a client names it; what is sent back has its own spelling of the tenant."""

    data_id: str | None = None
    group: str | None = None
    tenant: str | None = None

    def key(self) -> ConfigKey:
        """The configuration that is meant.

        Raises:
            BadParameter: a name is missing or malformed.
        """
        return configs.parse_get(self.parameters()).key

    def parameters(self, **more: str | None) -> Parameters:
        """The same as parameters over HTTP. The tenant `public` is what others call by no name."""
        tenant = None if self.tenant == "public" else self.tenant
        return Parameters.of({"dataId": self.data_id, "group": self.group, "tenant": tenant, **more})


class _Publish(Named, rename="camel", frozen=True):
    content: str | None = None
    cas_md5: str | None = None
    addition_map: dict[str, str | None] | None = None


class _Held(Named, rename="camel", frozen=True):
    md5: str | None = None


class _Listen(msgspec.Struct, rename="camel"):
    listen: bool = True
    config_listen_contexts: list[_Held] = []


def parse_publish(body: bytes) -> PublishConfig:
    """`ConfigPublishRequest`.

    Raises:
        BadParameter: it is malformed.
    """
    asked = decoded(body, _Publish)
    kind = (asked.addition_map or {}).get("type")
    return configs.parse_publish(asked.parameters(content=asked.content, casMd5=asked.cas_md5, type=kind))


def parse_get(body: bytes) -> GetConfig:
    """`ConfigQueryRequest`.

    Raises:
        BadParameter: it is malformed.
    """
    return GetConfig(decoded(body, Named).key())


def parse_remove(body: bytes) -> RemoveConfig:
    """`ConfigRemoveRequest`.

    Raises:
        BadParameter: it is malformed.
    """
    return RemoveConfig(decoded(body, Named).key())


def parse_listen(body: bytes) -> tuple[bool, dict[HeldConfig, Named]]:
    """`ConfigBatchListenRequest`: (whether to listen or to end that, what the client holds, and under which
    names).

    Raises:
        BadParameter: it is malformed, or names too many.
    """
    asked = decoded(body, _Listen)
    if len(asked.config_listen_contexts) > configs.MAX_LISTENED:
        found = len(asked.config_listen_contexts)
        raise BadParameter(
            f"configListenContexts has {found} configurations; at most {configs.MAX_LISTENED} are allowed"
        )
    names = {}
    for held in asked.config_listen_contexts:
        md5 = configs.checked_md5("configListenContexts", held.data_id or "", held.md5 or "")
        names[HeldConfig(held.key(), md5)] = Named(held.data_id, held.group, held.tenant)
    return asked.listen, names


def config_fields(found: Config) -> dict[str, Any]:
    """The fields of a `ConfigQueryResponse`."""
    return {
        "content": found.content,
        "contentType": found.content_type,
        "md5": found.md5,
        "encryptedDataKey": "",
        "lastModified": found.index,
        "isBeta": False,
    }


def changed_fields(names: list[Named]) -> dict[str, Any]:
    """The fields of a `ConfigChangeBatchListenResponse`."""
    return {"changedConfigs": [_named(one) for one in names]}


def push(changed: Named, request_id: str) -> Payload:
    """`ConfigChangeNotifyRequest`: that a configuration is another one now; the client asks for it."""
    body = {"headers": {}, "requestId": request_id, "module": "config", **_named(changed)}
    return Payload(NOTIFY, msgspec.json.encode(body))


def _named(one: Named) -> dict[str, str]:
    return {"dataId": one.data_id or "", "group": one.group or "", "tenant": one.tenant or ""}
