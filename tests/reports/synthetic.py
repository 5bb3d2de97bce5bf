"""A made-up but lifelike recording: five nodes, ten clients, kills, pauses and partitions, all from a seed.

The cluster is not simulated; operations get plausible latencies, and those that overlap the loss of a
leader end in `info` or `fail`. It serves the reports' tests, which judge nothing.
"""

from __future__ import annotations

import random
from typing import Any

import msgspec

from checkers.verdict import EventRef, Evidence, Validity, Verdict
from harness.nemesis.catalogue import kinds_of
from history import (
    History,
    NodeLife,
    NodeTrace,
    Operation,
    Recording,
    ResourceSample,
    TraceEntry,
    TraceEvent,
)
from history.units import MILLISECOND_NS as MS
from history.units import SECOND_NS as S
from reports.about import ReportAbout, StoredFile

NODES = ("n1", "n2", "n3", "n4", "n5")
CLOCK = 7_000_000 * S
"""The machine's monotonic clock at run time 0."""

Struck = tuple[float, float, str, str, str, int]
"""A fault: begin, end, kind, what heals it, the leader it strikes, the term that this one leads."""
FAULTS: tuple[Struck, ...] = (
    (3.0, 6.2, "kill", "start", "n1", 1),
    (8.4, 12.1, "partition", "heal", "n3", 2),
    (14.0, 16.8, "pause", "resume", "n5", 3),
    (18.6, 21.9, "kill", "start", "n2", 4),
    (20.4, 24.0, "partition", "heal", "n4", 5),
)
LEADERS = (("n1", 1, 0.3), ("n3", 2, 3.4), ("n5", 3, 8.9), ("n2", 4, 14.4), ("n4", 5, 19.1), ("n1", 6, 20.9))


def recording(
    seed: int = 1, *, faults: bool = True, lag_ms: float = 12.0, duration_s: float = 30.0
) -> Recording:
    """A run of thirty seconds, some twenty thousand operations."""
    history = history_of(seed, faults=faults, duration_s=duration_s)
    rng = random.Random(seed + 1)
    lag = tuple(
        (i * 20 * MS, int(min(rng.lognormvariate(0, 0.9) * 0.4 * MS, 9 * MS)))
        for i in range(int(duration_s * 50))
    )
    lag = tuple((at, int(lag_ms * MS)) if 700 < i < 704 else (at, late) for i, (at, late) in enumerate(lag))
    return Recording(
        fault_kinds=kinds_of(("kill", "pause", "partition")),
        nodes=NODES,
        history=history,
        traces=traces(duration_s),
        lives=lives() if faults else tuple(NodeLife(n, 1, 100 + i, 0) for i, n in enumerate(NODES)),
        options={
            "nodes": 5,
            "concurrency": 10,
            "rate": 700,
            "time_limit": duration_s,
            "nemesis": ["kill", "pause", "partition"],
            "workload": "registry",
            "lag_bound_ms": 100,
            "monotonic_start_ns": CLOCK,
            "raft": {"election_timeout_ms": [150, 300], "heartbeat_ms": 50},
        },
        resources=resources(lives() if faults else ()),
        harness_lag=lag,
    )


def resources(lives: tuple[NodeLife, ...]) -> dict[str, tuple[ResourceSample, ...]]:
    """A sample a second of each life that is known to have ended."""
    found: dict[str, tuple[ResourceSample, ...]] = {}
    for life in lives:
        end = life.ended_at or 30 * S
        found[life.node] = found.get(life.node, ()) + tuple(
            ResourceSample(
                node=life.node,
                life=life.life,
                time=at,
                cpu_ns=(at - life.started_at) // 4,
                memory_bytes=40_000_000 + at // 5_000,
                files=20 + at // (9 * S),
                read_bytes=0,
                written_bytes=(at - life.started_at) // 2_000,
            )
            for at in range(life.started_at, end, S)
        )
    return found


def history_of(seed: int, *, faults: bool, duration_s: float) -> History:
    """Ten clients, one operation at a time each, and the nemesis."""
    rng = random.Random(seed)
    made: list[tuple[float, Operation]] = []
    next_process = 10
    value = 0
    for client in range(10):
        process, now = client, rng.random() * 0.02 + 0.4
        while now < duration_s - 1.5:
            value += 1
            begun, ended, took = _operation(rng, process, now, value, FAULTS if faults else ())
            made += [(now, begun), (now + took, ended)]
            now += took + rng.expovariate(1 / 0.011)
            if ended.type == "info":
                process, next_process = next_process, next_process + 1
    if faults:
        made += [(at, operation) for operation, at in nemesis(duration_s)]
    for i, node in enumerate(NODES):
        read = Operation(-1, 0, 900 + i, "invoke", "final-list", "svc-1", node=node)
        shown = msgspec.structs.replace(read, type="ok", value=["r1", "r2"])
        made += [(duration_s - 1.0 + i * 0.01, read), (duration_s - 0.98 + i * 0.01, shown)]
    in_order = sorted(made, key=lambda one: int(one[0] * S))
    return History(
        [
            msgspec.structs.replace(operation, index=index, time=int(at * S))
            for index, (at, operation) in enumerate(in_order)
        ]
    )


def _operation(
    rng: random.Random, process: int, now: float, value: int, faults: tuple[Struck, ...]
) -> tuple[Operation, Operation, float]:
    """An invocation, its completion, and the seconds between them."""
    f = rng.choices(("register", "lookup", "deregister", "list"), (40, 42, 12, 6))[0]
    service = rng.randrange(40)
    key = f"svc-{service}/10.0.0.{rng.randrange(1, 9)}:8080" if f != "list" else f"svc-{service}"
    node = NODES[rng.randrange(5)]
    is_read = f in ("lookup", "list")
    argument = f"r{value}" if f == "register" else None
    took = rng.lognormvariate(0, 0.5) * (0.0021 if is_read else 0.0046)
    kind, error = "ok", None
    result: Any = argument
    if is_read:
        result = f"r{rng.randrange(1, value + 1)}" if f == "lookup" else [f"r{value}", f"r{value // 2}"]
    struck = any(fault[0] <= now <= fault[0] + 0.45 for fault in faults)
    hurt = next((fault for fault in faults if fault[0] <= now <= fault[1] and fault[4] == node), None)
    if hurt is not None and rng.random() < 0.9:
        refused = hurt[2] == "kill"
        took = 0.0006 if refused else 1.0 + rng.random() * 0.01
        kind = "fail" if refused or is_read else "info"
        error, result = ("connection refused" if refused else "timed out after 1 s"), None
    elif struck:
        took += rng.random() * 0.4
        if rng.random() < 0.25:
            kind = "fail" if is_read else rng.choice(("info", "fail"))
            error, result = "503 no leader", None
    begun = Operation(-1, 0, process, "invoke", f, key, argument, node=node)
    index = value if kind == "ok" else None
    return begun, Operation(-1, 0, process, kind, f, key, result, error, node, index), took  # type: ignore[arg-type]


def nemesis(duration_s: float) -> list[tuple[Operation, float]]:
    """Every fault and its healing, one after the other, then the final heal."""
    found: list[tuple[float, Operation, Operation]] = []
    for begin, end, f, healed_by, node, term in FAULTS:
        others = [n for n in NODES if n != node]
        links = [[node, other] for other in others] + [[other, node] for other in others]
        kind = {"kill": "Kill", "pause": "Pause", "partition": "Cut"}[f]
        mend = {"start": "Start", "resume": "Resume", "heal": "Heal"}[healed_by]
        broken: dict[str, Any] = {
            "kind": kind,
            "nodes": [] if f == "partition" else [node],
            "took_effect": True,
            "error": None,
        }
        broken["links"] = links if f == "partition" else []
        broken["details"] = {"pid": 4321} if f == "kill" else {}
        mended = {"kind": mend, "nodes": broken["nodes"], "links": [], "took_effect": True, "error": None}
        mended["details"] = {"swallowed_messages": 212} if f == "partition" else {}
        target = {"target": "leader", "leader": node, "term": term}
        found.append(
            (begin, _nemesis(f, {"target": "leader"}), _nemesis(f, {**target, "actions": [broken]}, "info"))
        )
        found.append((end, _nemesis(healed_by), _nemesis(healed_by, {"actions": [mended]}, "info")))
    none: dict[str, Any] = {
        "kind": "Kill",
        "nodes": ["n9"],
        "links": [],
        "took_effect": False,
        "details": {},
        "error": None,
    }
    found.append(
        (
            25.0,
            _nemesis("kill", {"target": "n9"}),
            _nemesis("kill", {"target": "n9", "actions": [none]}, "info"),
        )
    )
    heal = {
        "actions": [
            {"kind": "Heal", "nodes": [], "links": [], "took_effect": True, "details": {}, "error": None}
        ]
    }
    found.append((duration_s - 2.5, _nemesis("final-heal"), _nemesis("final-heal", heal, "info")))
    result = []
    for at, begun, ended in sorted(found, key=lambda one: one[0]):
        result += [(begun, at), (ended, at + 0.02)]
    return result


def _nemesis(f: str, value: Any = None, type_: Any = "invoke") -> Operation:
    return Operation(-1, 0, -1, type_, f, value=value)


def lives() -> tuple[NodeLife, ...]:
    """Kills end a life, starts begin the next."""
    found = []
    for number, node in enumerate(NODES):
        life, begun = 1, 0.0
        for begin, end, f, _, struck, _ in FAULTS:
            if f == "kill" and struck == node:
                found.append(
                    NodeLife(node, life, 100 + number, int(begun * S), int((begin + 0.01) * S), -9, "kill")
                )
                life, begun = life + 1, end + 0.01
        found.append(NodeLife(node, life, 100 + number, int(begun * S)))
    return tuple(found)


def traces(duration_s: float, filler: int = 200) -> dict[str, NodeTrace]:
    """Role and term events that fit `LEADERS` and `FAULTS`, between events that reports have no use for."""
    made = {}
    for node in NODES:
        steps: list[tuple[float, str, int, str]] = []
        for leader, term, at in LEADERS:
            if leader == node:
                steps += [(at - 0.15, "term", term, "candidate"), (at - 0.15, "role", term, "candidate")]
                steps.append((at, "role", term, "leader"))
            else:
                cut = next((w for w in FAULTS if w[4] == node and w[0] <= at <= w[1]), None)
                seen = at if cut is None else cut[1] + 0.1
                steps += [(seen, "term", term, "follower"), (seen, "role", term, "follower")]
        starts = {1: 0.0}
        for begin, end, f, _, struck, _ in FAULTS:
            if f == "kill" and struck == node:
                starts[len(starts) + 1] = end + 0.05
                steps = [step for step in steps if not begin <= step[0] <= end]
        events: list[TraceEvent] = []
        last = 0
        for life, start in starts.items():
            until = starts.get(life + 1, duration_s)
            term = max((t for at, _, t, _ in steps if at < start), default=0)
            events.append(_event(node, life, 1, start, "restart", term, "follower", last))
            role, seq = "follower", 1
            mine = [step for step in sorted(steps) if start < step[0] < until]
            spread = [(start + (until - start) * i / filler, "append", -1, "") for i in range(1, filler)]
            for at, name, step_term, step_role in sorted([*mine, *spread]):
                seq += 1
                if name == "append":
                    last += 1
                else:
                    if step_term < term:
                        seq -= 1
                        continue
                    term, role = step_term, step_role
                events.append(_event(node, life, seq, at, name, term, role, last))
        made[node] = NodeTrace(node, tuple(events))
    return made


def _event(
    node: str, life: int, seq: int, at: float, name: Any, term: int, role: str, last: int
) -> TraceEvent:
    entries = (TraceEntry(last, term, f"{last:016x}", None),) if name == "append" else ()
    return TraceEvent(
        seq, CLOCK + int(at * S), name, term, role, last, last, last, entries=entries, node=node, life=life
    )


def about(validity: Validity = Validity.VALID, **changes: Any) -> ReportAbout:
    """The facts that the harness would give about such a run."""
    facts: dict[str, Any] = {
        "title": "registry on 5 local nodes, kill + pause + partition",
        "started_at": "2026-03-14 09:26:53 UTC",
        "duration_s": 30.0,
        "command": "ackproof run --nodes 5 --concurrency 10 --rate 700 --time-limit 30 "
        "--nemesis kill,pause,partition --workload registry --seed 20260314",
        "seed": 20260314,
        "store": "store/registry/20260314T092653",
        "options": {
            "nodes": 5,
            "concurrency": 10,
            "rate": 700,
            "nemesis": ["kill", "pause", "partition"],
            "raft": {"election_timeout_ms": [150, 300], "heartbeat_ms": 50},
        },
        "versions": {"ackproof": "0.1.0", "Python": "3.11.9", "platform": "Linux 6.1 x86_64"},
        "validity": validity,
        "files": (
            StoredFile("history.parquet", 412_000),
            StoredFile("history.jsonl", 3_940_000),
            StoredFile("nodes/n1/log", 18_211),
        ),
    }
    return ReportAbout(**{**facts, **changes})


_FINE = (
    ("election-safety", "6 leaders in 6 terms, one a term."),
    ("log-matching", "48,211 entries compared on 5 nodes; equal wherever index and term are equal."),
    ("leader-completeness", "Every committed entry was in the log of each later leader."),
    ("state-machine-safety", "9,642 indices applied with equal results on every node."),
    ("vote-once", "No node voted twice in a term, also across 2 restarts."),
    ("recovery", "A leader 0.41 s and an acknowledged write 0.44 s after the final heal; the bound is 10 s."),
    ("node-health", "No exit that no fault caused, no traceback, no failed assertion."),
    ("stats", "20,116 operations: 19,020 ok, 741 fail, 355 info."),
)


def valid_verdicts() -> list[Verdict]:
    """The verdicts of a run in which every checker found nothing wrong."""
    durability = Verdict(
        "durability",
        Validity.VALID,
        "7,871 acknowledged registrations on 312 keys were all there at the end, on every node.",
        measures={"keys": 312, "lost": 0, "resurrected": 0, "reads": {"linearizable": 5, "local": 5}},
    )
    linear = Verdict(
        "linearizability",
        Validity.VALID,
        "312 keys, 18,903 operations: each key has a linearization.",
        measures={
            "keys": 312,
            "longest_key": "svc-3/10.0.0.7:8080",
            "seconds": 0.8123,
            "per_key": {"p50": 61, "max": 94},
        },
        caveats=(
            "Atomicity of lists across keys was not checked; each instance of a list was judged by itself.",
        ),
    )
    return [
        durability,
        linear,
        *(Verdict(name, Validity.VALID, summary, measures={"terms": 6}) for name, summary in _FINE),
    ]


def invalid_verdicts(history: History) -> list[Verdict]:
    """A registration was lost: evidence names it, the leader's kill, and a later read."""
    register = next(
        op
        for op in history
        if op.f == "register"
        and op.type == "invoke"
        and 2.98 * S <= op.time < 3.2 * S
        and history.completion(op).type == "ok"  # type: ignore[union-attr]
    )
    kill = next(op for op in history if op.f == "kill" and op.type == "invoke")
    reads = [
        op
        for op in history
        if op.key == register.key and op.f == "lookup" and op.type == "invoke" and op.time > register.time + S
    ][:2]
    named = (register.index, kill.index, *(op.index for op in reads))
    done = history.completion(register)
    assert done is not None
    lost = Evidence(
        f"registration {register.value} was lost",
        f"Operation {register.index} registered {register.value} under {register.key} and was acknowledged "
        f"as operation {done.index}, at Raft index {done.raft_index}. n1, leader of term 1, was killed by "
        f"operation {kill.index} before a majority had the entry. Operation {reads[0].index} and operation "
        f"{reads[1].index}, invoked later by other clients, no longer found it.",
        operations=named,
        nodes=("n1", "n3"),
    )
    rest = [verdict for verdict in valid_verdicts()[2:] if verdict.checker != "state-machine-safety"]
    return [*_verdicts_on(lost, register.key), *rest]


def _verdicts_on(lost: Evidence, key: str | None) -> list[Verdict]:
    """What three checkers find in a run that lost a registration."""
    second = Evidence(
        "index 1,204 holds different commands on n1 and n3",
        "n1 appended index 1204 in term 1 and acknowledged it; n3 holds another command there, of term 2.",
        events=(EventRef("n1", 1, 30), EventRef("n3", 1, 44), EventRef("n3", 1, 999_999)),
        nodes=("n1", "n3"),
    )
    return [
        Verdict(
            "durability",
            Validity.INVALID,
            "1 of 7,871 acknowledged registrations was lost.",
            evidence=(lost,),
            measures={"keys": 312, "lost": 1, "resurrected": 0},
        ),
        Verdict(
            "state-machine-safety",
            Validity.INVALID,
            "1 of 9,642 indices was applied with different commands.",
            evidence=(second,),
        ),
        Verdict(
            "linearizability",
            Validity.UNKNOWN,
            "311 of 312 keys have a linearization; 1 could not be decided within its budget.",
            evidence=(
                Evidence(
                    f"{key} was not decided within 10 s",
                    "The search visited 4,100,000 states and reached operation 14,881 of this key.",
                ),
            ),
        ),
    ]


def unknown_verdicts() -> list[Verdict]:
    """A run that proves nothing."""
    vacuous = Verdict(
        "vacuity",
        Validity.UNKNOWN,
        "The faults that were asked for had no effect.",
        evidence=(
            Evidence(
                "no leader was lost under `kill leader`",
                "5 kills were asked for; none hit a running leader, since no node led then.",
            ),
        ),
    )
    return [*valid_verdicts()[:4], vacuous]
