"""The log in memory: entries by index, terms by index, and how traces name each entry.

The log begins after its *base*, up to where a snapshot stands for the entries that are gone (section
7); index 0, with term 0, where nothing is gone: the paper's prevLogIndex 0. Every question that an RPC
asks costs O(1) or O(log terms), never O(entries). Hashes are computed when they are first asked for.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from functools import lru_cache
from hashlib import blake2b

from node_impl.core.events import Entry, TraceRow


@lru_cache(maxsize=64)
def _begun(term: int, kind: str) -> blake2b:
    """A hash that begins with term and kind: to copy it costs half of a new one, and entries in a row share
    it."""
    return blake2b(b"%d %s " % (term, kind.encode()), digest_size=8)


def entry_hash(entry: Entry) -> str:
    """16 hex digits over term, kind, payload and session: equal digests mean equal commands."""
    digest = _begun(entry.term, entry.kind).copy()
    digest.update(entry.payload)
    if entry.session is not None:
        digest.update(b"%d %s" % (entry.session[1], entry.session[0].encode()))
    return digest.hexdigest()


class Log:
    """Entries base_index + 1..last_index, without a gap.

    That terms never fall follows from Raft's rules; it is not checked here.

    Raises:
        ValueError: entries do not follow one another.
    """

    __slots__ = (
        "_entries",
        "_first_of_term",
        "_rows",
        "_terms",
        "base_index",
        "base_term",
        "last_index",
        "last_term",
    )

    def __init__(self, entries: Iterable[Entry] = (), base_index: int = 0, base_term: int = 0) -> None:
        self.base_index = base_index
        self.base_term = base_term
        self.last_index = base_index
        self.last_term = base_term
        self._entries: list[Entry] = []
        self._rows: list[TraceRow | None] = []
        self._first_of_term: list[int] = []
        """The first index of each term in the log, rising; `_terms` holds the terms."""
        self._terms: list[int] = []
        self.append(entries)

    def __getitem__(self, index: int) -> Entry:
        if not self.base_index < index <= self.last_index:
            raise IndexError(f"no entry {index}: the log holds {self.base_index + 1} to {self.last_index}")
        return self._entries[index - self.base_index - 1]

    def term_at(self, index: int) -> int:
        """The term of an entry; of the base, too; and -1 (no term) beyond the end.

        Raises:
            IndexError: the entry lies below the base.
        """
        if index > self.last_index:
            return -1
        position = index - self.base_index
        if position > 0:
            return self._entries[position - 1].term
        if position == 0:
            return self.base_term
        raise IndexError(f"entry {index} is gone: the log begins after {self.base_index}")

    def append(self, entries: Iterable[Entry]) -> None:
        """Put entries at the end of the log."""
        for entry in entries:
            if entry.index != self.last_index + 1:
                raise ValueError(f"entry {entry.index} cannot follow entry {self.last_index}: one is missing")
            self._entries.append(entry)
            self._rows.append(None)
            if entry.term != self.last_term or not self._terms:
                self._terms.append(entry.term)
                self._first_of_term.append(entry.index)
            self.last_index, self.last_term = entry.index, entry.term

    def truncate(self, index: int) -> None:
        """Remove the entries from `index` on."""
        del self._entries[index - self.base_index - 1 :]
        del self._rows[index - self.base_index - 1 :]
        while self._first_of_term and self._first_of_term[-1] >= index:
            self._first_of_term.pop()
            self._terms.pop()
        self.last_index = self.base_index + len(self._entries)
        self.last_term = self._terms[-1] if self._terms else self.base_term

    def compact(self, index: int) -> None:
        """Forget the entries up to `index`, which becomes the base; it must be in the log."""
        if index <= self.base_index:
            return
        self.base_term = self.term_at(index)
        del self._entries[: index - self.base_index]
        del self._rows[: index - self.base_index]
        self.base_index = index
        while len(self._first_of_term) > 1 and self._first_of_term[1] <= index + 1:
            del self._first_of_term[0], self._terms[0]
        if not self._entries:
            self._first_of_term, self._terms = [], []
        elif self._first_of_term[0] <= index:
            self._first_of_term[0] = index + 1

    def restart_after(self, index: int, term: int) -> None:
        """Forget all entries, and begin after a snapshot's last entry."""
        self.base_index = self.last_index = index
        self.base_term = self.last_term = term
        self._entries, self._rows, self._first_of_term, self._terms = [], [], [], []

    def batch(self, start: int, max_entries: int, max_bytes: int) -> tuple[Entry, ...]:
        """Entries from `start` on, as many as the bounds allow, at least one if there is one."""
        position = start - self.base_index - 1
        taken = self._entries[position : position + max_entries]
        size = 0
        for count, entry in enumerate(taken):
            size += len(entry.payload)
            if size > max_bytes and count:
                return tuple(taken[:count])
        return tuple(taken)

    def entries_after(self, index: int) -> tuple[Entry, ...]:
        """All entries above `index`, which is not below the base."""
        return tuple(self._entries[index - self.base_index :])

    def first_index_of_term_at(self, index: int) -> int:
        """The first index in the log whose term is that of the entry at `index`, above the base."""
        return self._first_of_term[bisect_right(self._first_of_term, index) - 1]

    def last_index_of_term(self, term: int) -> int:
        """The last index with that term; 0 if no entry in the log has it."""
        position = bisect_right(self._terms, term)
        if not position or self._terms[position - 1] != term:
            return 0
        is_last = position == len(self._terms)
        return self.last_index if is_last else self._first_of_term[position] - 1

    def trace_rows(self, start: int, end: int) -> Sequence[TraceRow]:
        """The entries from `start` to `end`, both included, as traces name them."""
        first = start - self.base_index - 1
        rows: list[TraceRow] = []
        for position, row in enumerate(self._rows[first : end - self.base_index], start=first):
            if row is None:
                entry = self._entries[position]
                row = self._rows[position] = (entry.index, entry.term, entry_hash(entry), entry.op)
            rows.append(row)
        return tuple(rows)
