"""Which Dask clusters may be used: `local`, one on this machine, or one that TLS protects.

All who can reach a Dask scheduler without TLS can run code on its workers and on its clients, since Dask's
messages are pickles. So a plain connection is accepted only within one machine.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from urllib.parse import urlsplit

LOCAL = "local"
FORMS = f"give {LOCAL}, tcp://HOST:PORT or tls://HOST:PORT"


def checked_address(text: str) -> str:
    """The address of a scheduler, or `local`.

    Raises:
        ValueError: it is none, or it lies beyond this machine and has no TLS.
    """
    if text == LOCAL:
        return text
    try:
        parts = urlsplit(text)
        is_whole = parts.hostname and parts.port and not (parts.path or parts.query or parts.username)
    except ValueError:
        is_whole = False
    if not is_whole or parts.scheme not in ("tcp", "tls"):
        raise ValueError(f"{text!r} is no address of a Dask scheduler: {FORMS}")
    if not is_protected(text):
        raise ValueError(
            f"{text} lies beyond this machine and has no TLS, so everybody on the network could run code "
            f"here and there; give tls://{parts.netloc} (docs/scale.md shows the certificates)"
        )
    return text


def is_protected(address: str) -> bool:
    """Whether no one on a network can read or change what is sent to this address."""
    parts = urlsplit(address)
    return parts.scheme == "tls" or _is_this_machine(parts.hostname or "")


def unprotected(addresses: Iterable[str]) -> list[str]:
    """Those of these addresses that lie beyond this machine and have no TLS."""
    return [address for address in addresses if not is_protected(address)]


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
