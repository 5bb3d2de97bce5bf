"""How nodes reach each other: frames on TCP, one connection for each ordered pair of nodes.

Here are the wire format (`frames.py`, without I/O) and the connections (`peers.py`). What messages mean does
not matter here: a message is bytes, and any of them may be lost.
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
