"""Decides a queue's histories pair by pair: the k-th element that is put in with the k-th that is taken out.

A queue's order puts elements in, E1, E2, ..., and takes them out, D1, D2, ..., where Dk takes what Ek put.
Given these two sequences, and the dequeues X that found the queue empty between two of the pairs, there is
an order of all operations exactly if

- the elements of Ek and Dk are the same,
- no Ei, Di or X ends before one begins that comes earlier in its own sequence,
- Ek begins before any of Dk, Dk+1, ... ends, and
- no operation of a pair after an X ends before X begins, or before any operation of an earlier pair begins;
  and all operations of earlier pairs begin before X ends.

For if Di ended before Ek began, and El, with l >= k, before Dj began, then Ek, no later than El, began before
El ended, so that Di ended before Dj began: the constraints between the two sequences close no circle.

So the search takes pair after pair. An element that does not fit is noticed at once, and not only when it
reaches the front of the queue, as in a search that goes by time. Of operations on equal elements that may
come next, the one that ends first comes first: exchanging two of them harms neither. So only the element is
to be chosen. An X comes as soon as it may, since it changes nothing.

An enqueue of unknown outcome happens only if a dequeue shows its element. A dequeue of unknown outcome can
take any element; it does so only where no answered dequeue of that element may come next.
"""

from __future__ import annotations

from typing import NamedTuple

from checkers.linearizability.answer import NEVER
from checkers.linearizability.kernels.arena import BITS, slots_for
from checkers.linearizability.kernels.search import (
    BACKTRACK,
    CHOOSE,
    ENTER,
    GAVE_UP,
    LINEARIZABLE,
    NOT_LINEARIZABLE,
)
from history.kernels import Integers, compiled_in_place, inlined

PUTS, TAKES, FINDS_NOTHING, MAY_TAKE, OTHER = range(5)
"""What a call does: it puts an element in, takes one out, finds the queue empty, or may take any out."""

ANY = -1
"""In place of an element's number."""

# The sections of `QueueSpace.call`, in this order, and where each begins in `bounds` and `words`.
S_PUT, S_TAKEN, S_EMPTY, S_MAY_TAKE, S_MAY_PUT = range(5)
SECTIONS = 5

# Frames, one for each pair or empty reply that was placed
F_PUT, F_TAKEN, F_STAGE, F_LAST, F_PUTS, F_TAKES, F_EMPTIES, F_END_PUT, F_END_TAKEN, F_END_EMPTY, F_LATEST = (
    range(11)
)
FRAME_WIDTH = 11
EAGER = 2
"""The stage of a frame that has no alternative."""


class QueueOperations(NamedTuple):
    """The operations of all parts, by invocation: those of part p are from starts[p] up to starts[p + 1]."""

    starts: Integers
    invoked: Integers
    completed: Integers
    forms: Integers
    elements: Integers
    """Numbers from 0 on; they mean nothing where a call names no element."""


class QueueSpace(NamedTuple):
    """Work space for a part of n operations: arrays of n + 1 numbers, unless something else is said."""

    call: Integers
    """By operation, section by section, its invocation, in each section in ascending order; but enqueues of
    unknown outcome by element first."""
    ret: Integers
    element: Integers
    row: Integers
    """The operation's place in the part."""
    bounds: Integers
    """Where sections begin; SECTIONS + 1 numbers."""
    words: Integers
    """Where the bits of each section begin in `placed`; SECTIONS + 1 numbers."""
    placed: Integers
    """Bits of operations that are placed; n // BITS + 4 * SECTIONS words."""
    frames: Integers
    """FRAME_WIDTH * (n + 1) numbers."""
    best: Integers
    """The longest sequence found, two numbers a frame."""
    puts_left: Integers
    """By element how many enqueues are not placed; this and the next three have a number an element."""
    takes_left: Integers
    may_put: Integers
    """By element the next enqueue of unknown outcome."""
    may_put_end: Integers
    slots: Integers
    """The heads of the memo's chains: a power of two of them."""
    memo: Integers


@inlined
def is_placed(space: QueueSpace, section: int, place: int) -> bool:
    """Whether the operation at a place of `call`, which is in that section, is placed."""
    own = place - space.bounds[section]
    return bool(space.placed[space.words[section] + own // BITS] >> (own % BITS) & 1)


@inlined
def flip(space: QueueSpace, section: int, place: int) -> None:
    """Place the operation, or take it back."""
    own = place - space.bounds[section]
    space.placed[space.words[section] + own // BITS] ^= 1 << (own % BITS)


@compiled_in_place
def first_end(space: QueueSpace, section: int, prefix: int) -> int:
    """The first end of the operations of a section that are not placed, all of which are from `prefix` on."""
    end = NEVER
    place, stop = prefix, space.bounds[section + 1]
    while place < stop and space.call[place] < end:
        if space.ret[place] < end and not is_placed(space, section, place):
            end = space.ret[place]
        place += 1
    return end


@compiled_in_place
def first_unplaced(space: QueueSpace, section: int, prefix: int) -> int:
    """The first operation of a section that is not placed, at or after `prefix`."""
    while prefix < space.bounds[section + 1] and is_placed(space, section, prefix):
        prefix += 1
    return prefix


@compiled_in_place
def soonest(space: QueueSpace, section: int, prefix: int, limit: int, element: int, after: int) -> int:
    """Of the operations on an element, or on ANY, that began before `limit` and ended after `after`, the one
    that ended first; -1 without one."""
    found, end = -1, NEVER
    place, stop = prefix, space.bounds[section + 1]
    while place < stop and space.call[place] < limit:
        fits = (element == ANY or space.element[place] == element) and after < space.ret[place] < end
        if fits and not is_placed(space, section, place):
            found, end = place, space.ret[place]
        place += 1
    return found


@compiled_in_place
def lay_out_queue(operations: QueueOperations, part: int, space: QueueSpace) -> bool:
    """Sort a part's operations into sections; whether no element is taken out more often than put in."""
    low, high = operations.starts[part], operations.starts[part + 1]
    invoked, completed = operations.invoked, operations.completed
    forms, elements = operations.forms, operations.elements
    bounds, words = space.bounds, space.words
    for section in range(SECTIONS + 1):
        bounds[section] = 0
    for at in range(low, high):
        form, element = forms[at], elements[at]
        if form in (PUTS, TAKES):
            space.puts_left[element] = 0
            space.takes_left[element] = 0
            space.may_put[element] = 0
    for at in range(low, high):
        form = forms[at]
        if form == PUTS and completed[at] == NEVER:
            bounds[S_MAY_PUT + 1] += 1
            space.may_put[elements[at]] += 1
        elif form == PUTS:
            bounds[S_PUT + 1] += 1
        elif form == TAKES:
            bounds[S_TAKEN + 1] += 1
        elif form == FINDS_NOTHING:
            bounds[S_EMPTY + 1] += 1
        elif form == MAY_TAKE:
            bounds[S_MAY_TAKE + 1] += 1
    words[0] = 0
    for section in range(SECTIONS):
        words[section + 1] = words[section] + bounds[section + 1] // BITS + 4
        bounds[section + 1] += bounds[section]
    for word in range(words[SECTIONS]):
        space.placed[word] = 0
    put, taken, empty, wild = bounds[S_PUT], bounds[S_TAKEN], bounds[S_EMPTY], bounds[S_MAY_TAKE]
    group = bounds[S_MAY_PUT]
    for at in range(low, high):
        form, element = forms[at], elements[at]
        if form == PUTS:
            space.puts_left[element] += 1
            if completed[at] == NEVER:
                if space.may_put[element] > 0:  # the first one: until here, how many there are
                    count = space.may_put[element]
                    space.may_put_end[element] = group
                    space.may_put[element] = -count
                    group += count
                place = space.may_put_end[element]
                space.may_put_end[element] += 1
            else:
                place = put
                put += 1
        elif form == TAKES:
            space.takes_left[element] += 1
            place = taken
            taken += 1
        elif form == FINDS_NOTHING:
            place = empty
            empty += 1
        elif form == MAY_TAKE:
            place = wild
            wild += 1
        else:
            continue
        space.call[place] = invoked[at]
        space.ret[place] = completed[at]
        space.element[place] = element
        space.row[place] = at - low
    enough = True
    for at in range(low, high):
        form, element = forms[at], elements[at]
        if form in (PUTS, TAKES):
            if space.may_put[element] < 0:
                space.may_put[element] += space.may_put_end[element]
            elif space.may_put[element] == 0:
                space.may_put_end[element] = 0
            enough = enough and space.takes_left[element] <= space.puts_left[element]
    return bool(enough)


@compiled_in_place
def window_words(space: QueueSpace, section: int) -> int:
    """How many words hold what can be placed of a section from its first operation that is not placed on."""
    low, high = space.bounds[section], space.bounds[section + 1]
    widest, ahead = 0, low
    for place in range(low, high):
        if ahead < place:
            ahead = place
        while ahead + 1 < high and space.call[ahead + 1] < space.ret[place]:
            ahead += 1
        if ahead - place > widest:
            widest = ahead - place
    return widest // BITS + 2


@compiled_in_place
def was_met(
    space: QueueSpace,
    prefixes: tuple[int, int, int],
    widths: tuple[int, int, int],
    entries: int,
    wild: int,
    size: int,
) -> bool:
    """Whether this was met before, of unknown outcome only what is placed now, too; if not, enter it."""
    bounds, words, placed, memo = space.bounds, space.words, space.placed, space.memo
    options = words[S_MAY_PUT + 1] - words[S_MAY_PUT]
    h = 0
    for section in range(3):
        prefix = prefixes[section] - bounds[section]
        h = (h * 1000003 + prefix) & 0x3FFFFFFFFFF
        for word in range(widths[section]):
            value = placed[words[section] + prefix // BITS + word]
            h = (h ^ (h >> 19)) & 0x3FFFFFFFFFF
            h = h * 1000003 + (value & 0x3FFFFFFF)
            h = (h ^ (h >> 23)) & 0x3FFFFFFFFFF
            h = (h * 1000033 + (value >> 30)) & 0x3FFFFFFFFFF
    h = (h ^ (h >> 21)) & 0x3FFFFFFFFFF
    width = 6 + widths[0] + widths[1] + widths[2] + options
    slot = h & (size - 1)
    entry = space.slots[slot]
    while entry >= 0:
        at = entry * width
        same = memo[at + 1] == h and memo[at + 2] <= wild
        at += 3
        for section in range(3):
            if same:
                prefix = prefixes[section] - bounds[section]
                same = memo[at] == prefix
                word = 0
                while same and word < widths[section]:
                    same = memo[at + 1 + word] == placed[words[section] + prefix // BITS + word]
                    word += 1
            at += 1 + widths[section]
        word = 0
        while same and word < options:
            same = memo[at + word] & ~placed[words[S_MAY_PUT] + word] == 0
            word += 1
        if same:
            return True
        entry = memo[entry * width]
    at = entries * width
    memo[at] = space.slots[slot]
    memo[at + 1] = h
    memo[at + 2] = wild
    at += 3
    for section in range(3):
        prefix = prefixes[section] - bounds[section]
        memo[at] = prefix
        for word in range(widths[section]):
            memo[at + 1 + word] = placed[words[section] + prefix // BITS + word]
        at += 1 + widths[section]
    for word in range(options):
        memo[at + word] = placed[words[S_MAY_PUT] + word]
    space.slots[slot] = entries
    return False


@compiled_in_place
def search_pairs(space: QueueSpace, budget: int, size: int, found: Integers) -> int:
    """Search for the sequences of a part that is laid out, with that many slots; the status.

    `found` gets how many configurations were visited, and how many frames `best` has.
    """
    bounds, frames = space.bounds, space.frames
    widths = (window_words(space, 0), window_words(space, 1), window_words(space, 2))
    options = space.words[S_MAY_PUT + 1] - space.words[S_MAY_PUT]
    most_entries = len(space.memo) // (6 + widths[0] + widths[1] + widths[2] + options)
    for slot in range(size):
        space.slots[slot] = -1
    puts, takes, empties = bounds[S_PUT], bounds[S_TAKEN], bounds[S_EMPTY]
    wild = bounds[S_MAY_TAKE]
    depth = visited = most = 0
    latest = -1
    end_put = end_taken = end_empty = NEVER
    mode = ENTER
    status = -1
    while status < 0:
        if mode == ENTER:
            puts = first_unplaced(space, S_PUT, puts)
            takes = first_unplaced(space, S_TAKEN, takes)
            empties = first_unplaced(space, S_EMPTY, empties)
            if takes == bounds[S_TAKEN + 1] and empties == bounds[S_EMPTY + 1]:
                status = LINEARIZABLE
                most = -1
                break
            end_put = first_end(space, S_PUT, puts)
            end_taken = first_end(space, S_TAKEN, takes)
            end_empty = first_end(space, S_EMPTY, empties)
            at = depth * FRAME_WIDTH
            frames[at + F_PUTS] = puts
            frames[at + F_TAKES] = takes
            frames[at + F_EMPTIES] = empties
            frames[at + F_LATEST] = latest
            others = min(end_put, end_taken)
            # Of the empty replies, the one that began first may come if any may.
            if empties < bounds[S_EMPTY + 1] and max(latest, space.call[empties]) < others:
                frames[at + F_PUT] = -1
                frames[at + F_TAKEN] = empties
                frames[at + F_STAGE] = EAGER
                flip(space, S_EMPTY, empties)
                depth += 1
                continue
            if visited >= budget or visited >= most_entries:
                status = GAVE_UP
                break
            if was_met(space, (puts, takes, empties), widths, visited, wild, size):
                mode = BACKTRACK
                continue
            visited += 1
            frames[at + F_STAGE] = 0
            frames[at + F_LAST] = -1
            frames[at + F_END_PUT] = end_put
            frames[at + F_END_TAKEN] = end_taken
            frames[at + F_END_EMPTY] = end_empty
            mode = CHOOSE
        if mode == CHOOSE:
            at = depth * FRAME_WIDTH
            puts, takes, empties = frames[at + F_PUTS], frames[at + F_TAKES], frames[at + F_EMPTIES]
            end_put, end_taken = frames[at + F_END_PUT], frames[at + F_END_TAKEN]
            latest = frames[at + F_LATEST]
            bound = min(end_taken, frames[at + F_END_EMPTY])
            bound_put = min(bound, end_put)
            put, taken = -1, -1
            while frames[at + F_STAGE] == 0 and put < 0:
                # The next of the dequeues that may come next, by their ends.
                taken = soonest(space, S_TAKEN, takes, bound, ANY, frames[at + F_LAST])
                if taken < 0:
                    frames[at + F_STAGE] = 1
                    frames[at + F_LAST] = -1
                    continue
                frames[at + F_LAST] = space.ret[taken]
                element = space.element[taken]
                if soonest(space, S_TAKEN, takes, bound, element, -1) != taken:
                    continue
                put = soonest(space, S_PUT, puts, bound_put, element, -1)
                may = space.may_put[element]
                if put < 0 and may < space.may_put_end[element] and space.call[may] < bound_put:
                    put = may
            if frames[at + F_STAGE] == 1 and wild < bounds[S_MAY_TAKE + 1] and space.call[wild] < bound:
                looking = True
                while looking:
                    put = soonest(space, S_PUT, puts, bound_put, ANY, frames[at + F_LAST])
                    looking = False
                    if put >= 0:
                        frames[at + F_LAST] = space.ret[put]
                        element = space.element[put]
                        if (
                            space.puts_left[element] <= space.takes_left[element]
                            or soonest(space, S_PUT, puts, bound_put, element, -1) != put
                            or soonest(space, S_TAKEN, takes, bound, element, -1) >= 0
                        ):
                            looking = True
                taken = wild
            if put < 0:
                mode = BACKTRACK
            else:
                frames[at + F_PUT] = put
                frames[at + F_TAKEN] = taken
                element = space.element[put]
                space.puts_left[element] -= 1
                if put >= bounds[S_MAY_PUT]:
                    flip(space, S_MAY_PUT, put)
                    space.may_put[element] += 1
                else:
                    flip(space, S_PUT, put)
                if taken >= bounds[S_MAY_TAKE]:
                    wild += 1
                else:
                    flip(space, S_TAKEN, taken)
                    space.takes_left[element] -= 1
                latest = max(latest, space.call[taken])  # nothing is left that ended before `put` began
                depth += 1
                mode = ENTER
                continue
        if mode == BACKTRACK:
            if depth > most:
                most = depth
                for frame in range(depth):
                    space.best[2 * frame] = frames[frame * FRAME_WIDTH + F_PUT]
                    space.best[2 * frame + 1] = frames[frame * FRAME_WIDTH + F_TAKEN]
            while mode == BACKTRACK:
                if depth == 0:
                    status = NOT_LINEARIZABLE
                    break
                depth -= 1
                at = depth * FRAME_WIDTH
                put, taken = frames[at + F_PUT], frames[at + F_TAKEN]
                if put < 0:
                    flip(space, S_EMPTY, taken)
                    continue
                element = space.element[put]
                space.puts_left[element] += 1
                if put >= bounds[S_MAY_PUT]:
                    flip(space, S_MAY_PUT, put)
                    space.may_put[element] -= 1
                else:
                    flip(space, S_PUT, put)
                if taken >= bounds[S_MAY_TAKE]:
                    wild -= 1
                else:
                    flip(space, S_TAKEN, taken)
                    space.takes_left[element] += 1
                mode = CHOOSE
    if depth > most:
        most = depth
        for frame in range(depth):
            space.best[2 * frame] = frames[frame * FRAME_WIDTH + F_PUT]
            space.best[2 * frame + 1] = frames[frame * FRAME_WIDTH + F_TAKEN]
    found[0] = visited
    found[1] = most
    return status


@compiled_in_place
def merge_pairs(space: QueueSpace, status: int, steps: int, order: Integers, low: int) -> int:
    """Write an order of the sequences in `best` from `low` on, in places of the part; how long it is.

    If the status is LINEARIZABLE, what was put in and not taken out is a part of it. Takes over `frames`.
    """
    best, call, row, bounds = space.best, space.call, space.row, space.bounds
    chain = space.frames  # what is put in, and after it the first end from there on
    total = steps
    for step in range(steps):
        chain[2 * step] = best[2 * step]
    if status == LINEARIZABLE:
        for place in range(bounds[S_PUT], bounds[S_PUT + 1]):
            if not is_placed(space, S_PUT, place):
                chain[2 * total] = place
                total += 1
    end = NEVER
    for step in range(total - 1, -1, -1):
        put = chain[2 * step]
        if put >= 0 and space.ret[put] < end:
            end = space.ret[put]
        chain[2 * step + 1] = end
    put_in, taken_out, written = 0, 0, low
    while taken_out < steps or put_in < total:
        if taken_out < steps and chain[2 * taken_out] < 0:
            order[written] = row[best[2 * taken_out + 1]]
            taken_out += 1
            put_in = taken_out
        elif (
            taken_out < put_in
            and taken_out < steps
            and (
                put_in == total
                or chain[2 * put_in] < 0
                or chain[2 * put_in + 1] > call[best[2 * taken_out + 1]]
            )
        ):
            order[written] = row[best[2 * taken_out + 1]]
            taken_out += 1
        else:
            order[written] = row[chain[2 * put_in]]
            put_in += 1
        written += 1
    return int(written - low)


@compiled_in_place
def decide_queues(
    operations: QueueOperations,
    budget: int,
    is_one_enough: int,
    space: QueueSpace,
    found: Integers,
    statuses: Integers,
    orders: Integers,
) -> None:
    """Decide each part as `each.decide_each` does; `found` is work space of two numbers."""
    for part in range(len(operations.starts) - 1):
        enough = lay_out_queue(operations, part, space)
        found[0] = found[1] = 0
        size = len(space.slots)
        if len(operations.starts) > 2:  # a key of few operations visits few configurations
            size = min(size, slots_for(4 * space.bounds[SECTIONS]))
        status = search_pairs(space, budget, size, found) if enough else NOT_LINEARIZABLE
        statuses[3 * part] = status
        statuses[3 * part + 1] = found[0]
        statuses[3 * part + 2] = merge_pairs(space, status, found[1], orders, operations.starts[part])
        if is_one_enough and status == NOT_LINEARIZABLE:
            return
