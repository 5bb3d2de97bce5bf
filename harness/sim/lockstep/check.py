"""The kit for those who write a core: does it keep to the protocol, and does it answer the same again?

It greets the core, and watches it in a run: what of the real machine does it touch? Then it runs one node
alone, then three without faults, then some seeds with the faults of a campaign; each run twice. A broken rule
is an error with the event at which. What is no error but shows that the core does nothing, such as no
operation that was ever answered `ok`, is said as well.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import msgspec

from harness.sim.lockstep.encodings import ENCODINGS
from harness.sim.lockstep.exchanges import Exchanges
from harness.sim.lockstep.protocol import ForeignCore, LockstepError
from harness.sim.lockstep.runs import touched_in_words, twice
from harness.sim.lockstep.watching.watch import Touch, Watch
from harness.sim.plan.plan import SeedOptions
from harness.sim.plan.swarm import plan_of
from harness.sim.run import run

ALONE_S, TOGETHER_S = 2, 4


class CoreStep(msgspec.Struct, frozen=True):
    """One run of the kit, done twice with the same answers."""

    what: str
    events: int
    """How many events the core was given in one of the two runs."""
    effects: dict[str, int]
    """By name of an effect, how often the core gave it."""
    operations_ok: int
    lacks: str | None
    """What this run did not show, and should; None if nothing."""


class CheckedCore(msgspec.Struct, frozen=True):
    """What the kit found out about a core that broke no rule."""

    core: ForeignCore
    steps: tuple[CoreStep, ...]
    touched: tuple[Touch, ...] = ()
    """What of the real machine it touched in the watched run: nothing, if it keeps to the protocol."""
    seen_from_inside: bool = False
    """Whether it was seen from inside, where reading a clock shows: programs in Python alone."""

    @property
    def is_exercised(self) -> bool:
        """Whether every step showed what it should."""
        return all(step.lacks is None for step in self.steps)


def watched(core: ForeignCore, workload: str) -> Watch:
    """Watch a core in a run of three nodes without faults.

    Raises:
        LockstepError: the core broke the protocol; the message also says what it touched until then.
    """
    watch = Watch()
    plan = plan_of(0, msgspec.structs.replace(_quiet(core, workload), nodes=3, time_limit_s=ALONE_S))
    try:
        run(msgspec.structs.replace(plan, scheduled_faults=()), exchanges=Exchanges(watch))
    except LockstepError as error:
        touched = touched_in_words(watch.touched)
        raise LockstepError(f"{error}{touched and f'; it touched {touched}'}") from error
    return watch


def _quiet(core: ForeignCore, workload: str) -> SeedOptions:
    return SeedOptions(nemesis=(), workload=workload, core=core, rate=50, concurrency=4, right_clocks=True)


def checked(
    core: ForeignCore,
    workload: str,
    seeds: int,
    show: Callable[[CoreStep, float], None],
    watch: Watch | None = None,
) -> CheckedCore:
    """Run the kit; `show` is given each step as it is done, and which share of all steps that makes.

    Args:
        watch: what a watched run of the core showed.

    Raises:
        LockstepError: the core broke the protocol.
    """
    steps = []
    quiet = _quiet(core, workload)
    plans = [
        ("one node alone", msgspec.structs.replace(quiet, nodes=1, time_limit_s=ALONE_S), 0),
        ("three nodes without faults", msgspec.structs.replace(quiet, nodes=3, time_limit_s=TOGETHER_S), 0),
        *(
            (f"seed {seed}, with its faults", SeedOptions(workload=workload, core=core), seed)
            for seed in range(seeds)
        ),
    ]
    for what, options, seed in plans:
        step = _step(what, options, seed, core, must_answer=options.nemesis == ())
        steps.append(step)
        show(step, len(steps) / len(plans))
    seen = Watch() if watch is None else watch
    return CheckedCore(core, tuple(steps), tuple(seen.touched), seen.is_inside)


def _step(what: str, options: SeedOptions, seed: int, core: ForeignCore, *, must_answer: bool) -> CoreStep:
    plan = plan_of(seed, options)
    if must_answer:
        plan = msgspec.structs.replace(plan, scheduled_faults=())
    noted = Exchanges()

    def play(taken: Exchanges | None) -> int:
        nonlocal noted
        ran = run(plan, exchanges=taken)
        if type(taken) is Exchanges:
            noted = taken
        return sum(one.is_client and one.type == "ok" for one in ran.operations)

    operations = twice(play, core)
    effects = _effects(noted, core)
    lacks = None
    if must_answer and not operations:
        lacks = "no operation of a client was ok"
    elif must_answer and "persist" not in effects:
        lacks = "no `persist` came, so no acknowledged write can survive a crash"
    return CoreStep(what, len(noted.lines), effects, operations, lacks)


def _effects(noted: Exchanges, core: ForeignCore) -> dict[str, int]:
    """Count the effects of a run by name."""
    found: Counter[str] = Counter()
    read = ENCODINGS[core.encoding].read_answer
    for _, answer in noted.lines:
        found.update(str(type(one).__struct_config__.tag) for one in read(answer).effects)
    return dict(sorted(found.items()))
