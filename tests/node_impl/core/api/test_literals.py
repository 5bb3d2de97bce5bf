"""Values that Nacos's clients send as text of their language: `None`, `True`, `False`."""

from __future__ import annotations

import json

from node_impl.core.api.codec import parse, render
from node_impl.core.requests import Done, Instance, Listing, Register, Request


def test_the_literal_forms_that_clients_send_mean_what_they_mean_in_nacos() -> None:
    asked = "serviceName=web&ip=10.0.0.1&port=80&clusterName=None&ephemeral=False&enable=True&healthy=True"
    register = parse("POST", "/nacos/v1/ns/instance", asked, b"", {})
    assert isinstance(register, Request)
    assert isinstance(register.body, Register)
    assert (register.body.key.cluster, register.body.beats, register.body.enabled) == ("None", None, True)
    listed = parse("GET", "/nacos/v1/ns/instance/list", "serviceName=web&clusters=None", b"", {})
    assert isinstance(listed, Request)
    instance = Instance(register.body.key, 1.0, True, {}, None)
    shown = json.loads(render(listed, Done(3, Listing((instance,)))).body)["hosts"][0]
    assert shown["instanceId"] == "10.0.0.1#80#None#DEFAULT_GROUP@@web"
