from __future__ import annotations

import struct
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from node_impl.io.transport import Hello, Introduction, Reception, Seal, Secret, WireError, encode_frame
from node_impl.io.transport.frames import CHECKSUM

HELLO = Hello("c1", "n1", "n2")
SECRET = Secret(b"what only the cluster knows, in 32")
PREFACE = b"ACKPPEER" + struct.pack(">H", 3)


def nobody_refused(_: Hello) -> None:
    """Take everyone."""


def reception(secret: Secret = SECRET, nonce: bytes = bytes(32)) -> Reception:
    return Reception(secret, nobody_refused, lambda: nonce)


def shake(dialler: Introduction, listener: Reception) -> tuple[Seal, bytes, bytes]:
    """Introduce them to each other; the seal, and what the dialler sent before and after the answer."""
    hello = dialler.begin()
    challenge, _ = listener.feed(hello)
    proof = dialler.feed(challenge)
    assert dialler.seal is not None
    return dialler.seal, hello, proof


@given(st.lists(st.binary(max_size=300), max_size=8), st.lists(st.integers(0, 10**6), max_size=30))
def test_who_knows_the_secret_is_introduced_however_the_bytes_are_cut(
    payloads: list[bytes], cuts: list[int]
) -> None:
    dialler, listener = Introduction(HELLO, SECRET), reception()
    hello = dialler.begin()
    challenges = [listener.feed(hello[at : at + 1])[0] for at in range(len(hello))]
    assert listener.sender is None, "a name alone proves nothing"
    (challenge,) = filter(None, challenges)
    (proof,) = filter(None, [dialler.feed(challenge[at : at + 1]) for at in range(len(challenge))])
    seal = dialler.seal
    assert seal is not None
    data = proof + b"".join(encode_frame(payload, seal) for payload in payloads)
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    assert [one for start, stop in pairwise(edges) for one in listener.feed(data[start:stop])[1]] == payloads
    assert listener.sender == "n1"


def test_neither_side_goes_on_with_one_that_has_another_secret() -> None:
    other = Secret(b"what only another cluster knows, 32")
    dialler, listener = Introduction(HELLO, other), reception()
    challenge, _ = listener.feed(dialler.begin())
    with pytest.raises(WireError, match="n2 has another secret"):
        dialler.feed(challenge)
    assert dialler.seal is None

    listener = reception()
    listener.feed(dialler.begin())
    with pytest.raises(WireError, match="calls itself 'n1', but does not know this cluster's secret"):
        listener.feed(encode_frame(other.sign(b"dialler", HELLO, bytes(32)), CHECKSUM))
    assert listener.sender is None


def test_a_recorded_connection_cannot_be_played_again() -> None:
    seal, hello, proof = shake(Introduction(HELLO, SECRET), reception())
    again = reception(nonce=b"\1" * 32)
    again.feed(hello)
    with pytest.raises(WireError, match="does not know this cluster's secret"):
        again.feed(proof + encode_frame(b"a message", seal))
    assert again.sender is None


def test_the_listeners_proof_is_no_proof_of_a_dialler() -> None:
    """Else a stranger could send it back."""
    dialler, listener = Introduction(HELLO, SECRET), reception()
    challenge, _ = listener.feed(dialler.begin())
    _, proof = msgspec.msgpack.decode(challenge[24:])
    with pytest.raises(WireError, match="does not know"):
        listener.feed(encode_frame(proof, CHECKSUM))


@pytest.mark.parametrize("other", [Hello("c2", "n1", "n2"), Hello("c1", "n3", "n2"), Hello("c1", "n1", "n3")])
def test_a_frame_is_good_for_one_cluster_one_sender_and_one_receiver(other: Hello) -> None:
    nonce = lambda: bytes(32)  # noqa: E731 - the same on both, so that the names alone differ
    seal, _, _ = shake(Introduction(other, SECRET, nonce), reception())
    dialler, listener = Introduction(HELLO, SECRET, nonce), reception()
    own, _, proof = shake(dialler, listener)
    assert listener.feed(proof + encode_frame(b"well", own)) == (b"", [b"well"])
    with pytest.raises(WireError, match="not genuine"):
        listener.feed(encode_frame(b"forged", seal))


def test_without_a_secret_nodes_still_talk() -> None:
    dialler, listener = Introduction(HELLO, Secret()), reception(Secret())
    seal, _, proof = shake(dialler, listener)
    assert listener.feed(proof + encode_frame(b"well", seal)) == (b"", [b"well"])


def test_a_secret_does_not_show_itself() -> None:
    assert repr(SECRET) == str(SECRET) == "Secret(...)"
    assert SECRET
    assert not Secret()


@given(st.binary(min_size=1, max_size=100))
def test_garbage_is_refused_at_its_first_wrong_byte(garbage: bytes) -> None:
    if b"ACKPPEER".startswith(garbage[:8]):
        return
    with pytest.raises(WireError, match="not a peer of this protocol: its first bytes are"):
        reception().feed(garbage)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", "first bytes are b'GET"),
        (b"ACKPPEER\x00\x02", "the peer speaks protocol version 2, this node version 3"),
        (PREFACE + encode_frame(bytes(4097), CHECKSUM), "a frame of 4097 bytes, although at most 4096"),
        (PREFACE + encode_frame(b"\xc0", CHECKSUM), "the handshake is not one"),
        (PREFACE + encode_frame(msgspec.msgpack.encode(["c1"]), CHECKSUM), "the handshake is not one"),
        (PREFACE + encode_frame(msgspec.msgpack.encode(HELLO), CHECKSUM), "has the wrong length"),
        (Introduction(HELLO, SECRET).begin() + b"x", "more than its hello before it was answered"),
    ],
    # Nonces are drawn, and the name of a test must not be.
    ids=lambda part: "bytes" if isinstance(part, bytes) else part,
)
def test_a_refusal_of_a_dialler_names_what_is_wrong(data: bytes, message: str) -> None:
    with pytest.raises(WireError, match=message):
        reception().feed(data)


def test_a_listener_sends_its_challenge_and_nothing_else() -> None:
    dialler = Introduction(HELLO, SECRET)
    challenge, _ = reception().feed(dialler.begin())
    with pytest.raises(WireError, match="more than its challenge"):
        dialler.feed(challenge + b"x")
    with pytest.raises(WireError, match="the handshake is not one"):
        Introduction(HELLO, SECRET).feed(encode_frame(b"\xc0", CHECKSUM))
    with pytest.raises(WireError, match="has the wrong length"):
        Introduction(HELLO, SECRET).feed(encode_frame(msgspec.msgpack.encode([b"", b""]), CHECKSUM))
