"""The content of `/metrics`, in Prometheus's text format (version 0.0.4): the node's state, its HTTP
requests."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping

import msgspec

from node_impl.core.api.replies import NodeReply
from node_impl.core.events import Status
from node_impl.core.requests import Body

METRICS = "/metrics"
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
"""Upper bounds of the latency histogram; Prometheus's usual ones, and finer at the lower end."""

_STATE = {
    "term": "gauge currentTerm",
    "commit": "gauge commitIndex",
    "applied": "gauge lastApplied",
    "last": "gauge index of the last log entry",
    "services": "gauge services that exist",
    "instances": "gauge instances that are registered",
    "configs": "gauge configurations that are published",
    "watches": "gauge long polls that wait at this node",
}
_ROLES = ("follower", "candidate", "leader")


class _Latency:
    """One histogram: how many requests took at most each bound; the last place is for the rest."""

    def __init__(self) -> None:
        self.counts = [0] * (len(BUCKETS_S) + 1)
        self.sum_s = 0.0

    def add(self, seconds: float) -> None:
        self.counts[bisect_left(BUCKETS_S, seconds)] += 1
        self.sum_s += seconds


class RequestMetrics:
    """What the HTTP edge counts: requests by kind and outcome, and how long each kind takes."""

    def __init__(self) -> None:
        self._outcomes: dict[tuple[str, str], int] = {}
        self._latencies: dict[str, _Latency] = {}

    def count(self, kind: str, outcome: str, seconds: float) -> None:
        """A request was answered. Both names come from small fixed sets, never from a client."""
        self._outcomes[kind, outcome] = self._outcomes.get((kind, outcome), 0) + 1
        self._latencies.setdefault(kind, _Latency()).add(seconds)

    def render(self, status: Status, more: Mapping[str, float], now_s: float) -> NodeReply:
        """Write the whole page.

        Args:
            more: further counters by name, as the driver has them.
            now_s: what the node's monotonic clock shows, by which its time-outs and leases run.
        """
        lines: list[str] = []
        fields = msgspec.structs.asdict(status)
        for name, description in _STATE.items():
            kind, _, text = description.partition(" ")
            lines += _family(f"ackproof_{name}", kind, text)
            lines.append(f"ackproof_{name} {fields[name]}")
        lines += _family("ackproof_monotonic_seconds", "gauge", "what the node's monotonic clock shows")
        lines.append(f"ackproof_monotonic_seconds {now_s:.6f}")
        lines += _family("ackproof_role", "gauge", "1 for the role that the node has")
        lines += [f'ackproof_role{{role="{role}"}} {int(status.role == role)}' for role in _ROLES]
        for name, value in more.items():
            lines += _family(f"ackproof_{name}", "counter", "see docs/node.md")
            lines.append(f"ackproof_{name} {value:g}")
        lines += _family("ackproof_requests_total", "counter", "HTTP requests by kind and outcome")
        lines += [
            f'ackproof_requests_total{{kind="{kind}",outcome="{outcome}"}} {count}'
            for (kind, outcome), count in sorted(self._outcomes.items())
        ]
        lines += _family("ackproof_request_seconds", "histogram", "from a request's last byte to its reply")
        for kind, latency in sorted(self._latencies.items()):
            lines += _histogram(kind, latency)
        return NodeReply(200, CONTENT_TYPE, ("\n".join(lines) + "\n").encode())


def kind_of(body: Body) -> str:
    """The name of a request's kind in metrics: `ListInstances` is `list-instances`."""
    name = type(body).__name__
    return "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in name)[1:]


def _family(name: str, kind: str, text: str) -> list[str]:
    return [f"# HELP {name} {text}", f"# TYPE {name} {kind}"]


def _histogram(kind: str, latency: _Latency) -> list[str]:
    lines, total = [], 0
    for bound, count in zip((*(f"{bound:g}" for bound in BUCKETS_S), "+Inf"), latency.counts, strict=True):
        total += count
        lines.append(f'ackproof_request_seconds_bucket{{kind="{kind}",le="{bound}"}} {total}')
    lines.append(f'ackproof_request_seconds_sum{{kind="{kind}"}} {latency.sum_s:.6f}')
    lines.append(f'ackproof_request_seconds_count{{kind="{kind}"}} {total}')
    return lines
