"""Rechecks that an acknowledged registration was lost: by the rules of one key, from the history alone."""

from __future__ import annotations

from checkers.verification.certificate import CertificateError, LostWrite
from history import History, Operation

SETS = ("register", "update")
WRITES = (*SETS, "deregister")


def recheck_lost_write(history: History, proof: LostWrite) -> None:
    """Recheck that a read had to show a registration, and shows another one or none.

    Every other write of the key that may have happened was acknowledged before this one began, or began after
    the read had been answered. So in any order the read finds what this write left there.

    Raises:
        CertificateError: the read did not have to show it, or does.
    """
    write, read = _invocation(history, proof.write), _invocation(history, proof.read)
    acknowledged, answer = history.completion(write), history.completion(read)
    if write.f not in SETS or write.key is None:
        raise CertificateError(f"operation {write.index} registers nothing")
    if acknowledged is None or acknowledged.type != "ok" or acknowledged.value is False:
        raise CertificateError(f"operation {write.index} was not acknowledged")
    if answer is None or answer.type != "ok":
        raise CertificateError(f"operation {read.index} was not answered")
    if acknowledged.index > read.index:
        raise CertificateError(f"operation {read.index} began before {write.index} was acknowledged")
    if _shown(write.key, answer) == write.value:
        raise CertificateError(f"operation {read.index} shows the registration")
    for other in history:
        is_other = other.type == "invoke" and other.is_client and other.index != write.index
        if not is_other or other.key != write.key or other.f not in WRITES or other.index > answer.index:
            continue
        ended = history.completion(other)
        if ended is not None and (ended.type == "fail" or (ended.type == "ok" and ended.index < write.index)):
            continue
        raise CertificateError(f"operation {other.index} may have replaced what {write.index} registered")


def _shown(key: str, answer: Operation) -> object:
    """What a lookup of a key, or a list of its service, shows there."""
    service, _, instance = key.partition("/")
    if answer.f == "lookup" and answer.key == key:
        return answer.value
    if answer.f in ("list", "final-list") and answer.key == service and isinstance(answer.value, dict):
        return answer.value.get(instance)
    raise CertificateError(f"operation {answer.index} does not read {key!r}")


def _invocation(history: History, index: int) -> Operation:
    if not 0 <= index < len(history) or history[index].type != "invoke" or not history[index].is_client:
        raise CertificateError(f"operation {index} is no operation of a client")
    return history[index]
