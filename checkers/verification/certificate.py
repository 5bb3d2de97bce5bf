"""What a certificate consists of, and how it is stored: JSON that a person can read.

Operations are named by the index of their invocation in the history. A certificate names the question (data
type or kind of transactions, consistency model, options), the verdict, and the proof.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

import msgspec

MOST_BYTES = 1 << 30
"""A certificate larger than this is refused."""


class Order(msgspec.Struct, frozen=True, tag="order", tag_field="kind"):
    """An order of operations on one key that explains every reply: the key is linearizable."""

    key: str | None
    operations: tuple[int, ...]
    """Every acknowledged operation, and those of unknown outcome that took effect."""


class Circle(msgspec.Struct, frozen=True, tag="circle-of-values", tag_field="kind"):
    """Values of one key of which each must have been replaced before the next one came, in a circle.

    It needs a data type whose operations only put and compare values, where each of these values is put by at
    most one operation. Then all operations that show one value happen together, with no other value between
    (Gibbons and Korach 1997, section 4).
    """

    key: str | None
    steps: tuple[tuple[int, int], ...]
    """Pairs: the first operation was answered before the second began. The second of a pair shows the same
    value as the first of the next pair; the last pair leads back to the first one."""


class NoSource(msgspec.Struct, frozen=True, tag="no-source", tag_field="kind"):
    """A reply that shows a value which no operation that began before it can have put there."""

    key: str | None
    operation: int


class NoSum(msgspec.Struct, frozen=True, tag="no-sum", tag_field="kind"):
    """A reply with a number that the additions which may count cannot add up to."""

    key: str | None
    operation: int


class ClosedPart(msgspec.Struct, frozen=True, tag="closed-part", tag_field="kind"):
    """All operations on one key up to one reply have no order; a search that tries every order shows it."""

    key: str | None
    until: int
    """The index of that reply. What began before it and was not answered by then may have happened or not.
    """
    values: tuple[str, ...] | None = None
    """JSON texts. If given, only operations on these elements of a set or queue: an order of all operations
    contains an order of those on some of its elements."""


class Edge(msgspec.Struct, frozen=True):
    """One transaction must precede another one."""

    source: int
    target: int
    reason: str
    """`ww`, `wr`, `rw`, `process` or `real time`."""


class CommitOrder(msgspec.Struct, frozen=True, tag="commit-order", tag_field="kind"):
    """An order in which all transactions, one after the other, read exactly what they did read."""

    transactions: tuple[int, ...]


class SnapshotOrder(msgspec.Struct, frozen=True, tag="snapshot-order", tag_field="kind"):
    """For each transaction the moments when it took its snapshot and when it committed, in one order."""

    moments: tuple[tuple[str, int], ...]
    """Pairs of `snapshot` or `commit` and the transaction."""


class Dependencies(msgspec.Struct, frozen=True, tag="circle-of-dependencies", tag_field="kind"):
    """Transactions of which each must precede the next one, in a circle."""

    edges: tuple[Edge, ...]


Point = tuple[str, int]
"""`snapshot` or `commit`, and the transaction; where transactions are serial, only `commit`."""


class Link(msgspec.Struct, frozen=True, omit_defaults=True):
    """One point comes before another one."""

    before: Point
    after: Point
    reason: str
    """`within`, `wr`, `process`, `real time` or `forced`."""
    step: int = -1
    """Of a forced link, the number of the step that shows it, which comes earlier in the proof."""


class Refuted(msgspec.Struct, frozen=True):
    """An order that cannot hold, as it would close a circle."""

    before: Point
    after: Point
    circle: tuple[Link, ...]
    """From `after` back to `before`."""


class Rule(msgspec.Struct, frozen=True):
    """Of two orders one must hold: between two writers of a key, or between a write and another one's read.

    If `reader` read what `author` wrote, `other` wrote before the author did, or after the reader's snapshot.
    Without a reader, one of the two writers commits before the other one's snapshot.
    """

    key: str
    """A JSON text."""
    reader: int | None
    author: int | None
    """None: the reader saw what was there before any write."""
    other: int


class Step(msgspec.Struct, frozen=True):
    """An order that must hold, since each other way to keep a rule would close a circle."""

    before: Point
    after: Point
    rule: Rule
    refuted: tuple[Refuted, ...]


class ForcedOrders(msgspec.Struct, frozen=True, tag="forced-orders", tag_field="kind"):
    """Orders that must hold, one after the other, until a rule cannot be kept, or a circle is closed."""

    steps: tuple[Step, ...]
    rule: Rule | None
    """The rule that cannot be kept; None if `circle` is closed."""
    refuted: tuple[Refuted, ...] = ()
    circle: tuple[Link, ...] = ()


class Anomaly(msgspec.Struct, frozen=True, tag="anomaly", tag_field="kind"):
    """Transactions whose steps alone contradict the level, without any circle."""

    name: str
    transactions: tuple[int, ...]


class TracedEvent(msgspec.Struct, frozen=True):
    """A line of a node's trace: the node, its life (from 1) and the number of the line in this life."""

    node: str
    life: int
    seq: int


class TracedEvents(msgspec.Struct, frozen=True, tag="trace-events", tag_field="kind"):
    """One or two lines of traces that contradict an invariant of Raft."""

    events: tuple[TracedEvent, ...]


class LostWrite(msgspec.Struct, frozen=True, tag="lost-write", tag_field="kind"):
    """An acknowledged registration, the last write of its key, that a final list does not show."""

    write: int
    read: int


Refutation = (
    Circle | NoSource | NoSum | ClosedPart | Dependencies | ForcedOrders | Anomaly | TracedEvents | LostWrite
)
"""A proof that a history or a trace is invalid."""
Proof = Order | CommitOrder | SnapshotOrder | Refutation


class Claim(StrEnum):
    """What a certificate proves."""

    VALID = "valid"
    INVALID = "invalid"


class Certificate(msgspec.Struct, frozen=True, omit_defaults=True):
    """A verdict with its proof."""

    model: str
    claim: Claim | None
    """None if there is no proof; `without` says why."""
    consistency: str | None = None
    options: Mapping[str, str] = {}
    proofs: tuple[Proof, ...] = ()
    """`valid` needs an order for every key, or one of all transactions; `invalid` needs one refutation."""
    without: str = ""
    """Why there is no certificate."""
    version: int = 1


class RunCertificates(msgspec.Struct, frozen=True):
    """The certificates of a run: one for each checker whose verdict has a proof."""

    certificates: tuple[Certificate, ...]
    version: int = 1


class CertificateError(ValueError):
    """A certificate that is not well-formed, or whose proof is wrong. The message says where."""


def stored(certificate: Certificate | RunCertificates) -> bytes:
    """The certificate as JSON, two blanks a level, with a line feed at the end."""
    return msgspec.json.format(msgspec.json.encode(certificate), indent=2) + b"\n"


def loaded(content: bytes) -> Certificate:
    """Read the stored certificate of a history.

    Raises:
        CertificateError: it is not JSON, or no certificate.
    """
    return _loaded(content, Certificate)


def loaded_of_run(content: bytes) -> RunCertificates:
    """Read the stored certificates of a run.

    Raises:
        CertificateError: it is not JSON, or not of a run.
    """
    return _loaded(content, RunCertificates)


T = TypeVar("T", Certificate, RunCertificates)


def _loaded(content: bytes, kind: type[T]) -> T:
    if len(content) > MOST_BYTES:
        raise CertificateError(f"the certificate has {len(content)} bytes; the most is {MOST_BYTES}")
    try:
        found = msgspec.json.decode(content, type=kind)
    except (msgspec.DecodeError, RecursionError) as damage:
        raise CertificateError(f"not a certificate: {damage}") from None
    if found.version != 1:
        raise CertificateError(f"a certificate of version {found.version}; this version reads 1")
    return found
