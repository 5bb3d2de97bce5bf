"""The log in memory: entries by index, terms by index, and what traces say of each entry.

Index 0 stands before the first entry and has term 0, as the paper's prevLogIndex 0 does. Every
question that an RPC asks costs O(1) or O(log terms), never O(entries).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from hashlib import blake2b

from node_impl.events import Entry

TraceRow = tuple[int, int, str, str | None]
"""(index, term, hash, op): an entry as docs/trace-format.md names it."""


def entry_hash(entry: Entry) -> str:
    """16 hex digits over term, kind, payload and session: equal digests mean equal commands."""
    digest = blake2b(b"%d %s " % (entry.term, entry.kind.encode()), digest_size=8)
    digest.update(entry.payload)
    if entry.session is not None:
        digest.update(b"%d " % entry.session[1] + entry.session[0].encode())
    return digest.hexdigest()


class Log:
    """Entries 1..last_index, without a gap. That terms never fall is Raft's doing, not checked here.

    Raises:
        ValueError: entries do not follow one another.
    """

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        self._entries: list[Entry] = []
        self._rows: list[TraceRow] = []
        self._first_of_term: list[int] = []
        """The first index of each term in the log, rising; `_terms` holds the terms."""
        self._terms: list[int] = []
        self.last_index = 0
        self.last_term = 0
        self.append(entries)

    def __getitem__(self, index: int) -> Entry:
        if not 1 <= index <= self.last_index:
            raise IndexError(f"no entry {index}: the log holds 1 to {self.last_index}")
        return self._entries[index - 1]

    def term_at(self, index: int) -> int:
        """The term of an entry; 0 for index 0, and -1 (no term) beyond the end."""
        if index > self.last_index:
            return -1
        return self._entries[index - 1].term if index else 0

    def append(self, entries: Iterable[Entry]) -> None:
        """Put entries at the end."""
        for entry in entries:
            if entry.index != self.last_index + 1:
                raise ValueError(f"entry {entry.index} cannot follow entry {self.last_index}: one is missing")
            self._entries.append(entry)
            self._rows.append((entry.index, entry.term, entry_hash(entry), entry.op))
            if entry.term != self.last_term:
                self._terms.append(entry.term)
                self._first_of_term.append(entry.index)
            self.last_index, self.last_term = entry.index, entry.term

    def truncate(self, index: int) -> None:
        """Remove the entries from `index` on."""
        del self._entries[index - 1 :]
        del self._rows[index - 1 :]
        while self._first_of_term and self._first_of_term[-1] >= index:
            self._first_of_term.pop()
            self._terms.pop()
        self.last_index = len(self._entries)
        self.last_term = self._terms[-1] if self._terms else 0

    def batch(self, start: int, max_entries: int, max_bytes: int) -> tuple[Entry, ...]:
        """Entries from `start` on, as many as the bounds allow, at least one if there is one."""
        taken = self._entries[start - 1 : start - 1 + max_entries]
        size = 0
        for count, entry in enumerate(taken):
            size += len(entry.payload)
            if size > max_bytes and count:
                return tuple(taken[:count])
        return tuple(taken)

    def first_index_of_term_at(self, index: int) -> int:
        """The first index whose term is that of the entry at `index`."""
        return self._first_of_term[bisect_right(self._first_of_term, index) - 1]

    def last_index_of_term(self, term: int) -> int:
        """The last index with that term; 0 if no entry has it."""
        position = bisect_right(self._terms, term)
        if not position or self._terms[position - 1] != term:
            return 0
        is_last = position == len(self._terms)
        return self.last_index if is_last else self._first_of_term[position] - 1

    def trace_rows(self, start: int, end: int) -> Sequence[TraceRow]:
        """What traces say of the entries from `start` to `end`, both included."""
        return self._rows[start - 1 : end]
