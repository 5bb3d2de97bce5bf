from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from node_impl.core.events import Status
from node_impl.core.requests import Beat, InstanceKey, ListInstances
from node_impl.io.http.metrics import BUCKETS_S, RequestMetrics, kind_of

STATUS = Status(
    "n1", "leader", 3, "n1", "n1", 7, 6, 8, ("n1",), services=1, instances=2, configs=3, watches=4
)
LINE = re.compile(r'[a-z_]+(\{[a-z]+="[^"]*"(,[a-z]+="[^"]*")*\})? [0-9.e+-]+')


def samples(metrics: RequestMetrics) -> dict[str, float]:
    reply = metrics.render(STATUS, {"fsyncs_total": 12}, 1_795_645_267.123456)
    assert reply.content_type.startswith("text/plain; version=0.0.4")
    lines = reply.body.decode().splitlines()
    found = {}
    for line in lines:
        if not line.startswith("#"):
            assert LINE.fullmatch(line), line
            name, _, value = line.rpartition(" ")
            assert name not in found
            found[name] = float(value)
    names = {name.partition("{")[0].removesuffix("_bucket") for name in found}
    typed = {line.split()[2] for line in lines if line.startswith("# TYPE")}
    assert {name.removesuffix("_sum").removesuffix("_count") for name in names} <= typed
    return found


def test_metrics_show_the_nodes_state() -> None:
    found = samples(RequestMetrics())
    assert found["ackproof_term"] == 3
    assert found["ackproof_applied"] == 6
    assert found["ackproof_instances"] == 2
    assert [found[f'ackproof_role{{role="{role}"}}'] for role in ("follower", "candidate", "leader")] == [
        0,
        0,
        1,
    ]
    assert found["ackproof_fsyncs_total"] == 12
    assert found["ackproof_monotonic_seconds"] == 1_795_645_267.123456, "to the microsecond"


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["register", "lookup"]), st.sampled_from(["ok", "timeout"]), st.floats(0, 9)
        )
    )
)
def test_the_histogram_counts_every_request_once(requests: list[tuple[str, str, float]]) -> None:
    metrics = RequestMetrics()
    for kind, outcome, seconds in requests:
        metrics.count(kind, outcome, seconds)
    found = samples(metrics)
    for kind, outcome in {(kind, outcome) for kind, outcome, _ in requests}:
        total = found[f'ackproof_requests_total{{kind="{kind}",outcome="{outcome}"}}']
        assert total == sum((kind, outcome) == request[:2] for request in requests)
    for kind in {kind for kind, _, _ in requests}:
        taken = [seconds for one, _, seconds in requests if one == kind]
        for bound in BUCKETS_S:
            bucket = found[f'ackproof_request_seconds_bucket{{kind="{kind}",le="{bound:g}"}}']
            assert bucket == sum(seconds <= bound for seconds in taken)
        assert found[f'ackproof_request_seconds_bucket{{kind="{kind}",le="+Inf"}}'] == len(taken)
        assert found[f'ackproof_request_seconds_count{{kind="{kind}"}}'] == len(taken)
        assert abs(found[f'ackproof_request_seconds_sum{{kind="{kind}"}}'] - sum(taken)) < 1e-5


def test_kinds_are_named_as_people_read_them() -> None:
    assert kind_of(ListInstances("web")) == "list-instances"
    assert kind_of(Beat(InstanceKey("web", "10.0.0.1", 80))) == "beat"
