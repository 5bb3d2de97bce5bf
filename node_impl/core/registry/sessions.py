"""Exactly-once writes: the sequence each client has reached, and how that write ended (thesis, 6.3).

A client that hears nothing repeats its write, and the first copy may be in the log already. A write
that carries (client id, sequence) is therefore applied only if its sequence is above the client's last;
the last one, again, is answered with the outcome and the index of its first copy. The table is a part of
the replicated state machine: the same entries give the same table on every node.

**Bounded, and still never twice.** At most `max_clients` are remembered; the client that wrote least recently
(by log index) is forgotten first. So an unknown client is either new, or it was forgotten and its write may
have been applied already. To distinguish the two, a client id may end in `@index`: any Raft index that a
reply had shown its owner before its first write; an id without one counts as 0. All that is forgotten lies at
or below `forgotten_up_to`. Hence a client whose index is at or above that was never forgotten, and is new;
any other client is refused as `session-expired`, and asked to begin a new session as `name@index`. Memory is
bounded by the number of clients, and the promise holds without any clock.

The sequences of one client rise with time, one write at a time; gaps are legal. A sequence with another write
than before is a client's mistake: that write is refused, since the outcome of the first one says nothing
about it.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b

import msgspec

from node_impl.core.events import Entry, Refused
from node_impl.core.raft.messages import Written

Outcome = Written | Refused
"""The end of a write, for the client that waits for it."""


class SessionsError(ValueError):
    """The bytes are no table of sessions."""


class _Session(msgspec.Struct, array_like=True):
    """The last write of one client."""

    sequence: int
    index: int
    """Where that write's first copy took effect."""
    outcome: Outcome
    digest: bytes = b""
    """Of what was written. A snapshot of an earlier version has none."""


class _Table(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    """The table as it is written down; clients in the order of their last write."""

    forgotten_up_to: int
    clients: dict[str, _Session]


def _digest(entry: Entry) -> bytes:
    return blake2b(entry.payload, digest_size=8).digest()


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Table).decode


class Sessions:
    """The last write of each client; `apply` carries out an entry at most once."""

    def __init__(self, max_clients: int) -> None:
        self._max_clients = max_clients
        self._clients: dict[str, _Session] = {}
        """Least recently written first: a dict keeps the order in which keys were put."""
        self.forgotten_up_to = 0
        """No client that was forgotten had written above this index."""

    def __len__(self) -> int:
        return len(self._clients)

    # ---- The rules -------------------------------------------------------------------------------------

    def is_repeated(self, last_sequence: int, sequence: int) -> bool:
        """The client's last write again: answered as before, and not applied."""
        return sequence == last_sequence

    def is_passed(self, last_sequence: int, sequence: int) -> bool:
        """A write older than the client's last: whatever became of it is not remembered, so it is refused."""
        return sequence < last_sequence

    def may_begin(self, client: str) -> bool:
        """Whether an unknown client is certainly a new one: see the module's docstring."""
        return birth_of(client) >= self.forgotten_up_to

    # ---- Applying ----------------------------------------------------------------------------------------

    def apply(self, entry: Entry, carry_out: Callable[[Entry], Outcome]) -> Outcome:
        """The outcome of a committed entry; `carry_out` is called at most once for (client, sequence)."""
        if entry.session is None:
            return carry_out(entry)
        client, sequence = entry.session
        known = self._clients.get(client)
        if known is None:
            if not self.may_begin(client):
                return self._expired(client)
        elif self.is_repeated(known.sequence, sequence):
            if known.digest and known.digest != _digest(entry):
                return Refused(
                    "conflict",
                    f"client {client} has used sequence {sequence} for another write before; this one is not "
                    "carried out",
                    proposed=False,
                )
            return known.outcome
        elif self.is_passed(known.sequence, sequence):
            reason = (
                f"client {client} has written sequence {known.sequence} since; whether {sequence} was "
                "applied before is not remembered, and it will not be now"
            )
            return Refused("stale-sequence", reason, proposed=True)
        outcome = carry_out(entry)
        self._clients.pop(client, None)
        self._clients[client] = _Session(sequence, entry.index, outcome, _digest(entry))
        if len(self._clients) > self._max_clients:
            self._forget_oldest()
        return outcome

    def _forget_oldest(self) -> None:
        oldest = next(iter(self._clients))
        self.forgotten_up_to = self._clients.pop(oldest).index

    def _expired(self, client: str) -> Refused:
        name = client.rpartition("@")[0] if birth_of(client) else client
        reason = (
            f"client {client} is not known any more, so its write may have been applied already; "
            f"begin a new session, as {name}@{self.forgotten_up_to}"
        )
        return Refused("session-expired", reason, proposed=True)

    # ---- Snapshots ---------------------------------------------------------------------------------------

    def snapshot(self) -> bytes:
        """The table as bytes; equal on nodes that applied the same entries."""
        return _encode(_Table(self.forgotten_up_to, self._clients))

    def restore(self, snapshot: bytes) -> None:
        """Take over the table in a snapshot.

        Raises:
            SessionsError: the bytes are no table; nothing was changed.
        """
        try:
            table = _decode(snapshot)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise SessionsError(f"not a table of sessions: {error}") from error
        self._clients, self.forgotten_up_to = table.clients, table.forgotten_up_to


def birth_of(client: str) -> int:
    """The index behind the last `@` of a client id; 0 if there is none."""
    digits = client.rpartition("@")[2]
    is_index = "@" in client and digits.isascii() and digits.isdigit() and len(digits) <= 19
    return int(digits) if is_index else 0
