"""A core that breaks the protocol ends the run with one line that names the event: no hang, no verdict."""

from __future__ import annotations

import time
from pathlib import Path
from typing import get_args

import msgspec
import pytest

from harness.sim.judging import judge
from harness.sim.lockstep.encodings import EncodingName, shown
from harness.sim.lockstep.protocol import LockstepError
from harness.sim.lockstep.runs import core_of, twice
from harness.sim.plan.plan import Plan, SeedOptions
from harness.sim.plan.swarm import plan_of
from harness.sim.run import run
from tests.harness.sim.lockstep.cores import ODD, command, odd

ENCODINGS: tuple[EncodingName, ...] = get_args(EncodingName)


def plan(behaviour: str, answer_within_s: float = 20.0, encoding: EncodingName = "json") -> Plan:
    core = odd(behaviour, answer_within_s, encoding)
    return plan_of(
        1, SeedOptions(nodes=1, nemesis=(), time_limit_s=1, rate=20, workload="register", core=core)
    )


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize(
    ("behaviour", "what"),
    [
        ("dies", "has ended with status 3"),
        ("dies-in-the-middle", "has ended with status 4"),
        ("killed", "has ended by signal 9"),
        ("garbage", "the core's answer cannot be read|what is no frame of MessagePack: what?"),
        ("binary-garbage", "the core's answer cannot be read|more than one line"),
        ("twice", "more than one (line|frame)|no event asked for"),
        ("other-event", "answered event 2 where event 3 was the last one"),
        ("unknown-effect", "Invalid value 'sleep'"),
        ("to-itself", "sends to 'n1', which is no other member"),
        ("replies-to-none", "replies to the request 999, which is not open in this life"),
        ("waits-for-nothing", "waits? for persist 9"),
        ("traces", "traces nothing, and gave the effect"),
    ],
)
def test_a_broken_rule_is_named_with_its_event(behaviour: str, what: str, encoding: EncodingName) -> None:
    with pytest.raises(LockstepError, match=what) as caught:
        run(plan(behaviour, encoding=encoding))
    message = str(caught.value)
    assert '"event":"request"' in message
    assert message.isprintable()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (msgspec.msgpack.encode({"n": 7, "message": b"vote", "more": [b"\x08\xff", None]}),
         '{"n":7,"message":"vote","more":["CP8=",null]}'),
        (msgspec.msgpack.encode(b"\x08\x04"), '"CAQ="'),
        (b'{"n":7}', '{"n":7}'),
        (b"\xff what\n?", "\ufffd what\\n?"),
    ],
)  # fmt: skip
def test_a_frame_is_shown_as_json_on_one_line(value: bytes, text: str) -> None:
    assert shown(value) == text


def test_a_reply_with_bytes_is_no_value_of_a_history() -> None:
    with pytest.raises(LockstepError, match=r'a value that JSON cannot have; the event was .*"request"'):
        run(plan("bytes", encoding="msgpack"))


def test_the_last_words_of_a_core_that_ends_are_shown() -> None:
    with pytest.raises(LockstepError, match="its standard error: the core has had enough"):
        run(plan("dies"))


@pytest.mark.parametrize(("behaviour", "encoding"), [("hangs", "json"), ("hangs-in-the-middle", "msgpack")])
def test_a_core_that_hangs_is_ended_within_the_bound(behaviour: str, encoding: EncodingName) -> None:
    hanging = plan(behaviour, answer_within_s=2.0, encoding=encoding)
    begin = time.monotonic()
    with pytest.raises(LockstepError, match=r'did not answer within 2 s; the event was .*"request"'):
        run(hanging)
    assert time.monotonic() - begin < 30


def test_an_encoding_that_does_not_exist_is_refused_before_any_run() -> None:
    with pytest.raises(LockstepError, match="Invalid enum value 'morse'"):
        odd("other-encoding")


def test_another_version_is_refused_before_any_run() -> None:
    with pytest.raises(LockstepError, match="speaks version 2 of the lockstep protocol"):
        odd("other-version")


def test_a_core_that_does_not_exist_is_named() -> None:
    with pytest.raises(LockstepError, match=r"cannot start the core '\./no-such-core'"):
        core_of("./no-such-core")


def test_a_core_that_says_that_it_traces_must_trace() -> None:
    with pytest.raises(LockstepError, match="its answer to `start` has no `trace` effect"):
        run(plan("says-it-traces"))


def test_a_core_that_answers_otherwise_the_second_time_is_found() -> None:
    changing = plan("random")
    with pytest.raises(LockstepError, match="gave another answer to the same event"):
        twice(lambda taken: run(changing, exchanges=taken), changing.core)


def test_a_core_that_gives_up_is_judged(tmp_path: Path) -> None:
    judged = judge(plan("gives-up"), tmp_path)
    assert "node-health" in judged.invalid


def test_no_process_is_left(tmp_path: Path) -> None:
    marked = tmp_path / "odd.py"
    marked.write_text(ODD.read_text(encoding="utf-8"), encoding="utf-8")
    core = core_of(command(marked))
    run(plan_of(1, SeedOptions(nodes=1, nemesis=(), time_limit_s=1, workload="register", core=core)))
    words = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists()]
    assert not any(str(marked).encode() in word for word in words)
