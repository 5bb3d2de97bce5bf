"""Maelstrom's nodes in virtual time: those that only react, and those that do not."""

from __future__ import annotations

import shlex
import sys
import time
from pathlib import Path

import pytest

from harness.sim.judging import judge
from harness.sim.lockstep.protocol import ForeignCore, LockstepError
from harness.sim.lockstep.runs import core_of, twice
from harness.sim.plan.plan import Plan, SeedOptions
from harness.sim.plan.swarm import plan_of
from harness.sim.run import run

SET = """
import json, sys, threading, time
held, me, others, sent = set(), None, [], 0
def send(dest, body):
    global sent
    sent += 1
    message = {"src": me, "dest": dest, "body": {**body, "msg_id": sent}}
    sys.stdout.write(json.dumps(message) + chr(10))
    sys.stdout.flush()
for line in sys.stdin:
    message = json.loads(line)
    body, source = message["body"], message["src"]
    reply = {"in_reply_to": body.get("msg_id")}
    if body["type"] == "init":
        me, others = body["node_id"], [one for one in body["node_ids"] if one != body["node_id"]]
        send(source, {"type": "init_ok", **reply})
    elif body["type"] == "add":
        held.add(body["element"])
        for other in others:
            send(other, {"type": "all", "held": sorted(held)})
        send(source, {"type": "add_ok", **reply})
    elif body["type"] == "all":
        held |= set(body["held"])
    elif body["type"] == "read":
        send(source, {"type": "read_ok", "value": sorted(held), **reply})
"""
ANSWERS = '        send(source, {"type": "add_ok", **reply})\n'


def plan(folder: Path, *changes: tuple[str, str], nemesis: tuple[str, ...] = ()) -> Plan:
    text = SET
    for before, after in changes:
        assert text.count(before) == 1, before
        text = text.replace(before, after)
    program = folder / "set.py"
    program.write_text(text, encoding="utf-8")
    own = "from ackproof.cli.entry import program; program()"
    words = [sys.executable, "-c", own, "maelstrom", "core", "-w", "g-set", "--bin", sys.executable]
    options = SeedOptions(
        nodes=3,
        nemesis=nemesis,
        time_limit_s=2,
        rate=20,
        workload="g-set",
        core=core(*words, "--", str(program)),
    )
    return plan_of(4, options)


def core(*words: str) -> ForeignCore:
    return core_of(shlex.join(words), 20.0)


def test_nodes_that_only_react_give_the_same_answers_again_and_are_judged(tmp_path: Path) -> None:
    of_set = plan(tmp_path)
    assert of_set.core is not None
    acknowledged = twice(
        lambda taken: sum(one.type == "ok" for one in run(of_set, exchanges=taken).operations), of_set.core
    )
    assert acknowledged > 10
    assert judge(of_set, tmp_path).invalid == ()


def test_a_node_that_forgets_what_it_acknowledged_is_found(tmp_path: Path) -> None:
    forgets = plan(tmp_path, ('        held.add(body["element"])\n', "        pass\n"))
    assert "settled-set" in judge(forgets, tmp_path).invalid


def test_a_service_answers_within_the_event(tmp_path: Path) -> None:
    asks = (
        '        send("lin-kv", {"type": "write", "key": 1, "value": 1})\n'
        "        answer = json.loads(sys.stdin.readline())\n"
        '        assert answer["body"]["type"] == "write_ok", answer\n'
    )
    assert judge(plan(tmp_path, (ANSWERS, asks + ANSWERS)), tmp_path).invalid == ()


@pytest.mark.parametrize(
    ("after", "says"),
    [
        ('        sys.exit("enough")\n', "ended with status 1: enough"),
        ('        print("what?", flush=True)\n', "wrote what is no message: b'what?'"),
        ('        send("c77", {"type": "add_ok", **reply})\n', "wrote to 'c77', which has asked it nothing"),
    ],
)
def test_a_node_that_breaks_maelstroms_protocol_has_given_up(after: str, says: str, tmp_path: Path) -> None:
    ran = run(plan(tmp_path, (ANSWERS, after)))
    logs = "\n".join(line for lines in ran.logs.values() for line in lines)
    assert says in logs


@pytest.mark.parametrize(
    ("after", "says"),
    [
        (
            "        while True:\n            time.sleep(0.001)\n",
            "did not come to rest within 8 s|with a time-out",
        ),
        (
            "        threading.Thread(target=time.sleep, args=(99,), daemon=True).start()\n",
            "with a time-out: it has a timer of its own",
        ),
        ("        threading.Timer(99, print).start()\n", "with a time-out: it has a timer of its own"),
    ],
)
def test_a_node_that_does_more_than_react_has_no_verdict(after: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(LockstepError, match=says):
        run(plan(tmp_path, (ANSWERS, after)))


@pytest.mark.parametrize("when", ["init", "add"])
def test_a_program_that_is_refused_ends(when: str, tmp_path: Path) -> None:
    """At its start it is in no table of nodes yet; a program of this kind ignores that its input ends."""
    pids = tmp_path / "pids"
    stays = (
        "        threading.Thread(target=time.sleep, args=(99,)).start()\n"
        f"        open({str(pids)!r}, 'a').write(str(os.getpid()) + chr(10))\n"
    )
    before = ANSWERS if when == "add" else '        send(source, {"type": "init_ok", **reply})\n'
    with pytest.raises(LockstepError, match="with a time-out: it has a timer of its own"):
        run(plan(tmp_path, (before, stays + before), ("import json", "import os, json")))
    started = pids.read_text(encoding="utf-8").split()
    assert started
    until = time.monotonic() + 10
    while any(Path("/proc", pid).exists() for pid in started) and time.monotonic() < until:
        time.sleep(0.05)  # the core ends them as it ends itself
    assert [pid for pid in started if Path("/proc", pid).exists()] == []


def test_nodes_share_one_service(tmp_path: Path) -> None:
    adds = (
        '        send("lin-kv", {"type": "write", "key": me, "value": 1})\n'
        "        sys.stdin.readline()\n"
        '        send("lin-kv", {"type": "read", "key": "n0"})\n'
        '        if me == "n1" and json.loads(sys.stdin.readline())["body"]["type"] == "read_ok":\n'
        '            sys.exit("n1 reads what n0 wrote")\n'
    )
    ran = run(plan(tmp_path, (ANSWERS, adds + ANSWERS)))
    assert "n1 reads what n0 wrote" in "\n".join(line for lines in ran.logs.values() for line in lines)


def test_a_node_with_a_clock_gives_another_answer_to_the_same_event(tmp_path: Path) -> None:
    clocked = plan(tmp_path, ('"value": sorted(held)', '"value": [time.monotonic_ns()]'))
    assert clocked.core is not None
    with pytest.raises(LockstepError, match="another answer to the same event"):
        twice(lambda taken: run(clocked, exchanges=taken), clocked.core)
