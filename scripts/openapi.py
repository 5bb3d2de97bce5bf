"""Writes docs/openapi.json: what the node's client API takes and answers (OpenAPI 3.1).

Nothing of it is typed in twice: each path's own parser is run with parameters that note which of them it
reads, of what kind and within which bounds. With --check it writes nothing, and exits with 1 if the file is
not what it would write.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from node_impl.core.api import codec
from node_impl.core.api.parameters import MAX_NAME_CHARACTERS, MAX_SEQUENCE, Parameters
from node_impl.core.requests import Body

FILE = Path(__file__).resolve().parents[1] / "docs" / "openapi.json"
Schema = Mapping[str, Any]

NAME: Schema = {
    "type": "string",
    "pattern": r"^[^\s,#@\x00-\x1f\x7f-\xa0]+$",
    "maxLength": MAX_NAME_CHARACTERS,
    "description": "printable, without space, comma, # and @@",
}
TEXT: Schema = {"type": "string", "minLength": 1, "maxLength": MAX_NAME_CHARACTERS}
KINDS: Mapping[str, Schema] = {
    "ip": {
        "anyOf": [{"type": "string", "format": kind} for kind in ("ipv4", "ipv6", "hostname")],
    },
    "consistency": {"type": "string", "enum": ["linearizable", "stale"]},
    "content": {"type": "string", "minLength": 1},
    "casMd5": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
    "type": {"type": "string", "pattern": "^[0-9a-z-]{1,32}$"},
    "dataId": {"type": "string", "pattern": "^[0-9A-Za-z._:-]{1,128}$"},
    "group": {"type": "string", "pattern": "^[0-9A-Za-z._:-]{1,128}$"},
    "tenant": {"type": "string", "pattern": "^[0-9A-Za-z._:-]{1,128}$"},
    "clusters": {"type": "string", "description": "names of clusters, separated by commas"},
    "Listening-Configs": {
        "type": "string",
        "description": "dataId, group and md5 of each configuration, separated by %02, each ended by %01",
    },
}
"""What is said of a parameter beyond that it is a name."""
JSON: Mapping[str, Schema] = {
    "metadata": {"type": "object", "additionalProperties": {"type": "string"}},
    "selector": {"type": "object", "properties": {"type": {"const": "none"}}},
    "beat": {
        "type": "object",
        "required": ["ip", "port"],
        "properties": {"ip": {"type": "string"}, "port": {"type": "integer"}, "cluster": {"type": "string"}},
    },
}
"""Parameters that are JSON."""
GIVEN: Mapping[str, str] = {
    "ip": "10.0.0.1",
    "port": "8080",
    "Listening-Configs": "orders\x02DEFAULT_GROUP\x02\x01",
}
"""Values of parameters that a parser goes on with; any other that must be there is `orders`."""
HEADERS: Mapping[str, tuple[Schema, str]] = {
    "X-Operation-Id": (TEXT, "goes with a write into logs and traces"),
    "X-Client-Id": (TEXT, "with X-Client-Sequence: a write that may be repeated, and happens once"),
    "X-Client-Sequence": ({"type": "integer", "minimum": 0, "maximum": MAX_SEQUENCE}, "see X-Client-Id"),
}
STATUSES = {
    "400": "a parameter is missing or wrong; nothing was proposed",
    "401": "a token is needed; nothing was proposed",
    "403": "the token does not allow this; nothing was proposed",
    "404": "there is nothing of this name",
    "409": "it contradicts what is there, or it was carried out before",
    "410": "the client's session is over: it opens another one",
    "413": "the body is too large; nothing was proposed",
    "415": "the body is no form; nothing was proposed",
    "429": "too many requests of this client; nothing was proposed",
    "431": "the header is too large; nothing was proposed",
    "503": "no leader, or too much waits here; `proposed` says whether it may still take effect",
    "504": "no answer in time; `proposed` says whether it may still take effect",
}


class Noting(Parameters):
    """Parameters that note what a parser asks for."""

    def __init__(self) -> None:
        super().__init__("")
        self.found: dict[str, dict[str, Any]] = {}
        """By name: the schema, and under `required` whether it must be there."""
        self._must = False

    def _note(self, name: str, schema: Schema) -> None:
        known = self.found.setdefault(name, {"schema": schema, "required": False})
        if schema is not NAME:
            known["schema"] = schema

    def optional(self, *names: str) -> str | None:
        """As `Parameters`: None, unless the parameter must be there."""
        for name in names:
            self._note(name, KINDS.get(name, NAME))
        if not self._must:
            return super().optional(*names)
        given = super().optional(*names)
        if given is None and len(names) == 1:
            self.found[names[0]]["required"] = True
        return given or GIVEN.get(names[0], "orders")

    def required(self, *names: str) -> str:
        """As `Parameters`; a value that fits."""
        self._must = True
        try:
            return super().required(*names)
        finally:
            self._must = False

    def integer(self, name: str, least: int, most: int, default: int | None = None) -> int:
        """As `Parameters`."""
        number = super().integer(name, least, most, default)
        self._note(name, {"type": "integer", "minimum": least, "maximum": most})
        return number

    def fraction(self, name: str) -> float | None:
        """As `Parameters`."""
        number = super().fraction(name)
        self._note(name, {"type": "number", "minimum": 0, "maximum": 1})
        return number

    def weight(self) -> float | None:
        """As `Parameters`."""
        number = super().weight()
        self._note("weight", {"type": "number", "minimum": 0, "maximum": 10_000})
        return number

    def boolean(self, *names: str) -> bool | None:
        """As `Parameters`."""
        value = super().boolean(*names)
        for name in names:
            self._note(name, {"type": "boolean"})
        return value


def description() -> dict[str, Any]:
    """The API as OpenAPI describes it."""
    refusal = {"application/json": {"schema": {"$ref": "#/components/schemas/Refusal"}}}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Ackproof's reference node: a service registry on Raft",
            "version": "1",
            "description": "Paths and names are those of Nacos where the meaning is the same: docs/nacos.md.",
        },
        "paths": {
            path: {method.lower(): _operation(path, method, make) for method, make in methods.items()}
            for path, methods in codec.ROUTES.items()
        },
        "components": {
            "responses": {
                status: {"description": text, "content": refusal} for status, text in STATUSES.items()
            },
            "schemas": {
                "Refusal": {
                    "type": "object",
                    "required": ["error", "reason", "proposed"],
                    "properties": {
                        "error": {"type": "string"},
                        "reason": {"type": "string"},
                        "proposed": {
                            "type": "boolean",
                            "description": "whether a write may still take effect",
                        },
                    },
                }
            },
        },
    }


def _operation(path: str, method: str, make: Callable[[Parameters], Body]) -> dict[str, Any]:
    noting = Noting()
    make(noting)
    about = (make.__doc__ or "").strip().split("\n")[0]
    parameters = [
        {"name": name, "in": "query", "required": one["required"], **_kind(name, one["schema"])}
        for name, one in sorted(noting.found.items())
    ]
    if method != "GET":
        parameters += [
            {"name": name, "in": "header", "required": False, "schema": dict(schema), "description": text}
            for name, (schema, text) in HEADERS.items()
        ]
    return {
        "operationId": f"{method.lower()} {path}",
        **({"summary": about} if about else {}),
        "parameters": parameters,
        "responses": {
            "200": {"description": "done", "content": {"application/json": {}, "text/plain": {}}},
            **{status: {"$ref": f"#/components/responses/{status}"} for status in STATUSES},
        },
    }


def _kind(name: str, schema: Schema) -> dict[str, Any]:
    if name in JSON:
        return {"content": {"application/json": {"schema": JSON[name]}}}
    return {"schema": dict(schema)}


def main() -> int:
    """Write the file, or say whether it is as it should be."""
    text = json.dumps(description(), indent=1, ensure_ascii=False) + "\n"
    if sys.argv[1:] != ["--check"]:
        FILE.write_text(text, encoding="utf-8")
        return 0
    if FILE.read_text(encoding="utf-8") == text:
        return 0
    sys.stderr.write("docs/openapi.json is not what the node takes: python scripts/openapi.py writes it\n")
    return 1


if __name__ == "__main__":
    raise SystemExit(main())
