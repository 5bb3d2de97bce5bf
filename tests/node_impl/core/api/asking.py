"""HTTP requests as short calls, for the tests of each family of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from node_impl.core.api.codec import parse, render
from node_impl.core.api.replies import NodeReply
from node_impl.core.requests import Body, Reply, Request


def body_of(method: str, path: str, headers: Mapping[str, str] | None = None, /, **query: str) -> Body:
    """What the node is asked."""
    request = parse(method, path, urlencode(query), b"", headers or {})
    assert isinstance(request, Request), request
    return request.body


def refusal_of(method: str, path: str, headers: Mapping[str, str] | None = None, /, **query: str) -> str:
    """Why the request is refused."""
    reply = parse(method, path, urlencode(query), b"", headers or {})
    assert isinstance(reply, NodeReply), reply
    assert reply.status == 400
    return str(json.loads(reply.body)["reason"])


def rendered(body: Body, reply: Reply) -> NodeReply:
    return render(Request(body), reply)


def shown(body: Body, reply: Reply) -> Any:
    """The JSON of a reply."""
    return json.loads(rendered(body, reply).body)
