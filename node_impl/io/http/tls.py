"""TLS under an HTTP connection, from the event loop's protocol: encrypted bytes in, the client's bytes out.

asyncio's own TLS keeps 256 KiB for each connection, and hides it from this node until the client has shaken
hands: 1,500 silent clients took 460 MB. Here a connection is counted from its first moment, so the limits on
connections and time hold before the handshake, too. It holds what OpenSSL needs, from the client's first byte
on. A bounded number of connections shakes hands at once: one more takes the place of the oldest.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Callable
from typing import Any, Final, cast

MAX_HANDSHAKES: Final = 256
"""Connections whose client has begun to shake hands and has not ended that."""
PIECE_BYTES: Final = 16 * 1024
"""OpenSSL is given this much at once: the buffers between it and this module never shrink again."""


class Tls:
    """The TLS of one listener.

    context: has the certificate. report: takes one line for the node's log.
    """

    def __init__(
        self, context: ssl.SSLContext, report: Callable[[str], None], max_handshakes: int = MAX_HANDSHAKES
    ) -> None:
        self.context = context
        self.report = report
        self._max_handshakes = max_handshakes
        self._shaking: dict[Encrypted, None] = {}
        """Connections that shake hands, the oldest first."""
        self.refused_handshakes = 0
        """How many connections were closed since they shook hands wrongly, or made room for others."""

    def counters(self) -> dict[str, float]:
        """What was refused since the node began, for `/metrics` and the status."""
        return {"refused_tls_handshakes_total": self.refused_handshakes}

    def begun(self, connection: Encrypted) -> None:
        """A client began to shake hands; the oldest one that has not ended it may have to make room."""
        self._shaking[connection] = None
        if len(self._shaking) > self._max_handshakes:
            self.refused_handshakes += 1
            next(iter(self._shaking)).abort()

    def ended(self, connection: Encrypted) -> None:
        """A connection has shaken hands, or is over."""
        self._shaking.pop(connection, None)

    def failed(self, why: str) -> None:
        """A client did not shake hands as TLS has it."""
        self.refused_handshakes += 1
        self.report(f"disconnected a client that does not speak TLS as this node does: {why}")


class Encrypted(asyncio.Protocol, asyncio.Transport):
    """One connection: the protocol of the socket, and the transport of the HTTP connection above it."""

    _socket: asyncio.Transport

    def __init__(self, shared: Tls, above: asyncio.Protocol) -> None:
        super().__init__()
        self._shared = shared
        self._above = above
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls: ssl.SSLObject | None = None
        """From the client's first byte until the connection is over."""
        self._received = b""
        """What OpenSSL was not given yet."""
        self._has_shaken = False
        self._early: list[bytes] = []
        """What is to be sent once the client has shaken hands."""
        self._encrypted: list[bytes] = []
        """What is to be sent next."""
        self._closes_after_handshake = False
        self._is_reading = True
        self._is_over = False

    # ---- asyncio's side --------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._socket = cast(asyncio.Transport, transport)
        self._above.connection_made(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._let_go()
        self._above.connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._is_over:
            return
        if self._tls is None:
            self._tls = self._shared.context.wrap_bio(self._in, self._out, server_side=True)
            self._shared.begun(self)
        self._received += data
        self._go_on()

    def pause_writing(self) -> None:
        self._above.pause_writing()

    def resume_writing(self) -> None:
        self._above.resume_writing()

    # ---- the side of the HTTP connection ---------------------------------------------------------------

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._socket.get_extra_info(name, default)

    def get_write_buffer_size(self) -> int:
        return self._socket.get_write_buffer_size()

    def is_closing(self) -> bool:
        return self._is_over

    def pause_reading(self) -> None:
        self._is_reading = False
        self._socket.pause_reading()

    def resume_reading(self) -> None:
        self._is_reading = True
        self._socket.resume_reading()
        if self._has_shaken:  # what was read before the pause may hold more; later, never within this call
            asyncio.get_running_loop().call_soon(self._go_on)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self._is_over or self._closes_after_handshake:
            return
        if self._tls is None or not self._has_shaken:
            self._early.append(bytes(data))
        else:
            self._encrypt(data)
            self._send()

    def close(self) -> None:
        """Close once what was written has left. A client that is still to shake hands gets it after that."""
        if self._early:
            self._closes_after_handshake = True
        elif not self._is_over:
            if self._tls is not None and self._has_shaken:
                with contextlib.suppress(ssl.SSLError):  # its own word that nothing follows is not waited for
                    self._tls.unwrap()
                self._send()
            self._let_go()
            self._socket.close()

    def abort(self) -> None:
        self._let_go()
        self._socket.abort()

    # ---- TLS -------------------------------------------------------------------------------------------

    def _go_on(self) -> None:
        """Shake hands, and hand on what can be decrypted, until the bytes end or the client is to wait."""
        try:
            while self._is_reading and self._tls is not None:
                try:
                    if self._has_shaken:
                        self._hand_on(self._tls.read(PIECE_BYTES))
                    else:
                        self._shake_hands(self._tls)
                except ssl.SSLWantReadError:
                    if not self._received:
                        break
                    self._in.write(self._received[:PIECE_BYTES])
                    self._received = self._received[PIECE_BYTES:]
        except ssl.SSLError as error:
            if not self._has_shaken:
                self._shared.failed(error.reason or str(error))
            self._send()  # the alert that says why
            self._let_go()
            self._socket.close()
        self._send()

    def _hand_on(self, data: bytes) -> None:
        if data:
            self._above.data_received(data)
        else:  # the client said that nothing follows
            self.close()

    def _shake_hands(self, tls: ssl.SSLObject) -> None:
        tls.do_handshake()
        self._has_shaken = True
        self._shared.ended(self)
        early, self._early = self._early, []
        for data in early:
            self._encrypt(data)
        if self._closes_after_handshake:
            self.close()

    def _encrypt(self, data: bytes | bytearray | memoryview) -> None:
        """Leave it, encrypted, to the next `_send`."""
        if self._tls is not None:
            for begin in range(0, len(data), PIECE_BYTES):
                self._tls.write(data[begin : begin + PIECE_BYTES])
                self._encrypted.append(self._out.read())

    def _send(self) -> None:
        if self._out.pending:
            self._encrypted.append(self._out.read())
        if self._encrypted:
            data = b"".join(self._encrypted)
            self._encrypted.clear()
            self._socket.write(data)

    def _let_go(self) -> None:
        """Let go of what this connection holds: it is over."""
        self._is_over = True
        self._tls = None
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._received = b""
        self._early, self._encrypted = [], []
        self._shared.ended(self)
