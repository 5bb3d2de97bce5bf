"""Repairs an order of points until every read sees the write that it reports, or no order is left.

The line of all points is the candidate answer. A key's reads and writes are looked at on it; what the line
contradicts becomes a clause of two orders (a third literal says which write a read saw, where several wrote
that value). If the orders so far refute one of the two, the other must hold. If they refute neither, the
clause waits until nothing is forced any more; then one is tried. Clauses that the line never contradicts are
never made.
"""

from __future__ import annotations

from checkers.transactions.solver.arrays import ROOM
from checkers.transactions.solver.clauses import (
    add_clause,
    assume,
    earlier_point,
    later_point,
    learn,
    name_clause,
    order_literal,
    path_clause,
    propagate,
    value_of,
)
from checkers.transactions.solver.points import leads_to, look_at
from checkers.transactions.solver.state import (
    CHOICE_CLAUSE,
    CLASH,
    CLAUSES,
    CONFLICTS,
    CURRENT,
    DECISIONS,
    LEVEL,
    LITERALS,
    LOOKS,
    MAY_DECIDE,
    OPEN,
    ORIGIN,
    OTHER,
    READ_CLAUSE,
    SIZE,
    SUBJECT,
    TRAIL,
    TRUE,
    UNSET,
    VARIABLES,
    WAITING,
    WRITES_CLAUSE,
    Search,
)
from history.kernels import called_by_kernels, compiled_in_place

GOES_ON, ORDERED, REFUTED, NO_ROOM, GIVEN_UP = range(5)
"""How a search stands: it runs, it found an order, there is none, arrays are full, the budget is spent."""
_SETTLED, _UNDECIDED, _CLASHED, _DECIDED = range(4)


@called_by_kernels
def has_room(search: Search, size: int) -> bool:
    """Whether the arrays have room for one more step with a clause of that size."""
    logic, counters = search.logic, search.counters
    return bool(
        counters[VARIABLES] + 8 < len(logic.value)
        and counters[CLAUSES] + 2 * size + 8 < len(logic.origin)
        and counters[LITERALS] + (size + 2) * (counters[TRAIL] + size + ROOM) < len(logic.literals)
        and counters[TRAIL] + size + ROOM < len(search.work.buffer)
    )


@called_by_kernels
def settle(search: Search, clash: int) -> int:
    """Let everything hold that follows, learning from contradictions; `clash` is the first one, or -1."""
    counters = search.counters
    while True:
        counters[CLASH] = clash
        if not has_room(search, 4):
            return NO_ROOM
        if clash < 0:
            clash = propagate(search)
            if clash < 0:
                counters[CLASH] = -1
                return GOES_ON
            counters[CLASH] = clash
            if not has_room(search, 4):
                return NO_ROOM
        counters[CONFLICTS] += 1
        if learn(search, clash) == 0:
            return REFUTED
        clash = -1


@called_by_kernels
def _resolve(search: Search) -> int:
    """Satisfy the clause in the making, which the line contradicts, if there is only one way to."""
    logic, line, counters, made = search.logic, search.line, search.counters, search.work.buffer
    size, origin, subject, other = counters[SIZE], counters[ORIGIN], counters[SUBJECT], counters[OTHER]
    left, best, best_cost = 0, -1, 0
    for at in range(size):
        literal = made[at]
        if value_of(logic, literal) != UNSET:
            continue
        before, after = earlier_point(logic, literal), later_point(logic, literal)
        late = before >= 0 and line.place[after] < line.place[before]
        if late and leads_to(search, after, before) == 0:
            assume(search, literal ^ 1, path_clause(search, after, before, literal, search.work.found))
            continue
        cost = abs(line.place[before] - line.place[after]) if before >= 0 else len(line.place)
        left += 1
        if best < 0 or cost < best_cost:
            best, best_cost = literal, cost
    if left > 1 and counters[MAY_DECIDE] == 0:
        return _UNDECIDED
    name_clause(counters, size, origin, subject, other)
    clause = add_clause(search, made)
    if left == 0:
        counters[CLASH] = clause
        return _CLASHED
    if left == 1:
        assume(search, best, clause)
        return _SETTLED
    counters[DECISIONS] += 1
    counters[LEVEL] += 1
    logic.level_at[counters[LEVEL]] = counters[TRAIL]
    assume(search, best, -1)
    return _DECIDED


@called_by_kernels
def _wait(search: Search, key: int) -> None:
    """Put a key among those that wait for a decision."""
    keys, counters = search.keys, search.counters
    if keys.is_open[key] == 0:
        keys.is_open[key] = 1
        keys.open[counters[OPEN]] = key
        counters[OPEN] += 1


@called_by_kernels
def _has_room_for(search: Search, key: int, size: int) -> bool:
    """Whether there is room for one more step; if not, the key is looked at again."""
    if has_room(search, size):
        return True
    look_at(search, key)
    if search.counters[MAY_DECIDE] == 1:
        _wait(search, key)
    return False


@called_by_kernels
def _act(search: Search, key: int) -> int:
    """Satisfy the clause in the making, and let follow what follows.

    -1: go on with this key; else how the search stands, the key being among those to look at again.
    """
    counters = search.counters
    conflicts, is_choice = counters[CONFLICTS], counters[ORIGIN] == CHOICE_CLAUSE
    result = _resolve(search)
    if result == _UNDECIDED and counters[TRAIL] == counters[CURRENT]:
        _wait(search, key)
        return -1
    if result == _UNDECIDED:
        _wait(search, key)
    state = settle(search, counters[CLASH] if result == _CLASHED else -1)
    counters[CURRENT] = counters[TRAIL]
    # An order moved the line, so the key is looked at again anyway; a choice did not move anything.
    again = result == _DECIDED or counters[CONFLICTS] != conflicts or is_choice
    if state != GOES_ON or again:
        look_at(search, key)
        return state
    return -1


@called_by_kernels
def _sort_writers(search: Search, key: int) -> None:
    """Sort a key's writers by the places of their ends; they are nearly sorted from the last time."""
    keys, place = search.keys, search.line.place
    order, rank, ends = keys.sorted, keys.rank, keys.writer_end
    low, high = keys.writers_at[key], keys.writers_at[key + 1]
    for at in range(low + 1, high):
        slot = order[at]
        mine = place[ends[slot]]
        before = at - 1
        while before >= low and place[ends[order[before]]] > mine:
            order[before + 1] = order[before]
            before -= 1
        order[before + 1] = slot
    for at in range(low, high):
        rank[order[at]] = at


@called_by_kernels
def _check_writers(search: Search, key: int) -> int:
    """Of two writers of a key, one ends before the other begins."""
    keys, counters, place, made = search.keys, search.counters, search.line.place, search.work.buffer
    for at in range(keys.writers_at[key], keys.writers_at[key + 1] - 1):
        one, two = keys.sorted[at], keys.sorted[at + 1]
        if place[keys.writer_end[one]] > place[keys.writer_begin[two]]:
            if place[keys.writer_end[two]] < place[keys.writer_begin[one]]:
                continue  # they changed places since the writers were sorted
            if not _has_room_for(search, key, 2):
                return NO_ROOM
            made[0] = order_literal(search, keys.writer_end[one], keys.writer_begin[two])
            made[1] = order_literal(search, keys.writer_end[two], keys.writer_begin[one])
            name_clause(counters, 2, WRITES_CLAUSE, one, two)
            state = _act(search, key)
            if state >= 0:
                return state
    return -1


@called_by_kernels
def _seen_now(search: Search, key: int, read: int) -> int:
    """The last writer before a read on the line, but the reader; -1 if there is none."""
    keys, place = search.keys, search.line.place
    here = place[keys.reader[read]]
    low, high = keys.writers_at[key], keys.writers_at[key + 1]
    while low < high:
        middle = (low + high) // 2
        if place[keys.writer_end[keys.sorted[middle]]] < here:
            low = middle + 1
        else:
            high = middle
    low -= 1
    if low >= keys.writers_at[key] and keys.sorted[low] == keys.reader_slot[read]:
        low -= 1
    return int(keys.sorted[low]) if low >= keys.writers_at[key] else -1


@called_by_kernels
def _overwriter(search: Search, key: int, read: int, author: int) -> int:
    """The first writer of another value between the author of what a read saw and the read; -1 if none is."""
    keys, place = search.keys, search.line.place
    here = place[keys.reader[read]]
    at = keys.rank[author] + 1 if author >= 0 else keys.writers_at[key]
    since = place[keys.writer_end[author]] if author >= 0 else -1
    while at < keys.writers_at[key + 1]:
        slot = keys.sorted[at]
        there = place[keys.writer_end[slot]]
        if there >= here:
            return -1
        own = slot == keys.reader_slot[read] or slot == author
        if not own and there > since and keys.writer_value[slot] != keys.read_value[read]:
            return int(slot)
        at += 1
    return -1


@called_by_kernels
def _check_read(search: Search, key: int, read: int) -> int:
    """A read sees the last write before it."""
    keys, counters, logic, made = search.keys, search.counters, search.logic, search.work.buffer
    low, high = keys.candidates_at[read], keys.candidates_at[read + 1]
    chosen = low
    size = 0
    if high - low > 1:
        now = _seen_now(search, key, read)
        for at in range(low, high):
            if now == keys.candidate[at]:
                return -1
        chosen = -1
        for at in range(low, high):
            if value_of(logic, 2 * keys.selector[at]) == TRUE:
                chosen = at
        if not _has_room_for(search, key, high - low):
            return NO_ROOM
        if chosen < 0:
            for at in range(low, high):
                made[at - low] = 2 * keys.selector[at]
            name_clause(counters, high - low, CHOICE_CLAUSE, read, -1)
            return _act(search, key)
        made[0] = 2 * keys.selector[chosen] + 1
        size = 1
    author = keys.candidate[chosen]
    slot = _overwriter(search, key, read, author)
    if slot < 0:
        return -1
    if not _has_room_for(search, key, 3):
        return NO_ROOM
    if author >= 0:
        made[size] = order_literal(search, keys.writer_end[slot], keys.writer_end[author])
        size += 1
    made[size] = order_literal(search, keys.reader[read], keys.writer_end[slot])
    size += 1
    name_clause(counters, size, READ_CLAUSE, read, slot)
    return _act(search, key)


@called_by_kernels
def _look(search: Search, key: int) -> int:
    """Look at the reads and writes of a key on the line, and repair what contradicts them."""
    counters = search.counters
    counters[CURRENT] = counters[TRAIL]
    keys = search.keys
    counters[LOOKS] += keys.writers_at[key + 1] - keys.writers_at[key]
    counters[LOOKS] += keys.reads_at[key + 1] - keys.reads_at[key]
    _sort_writers(search, key)
    if search.shape[2] == 1:
        state = _check_writers(search, key)
        if state >= 0:
            return state
    for read in range(keys.reads_at[key], keys.reads_at[key + 1]):
        state = _check_read(search, key, read)
        if state >= 0:
            return state
    return GOES_ON


@compiled_in_place
def run(search: Search, limit: int) -> int:
    """Search until there is an answer, or arrays are full, or more than `limit` looks were taken."""
    counters, keys = search.counters, search.keys
    state = settle(search, counters[CLASH])
    while state == GOES_ON:
        if counters[LOOKS] > limit:
            return GIVEN_UP
        if counters[WAITING]:
            counters[WAITING] -= 1
            key = keys.waiting[counters[WAITING]]
            keys.is_waiting[key] = 0
            counters[MAY_DECIDE] = 0
            state = _look(search, key)
        elif counters[OPEN]:
            counters[OPEN] -= 1
            key = keys.open[counters[OPEN]]
            keys.is_open[key] = 0
            counters[MAY_DECIDE] = 1
            state = _look(search, key)
        else:
            return ORDERED
    return int(state)


@compiled_in_place
def violations(search: Search) -> int:
    """How many reads and pairs of writers the line contradicts."""
    keys, place = search.keys, search.line.place
    found = 0
    for key in range(len(keys.is_open)):
        _sort_writers(search, key)
        if search.shape[2] == 1:
            for at in range(keys.writers_at[key], keys.writers_at[key + 1] - 1):
                one, two = keys.sorted[at], keys.sorted[at + 1]
                found += 1 if place[keys.writer_end[one]] > place[keys.writer_begin[two]] else 0
        for read in range(keys.reads_at[key], keys.reads_at[key + 1]):
            now = _seen_now(search, key, read)
            wrong = 1
            for at in range(keys.candidates_at[read], keys.candidates_at[read + 1]):
                if now == keys.candidate[at]:
                    wrong = 0
            found += wrong
    return found
