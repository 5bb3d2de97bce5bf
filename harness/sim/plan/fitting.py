"""What a cluster needs so that anything at all is committed in it: time-outs and load that fit its links.

With a time-out that is shorter than a round trip, or a load that the messages cannot carry, hardly a write is
acknowledged, and faults meet no leader. So what a seed draws is raised to what the links and disks that it
drew need on average. Single links may still be far slower than that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil

from harness.sim.plan.fault_rates import DELAYS_US, WRITES_US, FaultRates

ROUND_TRIPS_AN_ELECTION = 3
"""One to ask whether an election could be won, one for the votes, and one for messages that are slower."""
ROUND_TRIPS_A_REQUEST = 3
"""To the leader and back, from the leader to a majority and back, and as much again where one is lost."""
SPARE_CAPACITY = 2
"""By how much more than the drawn load the messages to one follower can carry."""
LEAST_OPERATIONS = 200
"""Some fail under faults, and many are reads."""
MOST_SECONDS = 10
MOST_OVERTIME_S = 20
"""A run may go on for so long after its time while it proves little. What hinders writes in one moment, a
leader that was cut off or a slow election, has mostly passed by then."""
WRITES_PERCENT = 45
"""The share of the registry's operations that are writes: half of the clients only read."""


def election_ms(drawn_ms: int, rates: FaultRates) -> int:
    """The least election time-out: as drawn, unless no election could be won in it on average links."""
    delays, writes = _means_ms(rates.delays, DELAYS_US), _means_ms(rates.writes, WRITES_US)
    round_trip = 2 * sum(delays) / len(delays) + sum(writes) / len(writes)
    return max(drawn_ms, round(ROUND_TRIPS_AN_ELECTION * round_trip))


def request_timeout_ms(usual_ms: int, rates: FaultRates) -> int:
    """How long a node tries to answer: the usual time, unless no write could be committed in it."""
    return max(usual_ms, round(ROUND_TRIPS_A_REQUEST * _slowest_round_trip_ms(rates)))


def max_batch_entries(drawn: int, in_flight: int, rate: float, rates: FaultRates) -> int:
    """The entries in one message: as drawn, unless the messages to a follower could not carry the load.

    Args:
        drawn: as it was drawn.
        in_flight: how many messages are on their way to a follower at a time; it writes one at a time.
        rate: client operations a second.
    """
    needed_a_second = SPARE_CAPACITY * rate * WRITES_PERCENT / 100
    message_ms = max(_slowest_round_trip_ms(rates) / in_flight, *_means_ms(rates.writes, WRITES_US), 0)
    return max(drawn, ceil(needed_a_second * message_ms / 1000))


def seconds_for_operations(rate: float) -> int:
    """How long it takes until there were enough operations for a run to prove something, within a bound."""
    return min(MOST_SECONDS, ceil(LEAST_OPERATIONS / rate))


def _slowest_round_trip_ms(rates: FaultRates) -> float:
    """How long a message and its reply take on the slowest links, with a write on the slowest disk."""
    return 2 * max(_means_ms(rates.delays, DELAYS_US)) + max(_means_ms(rates.writes, WRITES_US))


def _means_ms(names: Sequence[str], tables: Mapping[str, tuple[int, ...]]) -> list[float]:
    return [sum(tables[name]) / len(tables[name]) / 1000 for name in names]
