"""The presence register: what one instance's key of a service registry holds, an id or nothing.

`SET id` puts an id that no other operation puts, `CHANGE id` does so where something is there, `REMOVE`
empties the key and names the id it removed (or None), `READ` returns what is there. Initially the key is
empty. SETs, CHANGEs and REMOVEs without an acknowledgement may have happened, at any time after they began;
for such a REMOVE what it removed is not known. An update that found nothing is a READ of None.

**Reduction to blocks.** Let block(r) be the SET or CHANGE of r and every operation that observed r: the
READs of r and the REMOVE that named r. While the key holds r, nothing but READs of r can be placed that
does not end that state, and once it is over r never returns, since no other operation puts r. So in
*every* linearization the operations of block(r) are contiguous: SET or CHANGE, READs, then the REMOVE if
there is one. Conversely, an order of whole blocks expands to one of operations if, within each block, no
observer completed before that SET or CHANGE began and no READ began after the REMOVE completed; the
other READs are sorted by invocation. Real time between two blocks a, b asks that no operation of b
completed before one of a began; so a block is an item with `call` = its latest invocation and `ret` =
its earliest completion (see `item_search`). What remains of the state is whether the key is empty:

| item | what | empty -> | holding -> |
|---|---|---|---|
| OPEN | a SET's block without REMOVE | holding | holding; eager if there is no CHANGE |
| CLOSED | a SET's block with one | empty | empty |
| CHANGED | a CHANGE's block without REMOVE | impossible | holding, eager |
| CHANGED_CLOSED | a CHANGE's block with one | impossible | empty |
| NOTHING | a READ of None, a REMOVE that removed None | empty, eager | impossible |
| optional | a REMOVE without acknowledgement | - | empty |
| optional | if there are CHANGEs: a SET without acknowledgement that no operation observed | holding | - |

*Eager is sound.* NOTHING changes no state: if it can be placed now, move it here from wherever an
order has it. CHANGED while holding: wherever an order has it, the state is "holding" before and after
it, as it is here; so it can be moved, too. OPEN while holding, without CHANGEs: take it out of wherever
an order has it and put it here. Here the state stays "holding". Where it was, the state before it goes
on; what followed it was a block, which may follow any state, or an optional REMOVE, which may too (and
is not needed if the key was empty already): never a NOTHING. So the order stays one. With CHANGEs it
need not: one of them may have followed OPEN where the key was empty before. Then OPEN is no eager item,
and the search has to branch.

*Unacknowledged operations.* One that was observed happened, and is a block like any other whose SET or CHANGE
never completed. Of those that no operation observed, a CHANGE can be left out: sound, as it may not have
happened; complete, as "holding" stands before and after it. So can a SET without CHANGEs, by the argument for
OPEN; with them, it is an optional item that makes an empty key hold something. REMOVEs without
acknowledgement are alike but for when they began, and so are these SETs; so `item_search` uses them in that
order.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import Enum
from typing import NamedTuple

from checkers.linearizability.answer import NEVER
from checkers.linearizability.item_search import ItemModel, ItemProblem


class PresenceEffect(Enum):
    """What an operation does to one key."""

    SET = "set"
    CHANGE = "change"
    REMOVE = "remove"
    READ = "read"


PUTS = (PresenceEffect.SET, PresenceEffect.CHANGE)


class PresenceOperation(NamedTuple):
    """One operation on one key. Times are indices in the history; `completed` is None if never `ok`."""

    effect: PresenceEffect
    id: str | None
    """SET, CHANGE: what is put. READ, acknowledged REMOVE: what was there; None if nothing."""
    invoked: int
    completed: int | None
    f: str
    """What the history calls it, for words."""

    @property
    def ended(self) -> int:
        """The completion, or `NEVER`."""
        return NEVER if self.completed is None else self.completed

    @property
    def is_optional(self) -> bool:
        """Whether it is a REMOVE whose outcome is unknown."""
        return self.effect is PresenceEffect.REMOVE and self.completed is None

    @property
    def saw_nothing(self) -> bool:
        """Whether its reply says that the key was empty."""
        return self.effect not in PUTS and self.id is None and self.completed is not None


class PresenceContradiction(NamedTuple):
    """A few operations that no order explains, whatever else happened, and why."""

    reason: str
    operations: tuple[PresenceOperation, ...]


class Block(NamedTuple):
    """The operations that put, see or remove one id."""

    id: str
    setter: PresenceOperation
    reads: tuple[PresenceOperation, ...]
    remover: PresenceOperation | None

    @property
    def operations(self) -> tuple[PresenceOperation, ...]:
        """All operations of the block, in the only order that they can have."""
        return (self.setter, *self.reads, *((self.remover,) if self.remover else ()))

    @property
    def call(self) -> int:
        """The latest invocation of the block's operations."""
        return max(op.invoked for op in self.operations)

    @property
    def ret(self) -> int:
        """The earliest completion of the block's operations."""
        return min(op.ended for op in self.operations)

    @property
    def must_be_placed(self) -> bool:
        """Whether it certainly happened: acknowledged, or observed."""
        return self.setter.completed is not None or len(self.operations) > 1

    @property
    def is_change(self) -> bool:
        """Whether it needs something to be there before."""
        return self.setter.effect is PresenceEffect.CHANGE

    @property
    def kind(self) -> int:
        """The kind of item that the block is in the search."""
        if self.is_change:
            return CHANGED if self.remover is None else CHANGED_CLOSED
        return OPEN if self.remover is None else CLOSED


OPEN, CLOSED, CHANGED, CHANGED_CLOSED, NOTHING, UNSURE_REMOVE, UNSURE_SET = range(7)
EMPTY, HOLDING = range(2)


def _model(*, changes: bool) -> ItemModel:
    empty = (HOLDING, EMPTY, -1, -1, EMPTY, EMPTY, HOLDING)
    holding = (HOLDING, EMPTY, HOLDING, EMPTY, -1, EMPTY, HOLDING)
    eager_empty = [kind == NOTHING for kind in range(7)]
    eager_holding = [kind == CHANGED or (kind == OPEN and not changes) for kind in range(7)]
    return ItemModel(step=(empty, holding), eager=(eager_empty, eager_holding))


PRESENCE, PRESENCE_WITH_CHANGES = _model(changes=False), _model(changes=True)


class Reduced(NamedTuple):
    """One key's operations, sorted into what the search places."""

    blocks: list[Block]
    nothings: list[PresenceOperation]
    removes: list[PresenceOperation]
    """REMOVEs without acknowledgement."""
    sets: list[PresenceOperation]
    """SETs without acknowledgement that no operation observed."""

    @property
    def has_changes(self) -> bool:
        """Whether some block needs something to be there before."""
        return any(block.is_change for block in self.blocks)

    @property
    def model(self) -> ItemModel:
        """The tables with which these operations are searched."""
        return PRESENCE_WITH_CHANGES if self.has_changes else PRESENCE

    def problem(self) -> ItemProblem:
        """The operations as the search takes them."""
        optional = [(UNSURE_REMOVE, self.removes)]
        if self.has_changes:
            optional.append((UNSURE_SET, self.sets))
        return ItemProblem(
            calls=[block.call for block in self.blocks] + [op.invoked for op in self.nothings],
            rets=[block.ret for block in self.blocks] + [op.ended for op in self.nothings],
            kinds=[block.kind for block in self.blocks] + [NOTHING] * len(self.nothings),
            optional=[(kind, sorted(op.invoked for op in ops)) for kind, ops in optional],
        )


def reduce(operations: Iterable[PresenceOperation]) -> Reduced | PresenceContradiction:
    """Group one key's operations into blocks, or find a few that no order can explain.

    READs must be acknowledged ones, and no id may be put twice.
    """
    setters: dict[str, PresenceOperation] = {}
    reads: dict[str, list[PresenceOperation]] = {}
    removers: dict[str, PresenceOperation] = {}
    nothings: list[PresenceOperation] = []
    removes: list[PresenceOperation] = []
    sets: list[PresenceOperation] = []
    for op in operations:
        if op.is_optional:
            removes.append(op)
        elif op.id is None:
            nothings.append(op)
        elif op.effect in PUTS:
            setters[op.id] = op
        elif op.effect is PresenceEffect.READ:
            reads.setdefault(op.id, []).append(op)
        elif op.id in removers:
            return PresenceContradiction(f"{op.id} was removed twice", (removers[op.id], op))
        else:
            removers[op.id] = op

    blocks: list[Block] = []
    for id_ in dict.fromkeys([*setters, *reads, *removers]):
        seen = sorted(reads.get(id_, ()), key=lambda op: op.invoked)
        remover = removers.get(id_)
        observers = [*seen, *([remover] if remover else [])]
        setter = setters.get(id_)
        if setter is None:
            reason = f"{id_} was seen, but no operation that may have happened wrote it to this key"
            return PresenceContradiction(reason, (min(observers, key=lambda op: op.ended),))
        early = min(observers, key=lambda op: op.ended, default=None)
        if early is not None and early.ended < setter.invoked:
            return PresenceContradiction(f"{id_} was seen before its {setter.f} began", (early, setter))
        if remover is not None and seen and seen[-1].invoked > remover.ended:
            return PresenceContradiction(f"{id_} was seen after it had been removed", (remover, seen[-1]))
        block = Block(id_, setter, tuple(seen), remover)
        if block.must_be_placed:
            blocks.append(block)
        elif setter.effect is PresenceEffect.SET:
            sets.append(setter)
    return Reduced(blocks, nothings, removes, sets)


def unconditional(operations: Iterable[PresenceOperation]) -> list[PresenceOperation]:
    """The operations with each CHANGE as a SET: if these have no order, the original ones have none."""
    return [
        op._replace(effect=PresenceEffect.SET) if op.effect is PresenceEffect.CHANGE else op
        for op in operations
    ]


def until(operations: Sequence[PresenceOperation], cutoff: int) -> list[PresenceOperation]:
    """What was known just after the completion at index `cutoff`: later replies are taken back.

    Linearizability is closed under such prefixes.
    """
    known = []
    for op in operations:
        if op.invoked > cutoff:
            continue
        if op.ended <= cutoff:
            known.append(op)
        elif op.effect in PUTS:
            known.append(op._replace(completed=None))
        elif op.effect is PresenceEffect.REMOVE:
            known.append(op._replace(completed=None, id=None))
    return known
