"""Requests as client programs write them, for tests."""

from __future__ import annotations

import json
from typing import Any

from harness.recording.protocol import Complete, Invoke, read_complete, read_invoke


def invocation(process: int = 0, f: str = "write", key: Any = "x", value: Any = 1, **more: Any) -> Invoke:
    """An invocation that came as JSON."""
    return read_invoke(json.dumps({"process": process, "f": f, "key": key, "value": value, **more}).encode())


def completion(type_: str = "ok", value: Any = None, **more: Any) -> Complete:
    """A completion that came as JSON."""
    return read_complete(json.dumps({"type": type_, "value": value, **more}).encode())
