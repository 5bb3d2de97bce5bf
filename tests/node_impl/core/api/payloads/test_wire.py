"""Payloads as bytes: what is encoded is decoded, and any other bytes are refused with a reason."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node_impl.core.api.payloads.wire import BadPayload, Payload, decode, encode

TEXTS = st.text(max_size=40)


@given(TEXTS, st.binary(max_size=300), st.dictionaries(TEXTS, TEXTS, max_size=5))
def test_a_payload_is_decoded_as_it_was_encoded(kind: str, body: bytes, headers: dict[str, str]) -> None:
    payload = Payload(kind, body, headers)
    assert decode(encode(payload)) == payload


@given(st.binary(max_size=200))
def test_any_bytes_are_a_payload_or_refused(data: bytes) -> None:
    with contextlib.suppress(BadPayload):
        assert isinstance(decode(data), Payload)


@given(TEXTS, st.binary(min_size=1, max_size=50), st.data())
def test_a_payload_that_was_cut_short_is_never_read_as_the_whole(
    kind: str, body: bytes, data: st.DataObject
) -> None:
    whole = encode(Payload(kind, body))
    cut = data.draw(st.integers(0, len(whole) - 1))
    with contextlib.suppress(BadPayload):
        assert decode(whole[:cut]) != Payload(kind, body)


def test_the_bytes_are_those_of_protocol_buffers() -> None:
    # As protobuf 5.29 writes Payload(metadata=Metadata(type="T", headers={"k": "v"}), body=Any(value=b"{}")).
    written = bytes.fromhex("120b 1a0154 3a06 0a016b 120176 1a04 12027b7d")
    assert encode(Payload("T", b"{}", {"k": "v"})) == written
    with_more = bytes.fromhex("120f 1a0154 3a06 0a016b 120176 4202 3a31 1a06 0a00 12027b7d 2001 3d00000000")
    assert decode(with_more) == Payload("T", b"{}", {"k": "v"}), "clientIp, type_url and unknown fields"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\x12\x05ab", "a field of 5 bytes in a message with 2 left"),
        (b"\x80" * 12, "a number that does not end"),
        (b"\x0b", "a field of the unknown kind 3"),
        (b"\x0d\x00", "the message ends within a field"),
        (b"\x12\x03\x1a\x01\xff", "not UTF-8"),
    ],
)
def test_what_is_wrong_with_the_bytes_is_named(data: bytes, reason: str) -> None:
    with pytest.raises(BadPayload, match=reason):
        decode(data)


def test_more_headers_than_any_client_sends_are_refused() -> None:
    with pytest.raises(BadPayload, match="more than 64 headers"):
        decode(encode(Payload("T", b"", {str(number): "" for number in range(65)})))
