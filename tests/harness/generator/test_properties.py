"""What holds for every generator, tried on generators of every shape."""

import subprocess
import sys
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from harness import generator as gen
from harness.drivers.virtual import LatencyWorld, drive, simulate
from harness.generator.base import Context
from harness.generator.draw import Draw
from harness.interpreter.interpreter import Interpreter
from history import NEMESIS, History, Operation
from tests.harness.generator.moves import invocations, names


def drawn(context: Context) -> dict[str, Any] | None:
    """A function that draws what it makes, and ends at some time."""
    if context.step > 60:
        return None
    return {"f": "drawn", "key": str(context.draw.below(5, "key")), "value": context.step}


templates = st.sampled_from([{"f": "a"}, {"f": "b", "key": "k"}, {"f": "c", "time": 40}])
leaves: st.SearchStrategy[gen.GeneratorLike] = st.one_of(
    templates,
    st.just(drawn),
    st.none(),
    st.integers(0, 60).map(gen.sleep),
    st.just("line").map(gen.log),
)


def nested(inner: st.SearchStrategy[gen.GeneratorLike]) -> st.SearchStrategy[gen.GeneratorLike]:
    several = st.lists(inner, max_size=3)
    counts = st.integers(0, 5)
    gaps = st.integers(0, 30)
    return st.one_of(
        several,
        several.map(lambda items: gen.mix(*items)),
        several.map(lambda items: gen.any(*items)),
        several.map(lambda items: gen.phases(*items)),
        several.map(lambda items: gen.flip_flop(*items)),
        st.builds(gen.limit, counts, inner),
        st.builds(gen.repeat, inner, st.integers(0, 4)),
        st.builds(gen.cycle, inner, st.integers(0, 3)),
        st.builds(gen.until_ok, inner),
        st.builds(gen.time_limit, st.integers(0, 200), inner),
        st.builds(gen.stagger, gaps, inner),
        st.builds(gen.delay, gaps, inner),
        st.builds(gen.synchronize, inner),
        st.builds(gen.clients, inner),
        st.builds(gen.nemesis, inner),
        st.builds(gen.each_thread, inner),
        st.builds(gen.on_threads, st.lists(st.integers(0, 1), min_size=1, max_size=2), inner),
        st.builds(lambda a, b: gen.reserve((1, a), default=b), inner, inner),
        st.builds(lambda g: gen.f_map({"a": "z"}, g), inner),
        st.builds(lambda g: gen.filter(lambda op: op.f != "b", g), inner),
    )


generators = st.recursive(leaves, nested, max_leaves=8)


def outcome(op: Operation, now: int) -> tuple[Operation, int]:
    """A drawn outcome: mostly ok."""
    draw = Draw.at(99, op.index)
    kind = "info" if op.process == NEMESIS else draw.choose(["ok", "ok", "ok", "fail", "info"])
    return msgspec.structs.replace(op, type=kind), draw.below(50, "latency")


def run(generator: gen.GeneratorLike, threads: int = 3, seed: int = 0) -> list[Operation]:
    """The history made; it ends early where a generator wants threads that are not in view."""
    made: list[Operation] = []
    interpreter = Interpreter(generator, threads=threads, nodes=("n1", "n2"), seed=seed)
    try:
        drive(interpreter, LatencyWorld(outcome), record=made.append)
    except gen.GeneratorError as error:
        assert error.generator in ("reserve", "on threads")  # noqa: PT017
    return made


@settings(max_examples=300, deadline=None)
@given(generators, st.integers(1, 4), st.integers(0, 2**64 - 1))
def test_every_history_made_is_legal(generator: gen.GeneratorLike, threads: int, seed: int) -> None:
    """History refuses two pending operations of one process, a process after `info`, time backwards."""
    history = History(run(generator, threads, seed))
    assert len(history) % 2 == 0
    assert all(op.node is not None for op in history if op.process != NEMESIS)


@settings(max_examples=200, deadline=None)
@given(generators, st.integers(0, 2**64 - 1))
def test_the_same_seed_makes_the_same_history(generator: gen.GeneratorLike, seed: int) -> None:
    assert run(generator, seed=seed) == run(generator, seed=seed)


@settings(max_examples=200, deadline=None)
@given(generators, st.integers(0, 2**64 - 1), st.lists(st.integers(0, 40), max_size=30))
def test_asking_is_pure(generator: gen.GeneratorLike, seed: int, waits: list[int]) -> None:
    """With the same context, a generator gives the same answer and the same next generator twice."""
    current = gen.as_generator(generator, "test")
    context = Context.start(3, seed)
    for wait in waits:
        context = msgspec.structs.replace(context, now=context.now + wait)
        try:
            first, second = current.op(context), current.op(context)
        except gen.GeneratorError:
            return
        assert first == second
        answer, current = first
        if isinstance(answer, Operation):
            event = msgspec.structs.replace(answer, type="ok" if answer.process != NEMESIS else "info")
            assert current.update(context, event) == current.update(context, event)
            current = current.update(context, event)
        context = msgspec.structs.replace(
            context, step=context.step + 1, entropy=Draw.at(seed, context.step + 1).state
        )


@settings(max_examples=200, deadline=None)
@given(generators, st.integers(0, 6))
def test_a_limit_is_never_exceeded(generator: gen.GeneratorLike, count: int) -> None:
    assert len(invocations(run(gen.limit(count, generator)))) <= count


@settings(max_examples=200, deadline=None)
@given(generators, st.integers(0, 150))
def test_nothing_begins_once_a_time_limit_is_over(generator: gen.GeneratorLike, duration: int) -> None:
    times = [op.time for op in invocations(run(gen.time_limit(duration, generator)))]
    assert all(time < times[0] + max(duration, 1) for time in times)


@settings(max_examples=200, deadline=None)
@given(st.lists(generators, min_size=2, max_size=3))
def test_phases_never_overlap(generators: list[gen.GeneratorLike]) -> None:
    def named(phase: int) -> gen.Generator:
        return gen.map(lambda op: msgspec.structs.replace(op, f=str(phase)), generators[phase])

    history = run(gen.phases(*[named(phase) for phase in range(len(generators))]))
    phases = [int(op.f) for op in history]
    assert phases == sorted(phases)


@settings(max_examples=100, deadline=None)
@given(generators)
def test_a_sequence_makes_all_of_its_first_before_its_second(generator: gen.GeneratorLike) -> None:
    marked = gen.map(lambda op: msgspec.structs.replace(op, f="first"), generator)
    made = names(run([marked, {"f": "second"}]))
    assert "second" not in made or made.index("second") == len(made) - 1


@settings(max_examples=100, deadline=None)
@given(generators)
def test_clients_and_nemesis_keep_apart(generator: gen.GeneratorLike) -> None:
    assert all(op.process != NEMESIS for op in run(gen.clients(generator)))
    assert all(op.process == NEMESIS for op in run(gen.nemesis(generator)))


BUSY = """
from harness import generator as gen
from harness.drivers.virtual import all_ok, simulate
import hashlib, msgspec

def drawn(context):
    draw = context.draw
    return {"f": draw.choose(["w", "r"], "f"), "key": str(draw.below(9, "key")), "value": context.step}

faults = gen.cycle([gen.sleep(700), gen.mix({"f": "cut"}, {"f": "kill"}), gen.sleep(300), {"f": "heal"}])
load = gen.mix(drawn, gen.each_process(gen.limit(30, gen.stagger(90, drawn))), weights=[3, 1])
history = simulate(
    gen.phases(
        gen.time_limit(20_000, gen.any(gen.clients(gen.stagger(11, load)), gen.nemesis(faults))),
        gen.clients(gen.each_thread(gen.until_ok(gen.repeat({"f": "final"})))),
    ),
    threads=7, seed=5, perform=all_ok(40),
)
assert len(history) > 2000
print(hashlib.sha256(b"".join(map(msgspec.json.encode, history))).hexdigest())
"""


def test_a_seed_makes_one_history_whatever_the_hash_seed_and_the_process() -> None:
    digests = [
        subprocess.run(
            [sys.executable, "-c", BUSY],
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "4242")
    ]
    assert digests[0]
    assert digests.count(digests[0]) == 3


def test_another_seed_makes_another_history() -> None:
    mixed = gen.limit(50, gen.mix(gen.repeat({"f": "a"}), gen.repeat({"f": "b"})))
    assert names(simulate(mixed, seed=1)) != names(simulate(mixed, seed=2))
