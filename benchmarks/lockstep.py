"""How many events a second go to a core of others and back, on one processor core for both processes.

    python -m benchmarks.lockstep './core' [--seed 1000] [--repeats 5]

The events are those of a simulated run of that seed, with its faults. They are given again to a new process
of the core, as a run does it: each is encoded, written to the pipe, and its answer is read, decoded, and
compared with that of the run. Seconds are those of the processor, of both processes together, since other
work on the machine does not count then; the clock on the wall is shown, too.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import time

import msgspec

from harness.sim.lockstep.encodings import ENCODINGS
from harness.sim.lockstep.exchanges import Exchanges
from harness.sim.lockstep.node import Line
from harness.sim.lockstep.protocol import ForeignCore
from harness.sim.lockstep.runs import core_of
from harness.sim.plan.plan import SeedOptions
from harness.sim.plan.swarm import plan_of
from harness.sim.run import run

BOUND_EVENTS_A_SECOND = 20_000


def processor_s() -> float:
    """Seconds of this process, and of its children that have ended."""
    own, ended = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return own.ru_utime + own.ru_stime + ended.ru_utime + ended.ru_stime


class Rate(msgspec.Struct, frozen=True):
    """Events a second."""

    of_processor: float
    on_the_wall: float


def given_again(core: ForeignCore, noted: Exchanges) -> Rate:
    """Give all events of a run to one new process of the core."""
    read = msgspec.json.decode if core.encoding == "json" else msgspec.msgpack.decode
    events = [read(event) for event, _ in noted.lines]
    for event in events:
        del event["n"]
    decode = ENCODINGS[core.encoding].read_answer
    answers = [decode(answer) for _, answer in noted.lines]
    processor, wall = processor_s(), time.monotonic()
    line = Line(core, None)
    for event, answer in zip(events, answers, strict=True):
        assert line.ask(event) == answer
    line.close()
    return Rate(len(events) / (processor_s() - processor), len(events) / (time.monotonic() - wall))


def main() -> int:
    """Measure, print what was found, and return 1 if it misses the bound."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("core", help="the command of a core that holds a whole cluster")
    parser.add_argument("--seed", type=int, default=1000)
    parser.add_argument("--repeats", type=int, default=5)
    given = parser.parse_args()
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    core = core_of(given.core)
    if core.holds != "cluster":
        parser.error("the core holds one node a process; this measures one process")
    noted = Exchanges()
    options = SeedOptions(workload="register", core=core)
    begin = processor_s()
    run(plan_of(given.seed, options), exchanges=noted)
    whole = len(noted.lines) / (processor_s() - begin)
    rates = [given_again(core, noted) for _ in range(given.repeats)]
    print(f"{core.encoding}: {len(noted.lines):,} events of seed {given.seed}; events a second:")
    print(f"  there and back, of processor time  {', '.join(f'{rate.of_processor:,.0f}' for rate in rates)}")
    print(f"  there and back, on the wall        {', '.join(f'{rate.on_the_wall:,.0f}' for rate in rates)}")
    print(f"  in the simulated run, of processor time {whole:,.0f}")
    return int(max(rate.of_processor for rate in rates) < BOUND_EVENTS_A_SECOND)


if __name__ == "__main__":
    sys.exit(main())
