from harness import generator as gen
from harness.drivers.virtual import simulate
from history import Operation
from tests.harness.generator.moves import begun, moves, names


def slow_first_thread(op: Operation, now: int) -> tuple[Operation, int]:
    done = Operation(-1, now, op.process, "info" if op.process < 0 else "ok", op.f, op.key)
    return done, 100 if op.process == 0 else 10


def test_phases_never_overlap() -> None:
    history = simulate(
        gen.phases(gen.limit(3, gen.repeat({"f": "a"})), gen.limit(3, gen.repeat({"f": "b"}))),
        threads=3,
        perform=slow_first_thread,
    )
    assert begun(history) == [(0, "a")] * 3 + [(100, "b")] * 3


def test_then_begins_its_second_when_all_of_the_first_has_ended() -> None:
    history = simulate(
        gen.then(gen.each_thread({"f": "a"}), {"f": "b"}), threads=2, perform=slow_first_thread
    )
    assert begun(history)[-1][1] == "b"
    assert begun(history)[-1][0] == 100


def test_phases_within_clients_wait_for_clients_alone() -> None:
    def perform(op: Operation, now: int) -> tuple[Operation, int]:
        kind, latency = ("info", 1000) if op.process < 0 else ("ok", 10)
        return Operation(-1, now, op.process, kind, op.f, op.key), latency  # type: ignore[arg-type]

    history = simulate(
        gen.any(gen.nemesis({"f": "kill"}), gen.clients(gen.phases({"f": "a"}, {"f": "b"}))), perform=perform
    )
    assert sorted(begun(history)) == [(0, "a"), (0, "kill"), (10, "b")]


def test_phases_on_everyone_wait_for_the_nemesis_too() -> None:
    def perform(op: Operation, now: int) -> tuple[Operation, int]:
        kind, latency = ("info", 1000) if op.process < 0 else ("ok", 10)
        return Operation(-1, now, op.process, kind, op.f, op.key), latency  # type: ignore[arg-type]

    history = simulate(gen.phases(gen.nemesis({"f": "kill"}), gen.clients({"f": "a"})), perform=perform)
    assert begun(history) == [(0, "kill"), (1000, "a")]


def test_repeat_makes_the_first_operation_again_and_again() -> None:
    assert names(simulate(gen.repeat([{"f": "a"}, {"f": "b"}], times=3))) == ["a"] * 3
    assert names(simulate(gen.repeat({"f": "a"}, times=0))) == []


def test_repeat_sleeps_again_before_each_operation() -> None:
    history = simulate(gen.repeat([gen.sleep(100), {"f": "a"}], times=3), threads=3)
    assert begun(history) == [(100, "a"), (200, "a"), (300, "a")]


def test_cycle_begins_again_when_exhausted() -> None:
    assert names(simulate(gen.cycle([{"f": "a"}, {"f": "b"}], times=2))) == ["a", "b", "a", "b"]
    assert names(simulate(gen.limit(5, gen.cycle([{"f": "a"}, {"f": "b"}])))) == ["a", "b", "a", "b", "a"]
    assert names(simulate(gen.cycle({"f": "a"}, times=0))) == []


def test_a_cycle_of_nothing_ends() -> None:
    assert names(simulate(gen.cycle([]))) == []
    assert names(simulate(gen.cycle(gen.limit(0, {"f": "a"})))) == []


def test_a_cycle_counts_rounds_of_log_lines_too() -> None:
    lines: list[str] = []
    simulate(gen.cycle(gen.log("round"), times=3), log=lines.append)
    assert lines == ["round"] * 3


def test_a_fault_schedule_cycles_with_its_pauses() -> None:
    schedule = gen.cycle([gen.sleep(100), {"f": "cut"}, gen.sleep(50), {"f": "heal"}], times=2)
    assert moves(simulate(gen.nemesis(schedule))) == [
        (100, -1, "cut"),
        (150, -1, "heal"),
        (250, -1, "cut"),
        (300, -1, "heal"),
    ]


def test_flip_flop_takes_turns_and_ends_with_whoever_has_ended() -> None:
    pair = gen.flip_flop(gen.repeat({"f": "cut"}), gen.limit(2, gen.repeat({"f": "heal"})))
    assert names(simulate(pair)) == ["cut", "heal", "cut", "heal", "cut"]
    assert names(simulate(gen.flip_flop())) == []


def test_synchronize_waits_for_what_came_before() -> None:
    history = simulate(
        [gen.each_thread({"f": "a"}), gen.synchronize({"f": "b"})], threads=2, perform=slow_first_thread
    )
    assert begun(history)[-1] == (100, "b")
