"""Where messages end in a stream of bytes, so that a link can count whole messages. Sans-I/O."""

from __future__ import annotations

import msgspec


class Framing(msgspec.Struct, frozen=True):
    """How a system's peer connections are cut into messages: a length before each.

    A connection begins with `preface_bytes`, then come frames. A frame is a header of `header_bytes`,
    whose first four are the payload's length (unsigned, big-endian), then the payload. The first
    `greetings` frames of a connection introduce the dialler and are no messages.
    """

    preface_bytes: int
    header_bytes: int
    greetings: int = 0


class FrameCounter:
    """Tells where messages end in one connection's bytes."""

    def __init__(self, framing: Framing) -> None:
        self._framing = framing
        self._greetings_left = framing.greetings
        self._skip = framing.preface_bytes
        self._header = b""
        self._is_preface = framing.preface_bytes > 0

    def feed(self, data: bytes) -> int:
        """Take the next bytes, in any pieces; how many messages end in them."""
        return sum(is_message for _, is_message in self.ends(data))

    def ends(self, data: bytes) -> list[tuple[int, bool]]:
        """Take the next bytes, in any pieces; after how many of them something ends, and whether a message.

        The preface and each greeting end too, and are no messages.
        """
        header_bytes = self._framing.header_bytes
        ended: list[tuple[int, bool]] = []
        position, size = 0, len(data)
        while position < size or self._is_complete():
            if self._skip:
                step = min(self._skip, size - position)
                self._skip -= step
                position += step
                if self._is_preface and not self._skip:
                    self._is_preface = False
                    ended.append((position, False))
            elif len(self._header) < header_bytes:
                step = min(header_bytes - len(self._header), size - position)
                self._header += data[position : position + step]
                position += step
                if len(self._header) == header_bytes:
                    self._skip = int.from_bytes(self._header[:4], "big")
            else:
                self._header = b""
                ended.append((position, not self._greetings_left))
                self._greetings_left = max(0, self._greetings_left - 1)
        return ended

    def _is_complete(self) -> bool:
        """Whether a whole frame has been taken and not been counted yet."""
        return not self._skip and len(self._header) == self._framing.header_bytes
