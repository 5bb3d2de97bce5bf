"""A history refuses what no run can produce, and pairs what belongs together."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from history import NEMESIS, History, HistoryError, Operation, OperationType
from history.history import stable_order


def op(index: int, process: int, type_: OperationType, f: str = "register", **more: object) -> Operation:
    return Operation(index=index, time=more.pop("time", index), process=process, type=type_, f=f, **more)  # type: ignore[arg-type] # keyword values vary by test


@st.composite
def legal_histories(draw: st.DrawFn) -> list[Operation]:
    """Histories as a run makes them: threads that invoke, complete, and renew their process after info."""
    threads = draw(st.integers(1, 4))
    process_of = list(range(threads))
    pending: dict[int, Operation] = {}
    operations: list[Operation] = []
    time = 0
    for _ in range(draw(st.integers(0, 40))):
        thread = draw(st.integers(0, threads - 1))
        time += draw(st.integers(0, 3))
        index = len(operations)
        if thread not in pending:
            pending[thread] = op(
                index,
                process_of[thread],
                "invoke",
                draw(st.sampled_from(["register", "lookup"])),
                time=time,
                key=draw(st.sampled_from([None, "a", "b"])),
                value=draw(st.sampled_from([None, "r1", 3, {"x": [1, None]}])),
            )
            operations.append(pending[thread])
            continue
        begun = pending.pop(thread)
        type_: OperationType = draw(st.sampled_from(["ok", "fail", "info"]))
        if type_ == "info":
            process_of[thread] += threads
        operations.append(
            op(
                index,
                begun.process,
                type_,
                begun.f,
                time=time,
                key=begun.key,
                value=begun.value,
                error=draw(st.sampled_from([None, "timed out"])),
                node=draw(st.sampled_from([None, "n1"])),
                raft_index=draw(st.sampled_from([None, 0, 7])),
            )
        )
    return operations


def pairs_by_walking(operations: list[Operation]) -> list[int]:
    pairs = [-1] * len(operations)
    pending: dict[int, int] = {}
    for position, operation in enumerate(operations):
        if operation.type == "invoke":
            pending[operation.process] = position
        else:
            other = pending.pop(operation.process)
            pairs[position], pairs[other] = other, position
    return pairs


@given(legal_histories())
def test_pairs_are_what_a_walk_over_the_history_finds(operations: list[Operation]) -> None:
    assert History(operations).pairs.tolist() == pairs_by_walking(operations)


@given(legal_histories())
def test_columns_and_objects_hold_the_same(operations: list[Operation]) -> None:
    history = History(operations)
    assert list(History.from_columns(history.columns)) == operations


@pytest.mark.parametrize(
    ("operations", "line", "rule"),
    [
        ([op(0, 0, "ok")], 1, "without an invocation"),
        ([op(0, 0, "invoke"), op(1, 0, "invoke")], 2, "still pending"),
        ([op(0, 0, "invoke", time=5), op(1, 0, "ok", time=4)], 2, "backwards"),
        ([op(0, 0, "invoke"), op(1, 0, "ok", "lookup")], 2, "f is not"),
        ([op(0, 0, "invoke", key="a"), op(1, 0, "ok", key="b")], 2, "key is not"),
        ([op(0, 0, "invoke"), op(1, 0, "info"), op(2, 0, "invoke")], 3, "new process"),
        ([op(0, 0, "invoke"), op(1, 0, "ok"), op(2, 0, "ok")], 3, "without an invocation"),
        ([op(1, 0, "invoke")], 1, "index is 1"),
        ([op(0, 0, "begin")], 1, "not one of"),  # type: ignore[arg-type] # a wrong type is the point
    ],
)
def test_an_illegal_history_is_refused_with_its_line_and_rule(
    operations: list[Operation], line: int, rule: str
) -> None:
    with pytest.raises(HistoryError, match=rule) as refused:
        History(operations)
    assert refused.value.line == line


def test_the_nemesis_goes_on_after_info() -> None:
    history = History(
        [
            op(0, NEMESIS, "invoke", "kill"),
            op(1, NEMESIS, "info", "kill"),
            op(2, NEMESIS, "invoke", "start"),
        ]
    )
    assert history.pairs.tolist() == [1, 0, -1]
    assert history.completion(history[2]) is None


@given(legal_histories().filter(lambda operations: len(operations) > 1), st.data())
def test_dropping_one_invocation_never_goes_unnoticed(
    operations: list[Operation], data: st.DataObject
) -> None:
    completed = [position for position, other in enumerate(pairs_by_walking(operations)) if other > position]
    if not completed:
        return
    gone = data.draw(st.sampled_from(completed))
    kept = [
        Operation(**{**{f: getattr(o, f) for f in o.__struct_fields__}, "index": position})
        for position, o in enumerate(o for i, o in enumerate(operations) if i != gone)
    ]
    with pytest.raises(HistoryError):
        History(kept)


NUMBERS = st.one_of(
    st.integers(-(1 << 63), (1 << 63) - 1), st.integers(-2, 3), st.integers((1 << 16) - 3, (1 << 16) + 3)
)


@given(st.lists(NUMBERS, max_size=30))
def test_equal_numbers_keep_their_places_in_order(numbers: list[int]) -> None:
    places = stable_order(np.array(numbers, dtype=np.int64)).tolist()
    assert places == sorted(range(len(numbers)), key=numbers.__getitem__)
