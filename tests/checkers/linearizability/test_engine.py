"""The general engine: budgets, unknown outcomes, plain Python against compiled code, texts that collide."""

from __future__ import annotations

import subprocess
import sys
from random import Random

import numpy as np
import pytest

from checkers.linearizability.answer import NEVER, Answer, Budget
from checkers.linearizability.by_model import confirmed
from checkers.linearizability.by_rule.deciding import replays
from checkers.linearizability.engine import Engine
from checkers.linearizability.kernels.prepare import window_of
from checkers.linearizability.kernels.transitions import PRIME, times_modulo
from checkers.linearizability.part import HistoryParts, Part
from checkers.linearizability.search import kind_search
from checkers.linearizability.search.numbering import Numbering
from checkers.models import MODELS
from checkers.models.model import MAYBE, Call, IllegalCall, Model
from history.kernels import Form, can_compile
from tests.checkers.models.small_histories import ALL_MODELS, linearizable, part_of, small_history

CAS = MODELS["cas-register"]


def concurrent_writes(count: int, seen: int) -> Part:
    """`count` writes of different values at once, then a read of one, then a read that contradicts it."""
    rows = [(n, count + n, Call("write", n, n)) for n in range(count)]
    rows += [(2 * count, 2 * count + 1, Call("read", None, seen))]
    rows += [(2 * count + 2, 2 * count + 3, Call("read", None, seen + 1))]
    return part_of(rows)


def test_a_budget_of_configurations_that_runs_out_gives_up_and_says_how_far_it_came() -> None:
    result = Engine(CAS).decide(concurrent_writes(18, 3), Budget(configurations=500))
    assert result.answer is Answer.GAVE_UP
    assert result.configurations == 500
    assert "500 configurations" in result.why
    assert len(result.order) >= 17


def test_a_budget_of_memory_that_runs_out_gives_up() -> None:
    result = Engine(CAS).decide(concurrent_writes(18, 3), Budget(memory_bytes=1 << 20))
    assert result.answer is Answer.GAVE_UP
    assert "1 MiB" in result.why


def test_with_enough_budget_the_same_history_has_an_answer() -> None:
    assert Engine(CAS).decide(concurrent_writes(12, 3)).answer is Answer.NOT_LINEARIZABLE


def register_run(random: Random, operations: int, info: float, *, values: int, corrupt: bool) -> Part:
    """A correct register under 8 clients; a share of the writes is lost track of, and happens or not."""
    state, at = None, 0
    pending: dict[int, list[object]] = {}
    rows: list[tuple[int, int, Call]] = []
    while len(rows) < operations:
        client, at = random.randrange(8), at + 1
        op = pending.get(client)
        if op is None:
            write = random.random() < 0.5
            pending[client] = [
                at,
                "write" if write else "read",
                random.randrange(values) if write else None,
                False,
                None,
            ]
            continue
        begun, f, argument, happened, result = op
        assert isinstance(begun, int)
        if not happened and random.random() < 0.6:
            op[3] = True
            if f == "write":
                state = argument
            op[4] = state
        elif f == "write" and random.random() < info:
            rows.append((begun, NEVER, Call("write", argument, MAYBE)))
            del pending[client]
        elif happened:
            rows.append((begun, at, Call(str(f), argument, result if f == "read" else argument)))
            del pending[client]
    rows += [(int(op[0]), NEVER, Call(str(op[1]), op[2], MAYBE)) for op in pending.values()]  # type: ignore[call-overload]
    if corrupt:
        reads = [
            n for n, row in enumerate(rows) if row[1] < NEVER and row[2].f == "read" and n > operations // 2
        ]
        place = random.choice(reads)
        rows[place] = (rows[place][0], rows[place][1], Call("read", None, values + 1))
    return part_of(rows)


@pytest.mark.parametrize("info", [0.01, 0.1, 0.3])
@pytest.mark.parametrize("values", [5, 1_000_000])
def test_unknown_outcomes_do_not_blow_up_the_search(info: float, values: int) -> None:
    for seed in range(5):
        part = register_run(Random(seed), 1000, info, values=values, corrupt=False)
        result = Engine(CAS).decide(part)
        assert result.answer is Answer.LINEARIZABLE
        assert result.configurations < 20 * len(part)


@pytest.mark.parametrize(("info", "values"), [(0.01, 5), (0.01, 10**6), (0.1, 10**6), (0.3, 10**6)])
def test_nor_do_they_where_there_is_no_order(info: float, values: int) -> None:
    """With few values and many lost writes of each this can still run out of any budget: then it says so."""
    for seed in range(3):
        part = register_run(Random(seed), 1000, info, values=values, corrupt=True)
        assert Engine(CAS).decide(part).answer is Answer.NOT_LINEARIZABLE


def test_options_of_one_kind_are_used_in_the_order_in_which_they_began() -> None:
    """One lost write explains one change of value, not two; whichever began in time."""
    lost = (0, NEVER, Call("write", 7, MAYBE))
    rows = [lost, (1, 2, Call("write", 1, 1)), (3, 4, Call("read", None, 7)), (5, 6, Call("write", 2, 2))]
    assert Engine(CAS).decide(part_of([*rows, (7, 8, Call("read", None, 2))])).answer is Answer.LINEARIZABLE
    again = [*rows, (7, 8, Call("read", None, 7))]
    assert Engine(CAS).decide(part_of(again)).answer is Answer.NOT_LINEARIZABLE
    second = (0.5, NEVER, Call("write", 7, MAYBE))
    shifted = [(int(2 * a), b if b == NEVER else 2 * b, c) for a, b, c in [*again, second]]
    assert Engine(CAS).decide(part_of(shifted)).answer is Answer.LINEARIZABLE


@pytest.mark.parametrize("form", Form)
@pytest.mark.parametrize("model", ALL_MODELS, ids=lambda model: model.name)
def test_what_is_tried_first_changes_no_answer(
    model: Model, form: Form, monkeypatch: pytest.MonkeyPatch
) -> None:
    if form is Form.COMPILED and not can_compile():
        pytest.skip("there is no numba")
    monkeypatch.setattr(kind_search, "fitting", lambda work: form)
    searches = Engine(model)
    searches.options_first = True
    answers = set()
    for seed in range(150):
        random = Random(f"options first {seed}")
        part = small_history(model, random, kind=random.choice(["correct", "mutated", "arbitrary"]), most=6)
        if not len(part):
            continue
        result = searches.decide(part)
        assert (result.answer is Answer.LINEARIZABLE) == linearizable(model, part), seed
        if result.answer is Answer.LINEARIZABLE:
            assert replays(model, part, result.order), seed
        answers.add(result.answer)
    assert answers == {Answer.LINEARIZABLE, Answer.NOT_LINEARIZABLE}


def test_products_modulo_the_prime_are_exact() -> None:
    random = Random(1)
    for _ in range(3000):
        a, b = random.randrange(PRIME), random.randrange(PRIME)
        assert times_modulo(a, b) == a * b % PRIME
    for a in (0, 1, PRIME - 1):
        for b in (0, 1, PRIME - 1):
            assert times_modulo(a, b) == a * b % PRIME


def test_the_window_is_as_wide_as_the_widest_overlap() -> None:
    random = Random(2)
    for _ in range(300):
        part = small_history(CAS, random, kind="correct", most=12)
        known = part.only(part.completed < NEVER)
        expected = max(
            (int(np.sum(known.invoked[n + 1 :] < known.completed[n])) for n in range(len(known))), default=0
        )
        assert window_of(known.invoked, known.completed, len(known)) == expected


def test_texts_of_one_fingerprint_do_not_make_a_wrong_order_valid() -> None:
    """Two texts that are equal modulo the prime: the replay notices, and the exact search decides."""
    text = (b"\\1" + b"a" * 12).replace(b"\\1", b"\1")
    twin = int.from_bytes(text, "big") + PRIME
    other = twin.to_bytes(13, "big")
    while True:
        try:
            assert other[0] == 1
            decoded = other[1:].decode()
            break
        except UnicodeDecodeError:
            twin += PRIME
            other = twin.to_bytes(13, "big")
    model = MODELS["kv-append"]
    part = part_of([(0, 1, Call("put", "a" * 12, None)), (2, 3, Call("get", None, decoded))])
    engine = Engine(model)
    assert engine.decide(part).answer is Answer.LINEARIZABLE, "or this is no collision"
    assert confirmed(engine, part, Budget()).answer is Answer.NOT_LINEARIZABLE


COMPARED = """
import sys
if sys.argv[1] == "plain":
    sys.modules["numba"] = None
from random import Random
from history import kernels
from history.kernels import can_compile
from checkers.linearizability.engine import Engine
from tests.checkers.models.small_histories import ALL_MODELS, small_history
assert can_compile() == (sys.argv[1] == "compiled")
kernels.LITTLE = 0
for model in ALL_MODELS:
    engine = Engine(model)
    for seed in range(60):
        for kind in ("correct", "mutated", "arbitrary"):
            result = engine.decide(small_history(model, Random(seed), kind=kind, most=12))
            order = [int(n) for n in result.order]
            print(model.name, seed, kind, result.answer.value, result.configurations, order)
"""


@pytest.mark.skipif(not can_compile(), reason="without numba there is no compiled code to compare with")
def test_plain_python_and_compiled_code_do_the_same() -> None:
    """Answer, order and even the count of configurations."""
    said = [
        subprocess.run(
            [sys.executable, "-c", COMPARED, form],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for form in ("plain", "compiled")
    ]
    assert said[0] == said[1]
    assert len(said[0].splitlines()) == 10 * 60 * 3


def together(found: list[Part]) -> HistoryParts:
    """Parts as those of one history."""
    calls = tuple(dict.fromkeys(part.call(n) for part in found for n in range(len(part))))
    number = {call: place for place, call in enumerate(calls)}
    return HistoryParts(
        keys=[str(place) for place in range(len(found))],
        starts=np.cumsum([0, *map(len, found)]),
        invoked=np.concatenate([part.invoked for part in found]),
        completed=np.concatenate([part.completed for part in found]),
        kinds=np.array([number[part.call(n)] for part in found for n in range(len(part))]),
        calls=calls,
        longest=max(map(len, found)),
    )


@pytest.mark.parametrize("model", ALL_MODELS, ids=lambda model: model.name)
def test_all_parts_at_once_are_decided_as_each_by_itself(model: Model) -> None:
    """One engine for all of it, so nothing of one part or history is left over for the next."""
    engine = Engine(model)
    for seed in range(150):
        random = Random(seed)
        found = [
            small_history(model, random, kind=random.choice(["correct", "mutated", "arbitrary"]), most=3 + n)
            for n in range(random.randrange(1, 6))
        ]
        found = [part for part in found if len(part)]
        if not found:
            continue
        all_parts = together(found)
        one_is_enough = engine.decide_all(all_parts, is_one_enough=True)
        results = engine.decide_all(all_parts)
        assert one_is_enough.has_refuted == results.has_refuted, seed
        for part, result in zip(found, results, strict=True):
            alone = Engine(model).decide(part)
            assert result.answer is alone.answer, seed
            if result.answer is Answer.LINEARIZABLE:
                assert replays(model, part, result.order), seed
            if (
                model.name != "kv-append"
            ):  # what replies of other keys show may change the order of the search
                assert [int(place) for place in result.order] == [int(place) for place in alone.order], seed
        assert [len(part) for part in all_parts] == [len(part) for part in found]


def test_a_part_over_its_budget_is_given_up_among_others() -> None:
    parts = together([concurrent_writes(3, 2), concurrent_writes(18, 3), concurrent_writes(2, 1)])
    results = Engine(CAS).decide_all(parts, Budget(configurations=500))
    assert [result.answer for result in results] == [
        Answer.NOT_LINEARIZABLE,
        Answer.GAVE_UP,
        Answer.NOT_LINEARIZABLE,
    ]
    assert "500 configurations" in results[1].why


def test_a_part_that_needs_more_memory_than_the_others_gets_it() -> None:
    parts = together([concurrent_writes(3, 2), concurrent_writes(13, 3)])
    assert [r.answer for r in Engine(CAS).decide_all(parts)] == [Answer.NOT_LINEARIZABLE] * 2


@pytest.mark.skipif(not can_compile(), reason="only compiled code takes texts at once")
@pytest.mark.parametrize("text", ["", "a", "ab" * 40, "ü", "\ud800", "x\0y"])
def test_texts_taken_at_once_have_the_effects_of_each_by_itself(text: str) -> None:
    model = MODELS["kv-append"]
    calls = (
        Call("get", None, text),
        Call("put", text, None),
        Call("append", text, None),
        Call("get", None, MAYBE),
        Call("append", text, MAYBE),
    )
    numbering = Numbering(model, exact=False)
    effects = numbering.effects_of_texts(calls)
    assert effects is not None
    assert list(effects) == [n for call in calls for n in (*numbering.encoded(call), 0, 0)]


def test_what_is_no_text_is_refused_as_ever() -> None:
    part = part_of([(0, 1, Call("put", 3, None))])
    with pytest.raises(IllegalCall, match="takes and gives text"):
        Engine(MODELS["kv-append"]).decide_all(together([part]))


PLAIN = """
import sys
from checkers.linearizability.kernels.arena import VISITED
from checkers.linearizability.kernels.search import search
plain, visited = search.plain, [0]
def counted(arena, rules, budget):
    before = arena.registers[VISITED]
    status = plain(arena, rules, budget)
    visited[0] += arena.registers[VISITED] - before
    return status
search.__dict__["plain"] = counted
from ackproof import check
from history import Operation
from tests import REPOSITORY
if sys.argv[1] == "texts":
    print(check(REPOSITORY / "tests/corpora/porcupine/kv/c10-bad.txt", "kv-append").validity.value)
else:
    calls = [("add", 2 << n, None) for n in range(10)] + [("read", None, 7)]
    begun = [Operation(n, n, n, "invoke", f, value=asked) for n, (f, asked, _) in enumerate(calls)]
    ended = [Operation(11 + n, 11 + n, n, "ok", f, value=reply) for n, (f, _, reply) in enumerate(calls)]
    print(check([*begun, *ended], "counter", options={"initial": "0"}).validity.value)
print(visited[0])
"""


@pytest.mark.parametrize("case", ["texts", "numbers"])
def test_a_small_history_that_is_hard_goes_over_to_compiled_code(case: str) -> None:
    """Its explanation, too. Counted are the configurations that plain Python visits."""
    done = subprocess.run([sys.executable, "-c", PLAIN, case], capture_output=True, text=True, check=True)
    verdict, visited = done.stdout.split()
    assert verdict == "invalid"
    assert int(visited) < 50_000


def test_what_one_search_leaves_in_shared_space_means_nothing_to_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(kind_search, "fitting", lambda work: Form.COMPILED if can_compile() else Form.PLAIN)
    read = part_of([(2 * n, 2 * n + 1, Call("read", None, 7 + n)) for n in range(3)])
    write = part_of([(0, 1, Call("write", 5, 5))])
    short = Budget(1_000)  # longer searches have space of their own
    refuted = Engine(MODELS["register"]).decide(read, short)
    assert refuted.answer is Answer.NOT_LINEARIZABLE
    # Its states 1 to 3 are still needed there; the next engine begins in its own state 2, named by nothing.
    other = Engine(MODELS["register"]).decide(write, short, initial="another state")
    assert other.answer is Answer.LINEARIZABLE
