"""How fast the simulated world is, on one core: five nodes, the whole stack, every invariant checked.

`python -m benchmarks.simulator` prints its figures and exits 1 if events a second miss their bound. Seconds
are the processor's, so that other work of the machine changes them little.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from harness.run.test import Test
from harness.sim.judging import results_of
from harness.sim.plan.plan import Plan, SeedOptions
from harness.sim.plan.swarm import plan_of
from harness.sim.run import SimulatedRun, run
from history.units import SECOND_NS

BOUND_EVENTS_A_SECOND = 5_000
"""Well under what an idle core shows, so that only a real loss of speed fails."""
SIMULATED_S = 30
REPEATS = 3


def calm(rate: int) -> Plan:
    """A plan of five nodes without faults, with `rate` client operations a simulated second."""
    nodes = tuple(f"n{number}" for number in range(1, 6))
    limit = float(SIMULATED_S)
    test = Test(nodes=nodes, nemesis=(), concurrency=10, rate=max(rate, 0.01), time_limit_s=limit, seed=1)
    return Plan(test=test)


def timed(plan: Plan) -> tuple[SimulatedRun, float, float]:
    """The run, and the seconds of running and of judging, at best."""
    best: tuple[SimulatedRun, float, float] | None = None
    for _ in range(REPEATS):
        begin = time.process_time()
        ran = run(plan)
        between = time.process_time()
        with tempfile.TemporaryDirectory() as logs:
            results_of(ran, Path(logs))
        end = time.process_time()
        found = (ran, between - begin, end - between)
        if best is None or found[1] + found[2] < best[1] + best[2]:
            best = found
    assert best is not None
    return best


def main() -> int:
    """Print the figures, and return 1 if they miss the bound."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=30, help="of the swarm, for the second table")
    options = parser.parse_args()

    print(f"five nodes, no faults, {SIMULATED_S} simulated seconds of work, then reading back")
    print(f"{'operations/s':>12} {'events':>8} {'run':>8} {'judge':>8} {'events/s':>9} {'times real':>11}")
    worst = 0.0
    for rate in (0, 10, 100):
        ran, running, judging = timed(calm(rate))
        spent = running + judging
        speed = ran.happened / spent
        worst = speed if not worst else min(worst, speed)
        print(
            f"{rate:12} {ran.happened:8} {running:6.2f} s {judging:6.2f} s {speed:9.0f} "
            f"{ran.ended_at / SECOND_NS / spent:11.0f}"
        )

    print(f"\nthe swarm's first {options.seeds} seeds, with five nodes")
    events = simulated = 0
    begin = time.process_time()
    for seed in range(options.seeds):
        plan = plan_of(seed, SeedOptions(nodes=5))
        ran = run(plan)
        with tempfile.TemporaryDirectory() as logs:
            results_of(ran, Path(logs))
        events += ran.happened
        simulated += ran.ended_at
    spent = time.process_time() - begin
    print(
        f"{events} events in {spent:.1f} s: {events / spent:.0f} a second; "
        f"{options.seeds / spent:.1f} seeds a second; "
        f"{simulated / SECOND_NS / spent:.0f} times as fast as real"
    )
    return int(worst < BOUND_EVENTS_A_SECOND)


if __name__ == "__main__":
    sys.exit(main())
