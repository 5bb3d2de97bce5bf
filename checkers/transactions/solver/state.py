"""The arrays that the kernels of the search share, and how they grow.

A *point* is a moment of a transaction: under serializability each transaction has one, under snapshot
isolation two, its beginning (where it reads) and its end (where it writes). A *literal* is an order between
two points, or the choice of the write that a read saw; 2v is the variable v, 2v + 1 its opposite.
"""

from __future__ import annotations

from typing import NamedTuple

from history.kernels import Integers

NOTHING = -1

# Counters
(
    ARCS,
    VARIABLES,
    CLAUSES,
    LITERALS,
    TRAIL,
    PROPAGATED,
    LEVEL,
    STAMP,
    LOOKS,
    WAITING,
    OPEN,
    CONFLICTS,
    DECISIONS,
    FOUND,
    BUFFER,
    CLASH,
    CURRENT,
    MAY_DECIDE,
    SIZE,
    ORIGIN,
    SUBJECT,
    OTHER,
) = range(22)
COUNTERS = 22

UNSET, TRUE, FALSE = range(3)
"""Values of a variable."""

# What a clause comes from
READ_CLAUSE, WRITES_CLAUSE, CHOICE_CLAUSE, PATH_CLAUSE, LEARNED_CLAUSE = range(5)


class Points(NamedTuple):
    """The points, those of moments in time after those of transactions, and the orders that are certain."""

    out_at: Integers
    """One more than there are points: those that come after point p are out_to[out_at[p]:out_at[p + 1]]."""
    out_to: Integers
    in_at: Integers
    in_from: Integers


class Line(NamedTuple):
    """All points in an order that agrees with every order that is certain or assumed."""

    place: Integers
    """By point its place ..."""
    point: Integers
    """... and by place its point."""
    mark: Integers
    """By point the number of the last walk that came there."""
    via: Integers
    """By point the point that this walk came from."""
    via_literal: Integers
    """By point the literal that this walk came along; -1 for an order that is certain."""
    stack: Integers
    ahead: Integers
    behind: Integers
    places: Integers


class Arcs(NamedTuple):
    """The assumed orders, in the order in which they were assumed; the last one is taken back first."""

    head_out: Integers
    """By point the last arc that leaves it; -1 for none."""
    next_out: Integers
    head_in: Integers
    next_in: Integers
    source: Integers
    target: Integers
    literal: Integers


class Logic(NamedTuple):
    """Variables, clauses, and the trail of what is assumed."""

    slots: Integers
    """A hash table of pairs of points: a variable plus 1, or 0; how many slots there are is a power of two.
    """
    first: Integers
    """By variable the point that comes first if it is true; -1 if it says nothing about points ..."""
    second: Integers
    """... and the point that comes second."""
    is_choice: Integers
    """By variable whether it is the choice of a write: then its opposite says nothing about points."""
    value: Integers
    level: Integers
    reason: Integers
    """By variable the clause that made it so; -1 for a free decision."""
    trail: Integers
    """The literals that hold, in the order in which they came to hold."""
    level_at: Integers
    """By level where it begins in the trail."""
    seen: Integers
    clause_at: Integers
    """By clause where its literals begin; that of the next one is where they end."""
    literals: Integers
    origin: Integers
    """By clause what it comes from ..."""
    subject: Integers
    """... the read, or the slot of the first writer ..."""
    other: Integers
    """... and the slot of the other writer."""
    watch_head: Integers
    """By literal the last clause that watches it, as 2 * clause + position; -1 for none."""
    watch_next: Integers


class Keys(NamedTuple):
    """What each key's transactions wrote and read.

    A writer's *slot* is its number among all writers of all keys; those of one key are neighbours.
    """

    writers_at: Integers
    writer_begin: Integers
    """By slot the point at which the writer reads ..."""
    writer_end: Integers
    """... and the point at which it writes."""
    writer_value: Integers
    sorted: Integers
    """The slots of each key, by the places of their ends."""
    rank: Integers
    """By slot its place in `sorted`."""
    reads_at: Integers
    reader: Integers
    """By read the point at which it reads."""
    reader_slot: Integers
    """By read the slot of the reader's own write of the key; -1 for none."""
    read_value: Integers
    candidates_at: Integers
    candidate: Integers
    """The slots of the writes that a read may have seen; -1 for the initial version."""
    selector: Integers
    """The variables of that choice; -1 where there is none to make."""
    keys_at: Integers
    """By transaction where its keys begin ..."""
    keys_of: Integers
    waiting: Integers
    """Keys to look at, in no order."""
    is_waiting: Integers
    open: Integers
    """Keys that wait for a decision."""
    is_open: Integers


class Work(NamedTuple):
    """Room for clauses in the making."""

    buffer: Integers
    """The clause that a key asks for."""
    found: Integers
    """The clause that a circle or a contradiction teaches."""


class Search(NamedTuple):
    """Everything that the search holds."""

    counters: Integers
    shape: Integers
    """[points a transaction, transactions, whether writers of one key may not overlap]."""
    points: Points
    line: Line
    arcs: Arcs
    logic: Logic
    keys: Keys
    work: Work
