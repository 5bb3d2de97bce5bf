"""Which configurations a search has visited, in a hash table with chains.

An entry is (state, length of the placed prefix, placed bits from there on, used options). A configuration
is dropped if an entry agrees with it in all but the used options, and used a subset of them: what can be
done from the configuration can be done from the entry, too (Lowe 2017, section 4; the subset, because an
option that was not used can still be used).
"""

from __future__ import annotations

from checkers.linearizability.kernels.arena import BITS, OPTION_WORDS, SLOTS, WINDOW_WORDS, Arena
from history.kernels import compiled_in_place, inlined


@inlined
def recall(arena: Arena, state: int, prefix: int, entries: int, keep: bool) -> bool:
    """Whether an entry makes this configuration superfluous. If not, enter it if `keep`; there must be
    room."""
    memo, slots, placed, used = arena.memo, arena.slots, arena.placed, arena.used
    window_words, option_words = arena.registers[WINDOW_WORDS], arena.registers[OPTION_WORDS]
    width = 4 + window_words + option_words
    first_word = prefix // BITS
    h = (state & 0x3FFFFFFF) * 1000003 + (state >> 30)
    h = (h ^ (h >> 19)) & 0x3FFFFFFFFFF
    h = h * 1000003 + prefix
    h = (h ^ (h >> 23)) & 0x3FFFFFFFFFF
    for word in range(window_words):
        value = placed[first_word + word]
        h = h * 1000003 + (value & 0x3FFFFFFF)
        h = (h ^ (h >> 19)) & 0x3FFFFFFFFFF
        h = h * 1000033 + (value >> 30)
        h = (h ^ (h >> 23)) & 0x3FFFFFFFFFF
    slot = h & (arena.registers[SLOTS] - 1)
    entry = slots[slot]
    while entry >= 0:
        at = entry * width
        same = memo[at + 1] == h and memo[at + 2] == state and memo[at + 3] == prefix
        word = 0
        while same and word < window_words:
            same = memo[at + 4 + word] == placed[first_word + word]
            word += 1
        word = 0
        while same and word < option_words:
            same = memo[at + 4 + window_words + word] & ~used[word] == 0
            word += 1
        if same:
            return True
        entry = memo[at]
    if not keep:
        return False
    at = entries * width
    memo[at] = slots[slot]
    memo[at + 1] = h
    memo[at + 2] = state
    memo[at + 3] = prefix
    for word in range(window_words):
        memo[at + 4 + word] = placed[first_word + word]
    for word in range(option_words):
        memo[at + 4 + window_words + word] = used[word]
    slots[slot] = entries
    return False


@compiled_in_place
def rehash(arena: Arena, entries: int) -> None:
    """Fill all slots from the entries, oldest first."""
    memo, slots = arena.memo, arena.slots
    width = 4 + arena.registers[WINDOW_WORDS] + arena.registers[OPTION_WORDS]
    arena.registers[SLOTS] = len(slots)
    for slot in range(len(slots)):
        slots[slot] = -1
    for entry in range(entries):
        slot = memo[entry * width + 1] & (len(slots) - 1)
        memo[entry * width] = slots[slot]
        slots[slot] = entry
