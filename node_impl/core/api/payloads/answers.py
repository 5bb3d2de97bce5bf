"""What all answers over gRPC share: Nacos's codes, and a refusal that says whether anything was proposed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from node_impl.core.api.payloads.wire import Payload
from node_impl.core.requests import Refused

SUCCESS: Final = 200
FAILURE: Final = 500
"""`resultCode`: the two that Nacos has."""

BAD_REQUEST: Final = 400
FORBIDDEN: Final = 403
NOT_FOUND: Final = 300
CONFLICT: Final = 409
UNREGISTERED: Final = 301
"""The client's connection is not known (any more): it has to connect again."""
NO_HANDLER: Final = 302
UNAVAILABLE: Final = 503
UNKNOWN_OUTCOME: Final = 504
"""`errorCode`: 300, 301, 302 and 403 mean what they mean in Nacos, the others what they mean over HTTP."""

_CODE_OF = {
    "not-found": NOT_FOUND,
    "conflict": CONFLICT,
    "bad-request": BAD_REQUEST,
    "stale-sequence": CONFLICT,
}


def done(kind: str, fields: Mapping[str, Any] | None = None, request_id: str = "") -> Payload:
    """An answer of that type to a request that was carried out."""
    body = {"resultCode": SUCCESS, "errorCode": 0, "requestId": request_id, "success": True, **(fields or {})}
    return Payload(kind, msgspec.json.encode(body))


def failed(kind: str, code: int, reason: str, proposed: bool = False, request_id: str = "") -> Payload:
    """An answer of that type to a request that was not carried out, or not known to be."""
    effect = "it may still take effect" if proposed else "nothing was proposed"
    body = {
        "resultCode": FAILURE,
        "errorCode": code,
        "message": f"{reason} ({effect})",
        "requestId": request_id,
        "success": False,
    }
    return Payload(kind, msgspec.json.encode(body))


def refused(kind: str, refusal: Refused, request_id: str = "") -> Payload:
    """What the node refused, under Nacos's code where it has one."""
    unnamed = UNKNOWN_OUTCOME if refusal.proposed else UNAVAILABLE
    code = _CODE_OF.get(refusal.code, unnamed)
    return failed(kind, code, f"{refusal.code}: {refusal.reason}", refusal.proposed, request_id)
