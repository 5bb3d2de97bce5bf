"""The operations of a history by key, and how a proof names them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from checkers.models.model import MAYBE, Call
from checkers.verification.certificate import CertificateError
from history import History
from history.values import frozen

Keys = Mapping[str | None, "Mapping[int, Operated]"]


@dataclass(frozen=True)
class Operated:
    """An operation of a client that did not certainly fail."""

    begun: int
    ended: int | None
    """The index of its `ok` completion; None where the outcome is not known."""
    call: Call


def by_key(history: History) -> Keys:
    """The operations of each key by the index of their invocation."""
    found: dict[str | None, dict[int, Operated]] = {}
    for invocation in history:
        if invocation.type != "invoke" or not invocation.is_client:
            continue
        completion = history.completion(invocation)
        if completion is not None and completion.type == "fail":
            continue
        known = completion is not None and completion.type == "ok"
        result = frozen(completion.value) if completion is not None and known else MAYBE
        call = Call(invocation.f, frozen(invocation.value), result)
        ended = completion.index if completion is not None and known else None
        found.setdefault(invocation.key, {})[invocation.index] = Operated(invocation.index, ended, call)
    return found


def of_key(keys: Keys, key: str | None) -> Mapping[int, Operated]:
    """The operations on a key.

    Raises:
        CertificateError: the history has none.
    """
    if key not in keys:
        raise CertificateError(f"the history has no operation on key {key!r}")
    return keys[key]


def named(operations: Mapping[int, Operated], index: int) -> Operated:
    """The operation that began at an index of the history.

    Raises:
        CertificateError: it is no operation on this key, or certainly failed.
    """
    if index not in operations:
        raise CertificateError(f"operation {index} is no operation on this key that may have happened")
    return operations[index]
