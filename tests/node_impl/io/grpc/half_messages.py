"""A client of HTTP/2 that sends messages of gRPC and never their last bytes, as no library would.

It keeps to the windows of RFC 9113 (section 6.9), so that the server takes all that it offers to take.
"""

from __future__ import annotations

import socket
import struct
import time

_DATA, _HEADERS, _SETTINGS, _PING, _WINDOW_UPDATE = 0, 1, 4, 6, 8
_ACK = 1
_END_HEADERS = 4
_INITIAL_WINDOW_SIZE = 4
_FIELDS = (
    (b":method", b"POST"),
    (b":scheme", b"http"),
    (b":path", b"/Request/request"),
    (b":authority", b"x"),
    (b"te", b"trailers"),
    (b"content-type", b"application/grpc"),
)
# Literal fields without indexing (RFC 7541, section 6.2.2).
_HEAD = b"".join(b"\x00" + bytes([len(n)]) + n + bytes([len(v)]) + v for n, v in _FIELDS)


def _frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


class HalfMessages:
    """One connection with this number of calls, each with a message of which `sent` of `size` bytes come."""

    def __init__(self, port: int, calls: int, size: int, sent: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=20)
        self._window, self._initial = 65_535, 65_535
        self._windows = {1 + 2 * call: self._initial for call in range(calls)}
        self._left = {stream: struct.pack(">BI", 0, size) + b"x" * sent for stream in self._windows}
        self._received = b""
        self.sent_bytes = 0
        self.is_closed = False
        begin = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + _frame(_SETTINGS, 0, 0)
        self._send(begin + b"".join(_frame(_HEADERS, _END_HEADERS, stream, _HEAD) for stream in self._left))

    def send(self, seconds: float) -> None:
        """Send as much as the server takes in that time."""
        end = time.monotonic() + seconds
        while self._left and not self.is_closed and time.monotonic() < end:
            moved = [self._send_some(stream) for stream in tuple(self._left)]
            self._receive(0.001 if any(moved) else 0.05)

    def close(self) -> None:
        self._socket.close()

    def _send_some(self, stream: int) -> bool:
        data = self._left[stream]
        size = min(len(data), 16_384, self._window, self._windows[stream])
        if size <= 0:
            return False
        self._send(_frame(_DATA, 0, stream, data[:size]))
        self._window -= size
        self._windows[stream] -= size
        self.sent_bytes += size
        self._left[stream] = data[size:]
        if not self._left[stream]:
            del self._left[stream]
        return True

    def _receive(self, patience_s: float) -> None:
        self._socket.settimeout(patience_s)
        try:
            received = self._socket.recv(65_536)
        except TimeoutError:
            return
        except OSError:
            received = b""
        self.is_closed = not received
        self._received += received
        while len(self._received) >= 9:
            end = 9 + int.from_bytes(self._received[:3], "big")
            if len(self._received) < end:
                return
            head, payload = self._received[:9], self._received[9:end]
            self._received = self._received[end:]
            self._take(head[3], head[4], int.from_bytes(head[5:], "big"), payload)

    def _take(self, kind: int, flags: int, stream: int, payload: bytes) -> None:
        if kind == _WINDOW_UPDATE and stream == 0:
            self._window += int.from_bytes(payload, "big")
        elif kind == _WINDOW_UPDATE and stream in self._windows:
            self._windows[stream] += int.from_bytes(payload, "big")
        elif kind == _SETTINGS and not flags & _ACK:
            for name, value in struct.iter_unpack(">HI", payload):
                if name == _INITIAL_WINDOW_SIZE:
                    self._windows = {one: w + value - self._initial for one, w in self._windows.items()}
                    self._initial = value
            self._send(_frame(_SETTINGS, _ACK, 0))
        elif kind == _PING and not flags & _ACK:
            self._send(_frame(_PING, _ACK, 0, payload))

    def _send(self, data: bytes) -> None:
        try:
            self._socket.settimeout(20)
            self._socket.sendall(data)
        except OSError:
            self.is_closed = True
