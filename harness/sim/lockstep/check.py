"""The kit for those who write a core: does it keep to the protocol, and does it answer the same again?

It greets the core, runs one node alone, then three without faults, then some seeds with the faults of a
campaign; each run twice. A broken rule is an error with the event at which. What is no error but shows that
the core does nothing, such as no operation that was ever answered `ok`, is said as well.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import msgspec

from harness.sim.lockstep.encodings import ENCODINGS
from harness.sim.lockstep.exchanges import Exchanges
from harness.sim.lockstep.protocol import ForeignCore
from harness.sim.lockstep.runs import twice
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

    @property
    def is_exercised(self) -> bool:
        """Whether every step showed what it should."""
        return all(step.lacks is None for step in self.steps)


def checked(
    core: ForeignCore, workload: str, seeds: int, show: Callable[[CoreStep, float], None]
) -> CheckedCore:
    """Run the kit; `show` is given each step as it is done, and which share of all steps that makes.

    Raises:
        LockstepError: the core broke the protocol.
    """
    steps = []
    quiet = SeedOptions(nemesis=(), workload=workload, core=core, rate=50, concurrency=4, right_clocks=True)
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
    return CheckedCore(core, tuple(steps))


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
