"""What a client of message logs asks, in which order, and what it makes of the answers."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from harness.client.clients import NotDone, Site
from harness.systems.maelstrom.line import Closed
from harness.systems.maelstrom.logs import LogClient
from history import Operation

SITE = Site("n0", {"n0": {"client": "127.0.0.1:1"}}, 0, 1.0)


class ScriptedLine:
    """Answers what the script says, and keeps what it was asked."""

    def __init__(self, *answers: Mapping[str, Any] | Exception) -> None:
        self.answers = list(answers)
        self.asked: list[Mapping[str, Any]] = []

    async def ask(self, body: dict[str, Any]) -> Mapping[str, Any]:
        self.asked.append(body)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def performed(line: ScriptedLine, *operations: tuple[str, str | None, Any]) -> list[Operation]:
    """The completions of some operations of one client."""
    client = LogClient(SITE)
    client._line = line  # type: ignore[assignment]  # it has the one method that the client calls

    async def all_of_them() -> list[Operation]:
        return [
            await client.perform(Operation(0, 0, 0, "invoke", f, key, value)) for f, key, value in operations
        ]

    return asyncio.run(all_of_them())


ASSIGN = ("assign", None, {"keys": ["log-3", "log-4"], "from": "committed"})


def test_a_reader_goes_on_from_the_committed_offset_and_commits_how_far_it_read() -> None:
    line = ScriptedLine(
        {"type": "list_committed_offsets_ok", "offsets": {"3": 7}},
        {"type": "poll_ok", "msgs": {"3": [[7, 70], [9, 90]]}},
        {"type": "commit_offsets_ok"},
        {"type": "poll_ok", "msgs": {}},
    )
    done = performed(line, ASSIGN, ("poll", None, None), ("poll", None, None))
    assert [(one.type, one.value) for one in done] == [
        ("ok", [["log-3", 7]]),
        ("ok", [["log-3", 7, [[7, 70], [9, 90]]]]),
        ("ok", []),
    ]
    assert line.asked == [
        {"type": "list_committed_offsets", "keys": ["3", "4"]},
        {"type": "poll", "offsets": {"3": 7, "4": 0}},
        {"type": "commit_offsets", "offsets": {"3": 9}},
        {"type": "poll", "offsets": {"3": 10, "4": 0}},
    ]


@pytest.mark.parametrize("lost", [Closed(), TimeoutError(), NotDone("the node has ended")])
def test_what_a_poll_was_shown_stays_in_the_history_if_its_commit_is_not_answered(lost: Exception) -> None:
    # The commit may have been carried out, so another reader may go on behind what was shown here.
    line = ScriptedLine(
        {"type": "list_committed_offsets_ok", "offsets": {"3": 7}},
        {"type": "poll_ok", "msgs": {"3": [[7, 70]]}},
        lost,
        {"type": "poll_ok", "msgs": {}},
    )
    done = performed(line, ASSIGN, ("poll", None, None), ("poll", None, None))
    assert [(one.type, one.value) for one in done[1:]] == [("ok", [["log-3", 7, [[7, 70]]]]), ("ok", [])]
    assert line.asked[-1]["offsets"]["3"] == 8


def test_a_poll_without_an_answer_was_shown_nothing() -> None:
    line = ScriptedLine({"type": "list_committed_offsets_ok", "offsets": {}}, Closed())
    done = performed(line, ASSIGN, ("poll", None, None))
    assert done[1].type == "fail"


def test_a_reader_without_logs_asks_nothing() -> None:
    line = ScriptedLine()
    (done,) = performed(line, ("poll", None, None))
    assert (done.type, done.value, line.asked) == ("ok", [], [])


def test_a_whole_log_is_read_until_nothing_more_comes() -> None:
    line = ScriptedLine(
        {"type": "poll_ok", "msgs": {"3": [[0, 5], [1, 6]]}},
        {"type": "poll_ok", "msgs": {"3": [[2, 7]]}},
        {"type": "poll_ok", "msgs": {"3": []}},
    )
    (done,) = performed(line, ("final-poll", "log-3", None))
    assert (done.type, done.value) == ("ok", [["log-3", 0, [[0, 5], [1, 6], [2, 7]]]])
    assert [asked["offsets"]["3"] for asked in line.asked] == [0, 2, 3]


def test_a_node_that_shows_the_same_again_and_again_is_not_asked_without_end() -> None:
    line = ScriptedLine(*[{"type": "poll_ok", "msgs": {"3": [[0, 5]]}}] * 2)
    (done,) = performed(line, ("final-poll", "log-3", None))
    assert done.value == [["log-3", 0, [[0, 5], [0, 5]]]]


@pytest.mark.parametrize(
    ("answer", "type_"),
    [
        ({"type": "send_ok", "offset": 3}, "ok"),
        ({"type": "error", "code": 11}, "fail"),
        ({"type": "error", "code": 13}, "info"),
        ({"type": "send_ok"}, "info"),
        ({"type": "send_ok", "offset": "3"}, "info"),
    ],
)
def test_a_message_is_lost_for_certain_only_after_a_definite_error(
    answer: Mapping[str, Any], type_: str
) -> None:
    (done,) = performed(ScriptedLine(answer), ("send", "log-3", 8))
    assert done.type == type_
    assert done.value == ([3, 8] if type_ == "ok" else 8)


@pytest.mark.parametrize(
    "messages", [None, [], {"5": []}, {"3": 4}, {"3": [4]}, {"3": [["a", 4]]}, {"3": [[True, 4]]}]
)
def test_what_the_documentation_does_not_have_fails_the_read(messages: object) -> None:
    (done,) = performed(ScriptedLine({"type": "poll_ok", "msgs": messages}), ("final-poll", "log-3", None))
    assert done.type == "fail"
    assert "unexpected" in str(done.error)
