"""How nodes reach each other: frames on TCP, one connection for each ordered pair of nodes.

Here are the wire format (`frames.py` and `handshake.py`, without I/O) and the connections (`peers.py`). What
messages mean does not matter here: a message is bytes, and any of them may be lost.
"""

from node_impl.io.transport.frames import FrameDecoder, Seal, WireError, encode_frame
from node_impl.io.transport.handshake import NO_SECRET, Hello, Introduction, Reception, Secret
from node_impl.io.transport.peers import Address, PeerListener, PeerSenders

__all__ = [
    "NO_SECRET",
    "Address",
    "FrameDecoder",
    "Hello",
    "Introduction",
    "PeerListener",
    "PeerSenders",
    "Reception",
    "Seal",
    "Secret",
    "WireError",
    "encode_frame",
]
