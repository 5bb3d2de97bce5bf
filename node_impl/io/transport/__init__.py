"""How nodes reach each other: frames on TCP, one connection for each ordered pair of nodes.

What may live here: the wire format (`frames.py`, sans-I/O) and the connections (`peers.py`). What may
not: what messages mean; a message is bytes here, and any of them may be lost.
"""

from node_impl.io.transport.frames import FrameDecoder, Hello, WireError, encode_frame, encode_hello
from node_impl.io.transport.peers import Address, PeerListener, PeerSenders

__all__ = [
    "Address",
    "FrameDecoder",
    "Hello",
    "PeerListener",
    "PeerSenders",
    "WireError",
    "encode_frame",
    "encode_hello",
]
