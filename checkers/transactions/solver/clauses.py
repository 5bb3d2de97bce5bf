"""Clauses over orders and choices: what follows from what is assumed, and what a contradiction teaches.

The search of modern satisfiability solvers (Marques-Silva & Sakallah, GRASP, 1999; two watched literals after
Moskewicz et al., Chaff, 2001) with one theory: orders form no circle (Bayless et al., MonoSAT, 2015). Orders
that lead in a circle become a clause when they are met.
"""

from __future__ import annotations

from checkers.transactions.solver.points import put_before, take_back
from checkers.transactions.solver.state import (
    CLAUSES,
    FALSE,
    LEARNED_CLAUSE,
    LEVEL,
    LITERALS,
    ORIGIN,
    OTHER,
    PATH_CLAUSE,
    PROPAGATED,
    SIZE,
    SUBJECT,
    TRAIL,
    TRUE,
    UNSET,
    VARIABLES,
    Logic,
    Search,
)
from history.kernels import Integers, called_by_kernels


@called_by_kernels
def value_of(logic: Logic, literal: int) -> int:
    """Whether a literal holds: `TRUE`, `FALSE` or `UNSET`."""
    value = logic.value[literal >> 1]
    if value == UNSET or literal & 1 == 0:
        return int(value)
    return TRUE + FALSE - int(value)


@called_by_kernels
def earlier_point(logic: Logic, literal: int) -> int:
    """The point that comes first if a literal holds; -1 if the literal says nothing about points."""
    if literal & 1 == 0:
        return int(logic.first[literal >> 1])
    return -1 if logic.is_choice[literal >> 1] == 1 else int(logic.second[literal >> 1])


@called_by_kernels
def later_point(logic: Logic, literal: int) -> int:
    """The point that comes second if a literal holds; -1 if the literal says nothing about points."""
    if literal & 1 == 0:
        return int(logic.second[literal >> 1])
    return -1 if logic.is_choice[literal >> 1] == 1 else int(logic.first[literal >> 1])


@called_by_kernels
def order_literal(search: Search, before: int, after: int) -> int:
    """The literal that puts one point before another; it is made if it is new."""
    logic, counters = search.logic, search.counters
    low, high = min(before, after), max(before, after)
    h = (low * 0x9E3779B1 + high * 0x85EBCA77) & 0x7FFFFFFF
    slots, first, second = logic.slots, logic.first, logic.second
    slot = (h ^ (h >> 15)) & (len(slots) - 1)
    while slots[slot] > 0:
        found = slots[slot] - 1
        if first[found] == low and second[found] == high:
            return int(2 * found + (0 if before == low else 1))
        slot = (slot + 1) & (len(slots) - 1)
    number = counters[VARIABLES]
    counters[VARIABLES] += 1
    slots[slot] = number + 1
    first[number] = low
    second[number] = high
    return int(2 * number + (0 if before == low else 1))


@called_by_kernels
def assume(search: Search, literal: int, reason: int) -> None:
    """Let a literal hold; `reason` is the clause that asks for it, -1 for a free decision."""
    logic, counters = search.logic, search.counters
    variable = literal >> 1
    logic.value[variable] = TRUE if literal & 1 == 0 else FALSE
    logic.level[variable] = counters[LEVEL]
    logic.reason[variable] = reason
    logic.trail[counters[TRAIL]] = literal
    counters[TRAIL] += 1


@called_by_kernels
def _weight(logic: Logic, literal: int) -> int:
    """The greater, the better a literal is to watch: it holds, it is open, it was refuted late."""
    value = value_of(logic, literal)
    if value == FALSE:
        return int(logic.level[literal >> 1])
    return 1 << 40 if value == UNSET else 1 << 41


@called_by_kernels
def name_clause(counters: Integers, size: int, origin: int, subject: int, other: int) -> None:
    """Note the size of the clause in the making, and what it comes from."""
    counters[SIZE] = size
    counters[ORIGIN] = origin
    counters[SUBJECT] = subject
    counters[OTHER] = other


@called_by_kernels
def add_clause(search: Search, made: Integers) -> int:
    """Keep the clause in the making, whose literals begin an array; its number. The two best ones are
    watched."""
    logic, counters = search.logic, search.counters
    size = counters[SIZE]
    clause = counters[CLAUSES]
    counters[CLAUSES] += 1
    start = counters[LITERALS]
    counters[LITERALS] += size
    logic.clause_at[clause] = start
    logic.clause_at[clause + 1] = start + size
    logic.origin[clause] = counters[ORIGIN]
    logic.subject[clause] = counters[SUBJECT]
    logic.other[clause] = counters[OTHER]
    literals = logic.literals
    for at in range(size):
        literals[start + at] = made[at]
    if size < 2:
        return int(clause)
    for watched in range(2):
        best = start + watched
        for at in range(start + watched + 1, start + size):
            if _weight(logic, literals[at]) > _weight(logic, literals[best]):
                best = at
        kept = literals[start + watched]
        literals[start + watched] = literals[best]
        literals[best] = kept
        watcher = 2 * clause + watched
        logic.watch_next[watcher] = logic.watch_head[literals[start + watched]]
        logic.watch_head[literals[start + watched]] = watcher
    return int(clause)


@called_by_kernels
def path_clause(search: Search, begin: int, goal: int, literal: int, made: Integers) -> int:
    """A clause: not this literal, or not all orders on the way from a point to another that was walked last.

    Orders that hold without any decision are left out.
    """
    line, logic = search.line, search.logic
    made[0] = literal ^ 1
    size = 1
    node = goal
    while node != begin:
        step = line.via_literal[node]
        if step >= 0 and logic.level[step >> 1] > 0:
            made[size] = step ^ 1
            size += 1
        node = line.via[node]
    name_clause(search.counters, size, PATH_CLAUSE, literal, -1)
    return add_clause(search, made)


@called_by_kernels
def propagate(search: Search) -> int:
    """Let everything hold that follows; the clause that is contradicted, or -1."""
    logic, counters = search.logic, search.counters
    literals, clause_at, head, following = (
        logic.literals,
        logic.clause_at,
        logic.watch_head,
        logic.watch_next,
    )
    while counters[PROPAGATED] < counters[TRAIL]:
        literal = logic.trail[counters[PROPAGATED]]
        before, after = earlier_point(logic, literal), later_point(logic, literal)
        if before >= 0 and put_before(search, before, after, literal) == 0:
            return path_clause(search, after, before, literal, search.work.found)
        counters[PROPAGATED] += 1
        refuted = literal ^ 1
        last = -1
        watcher = head[refuted]
        while watcher >= 0:
            next_watcher = following[watcher]
            clause, position = watcher >> 1, watcher & 1
            start, end = clause_at[clause], clause_at[clause + 1]
            partner = literals[start + 1 - position]
            value = value_of(logic, partner)
            if value == TRUE:
                last = watcher
                watcher = next_watcher
                continue
            moved = False
            for at in range(start + 2, end):
                if value_of(logic, literals[at]) != FALSE:
                    literals[start + position] = literals[at]
                    literals[at] = refuted
                    if last < 0:
                        head[refuted] = next_watcher
                    else:
                        following[last] = next_watcher
                    following[watcher] = head[literals[start + position]]
                    head[literals[start + position]] = watcher
                    moved = True
                    break
            if not moved:
                if value == FALSE:
                    return int(clause)
                assume(search, partner, clause)
                last = watcher
            watcher = next_watcher
    return -1


@called_by_kernels
def back_to(search: Search, level: int) -> None:
    """Take back everything that was assumed above a level."""
    logic, counters = search.logic, search.counters
    if counters[LEVEL] <= level:
        return
    end = logic.level_at[level + 1]
    for at in range(counters[TRAIL] - 1, end - 1, -1):
        literal = logic.trail[at]
        if at < counters[PROPAGATED] and earlier_point(logic, literal) >= 0:
            take_back(search)
        logic.value[literal >> 1] = UNSET
        logic.reason[literal >> 1] = -1
    counters[TRAIL] = end
    counters[PROPAGATED] = min(counters[PROPAGATED], end)
    counters[LEVEL] = level


@called_by_kernels
def learn(search: Search, clash: int) -> int:
    """Go back to where a contradicted clause, resolved, leaves one way, and take it; 0 if there is none."""
    logic, counters = search.logic, search.counters
    seen, levels, literals, clause_at = logic.seen, logic.level, logic.literals, logic.clause_at
    level = 0
    for at in range(clause_at[clash], clause_at[clash + 1]):
        level = max(level, levels[literals[at] >> 1])
    if level == 0:
        return 0
    back_to(search, level)
    made = search.work.found
    size = 1
    count = 0
    clause = clash
    place = counters[TRAIL] - 1
    literal = -1
    while True:
        for at in range(clause_at[clause], clause_at[clause + 1]):
            variable = literals[at] >> 1
            if seen[variable] == 0 and levels[variable] > 0 and (literal < 0 or variable != literal >> 1):
                seen[variable] = 1
                if levels[variable] == level:
                    count += 1
                else:
                    made[size] = literals[at]
                    size += 1
        while seen[logic.trail[place] >> 1] == 0:
            place -= 1
        literal = logic.trail[place]
        place -= 1
        seen[literal >> 1] = 0
        count -= 1
        if count == 0:
            break
        clause = logic.reason[literal >> 1]
    made[0] = literal ^ 1
    target = 0
    for at in range(1, size):
        seen[made[at] >> 1] = 0
        target = max(target, levels[made[at] >> 1])
    back_to(search, target)
    name_clause(counters, size, LEARNED_CLAUSE, -1, -1)
    assume(search, literal ^ 1, add_clause(search, made))
    return 1
