"""Walks as tables, and the page that has them."""

from __future__ import annotations

from harness.walk.page import PAGE, kept, with_tables
from harness.walk.record import Moment, Seen, Silence, Step, Walk
from harness.walk.tables import moments_table, silence_table, steps_table


def walk(system: str, *moments: Moment) -> Walk:
    silence = Silence("n3", 4.25, 4, 5, 46, "AppendEntries", ((0.01, 0), (0.6, 5)))
    steps = (Step(2.0, "n1", "append"), Step(0.0, "n2 -> n1", "forward"))
    return Walk(system, "2026-11-29", "walk", 0.5, moments, steps, "traces", silence)


def killed(leader: str, term: int) -> Moment:
    seen = {"n1": Seen("down"), "n2": Seen("leader", term, "n2"), "n3": Seen("follower", term, "n2")}
    return Moment(f"the leader {leader} is killed", 3.0, seen, ("all agree after 0.3 s",))


def test_moments_stand_next_to_each_other_and_name_what_differs() -> None:
    rows = moments_table([walk("ours", killed("n1", 2)), walk("nacos", killed("n2", 105))]).splitlines()
    assert rows[0] == "| moment | ours | nacos |"
    state = "n1 down<br>n2 **leader**, term 2<br>n3 follower, term 2, names n2<br>(all agree after 0.3 s)"
    assert f"| 1. the leader ... is killed | *the leader n1 is killed*<br>{state} |" in rows[2]
    assert "term 105" in rows[2]


def test_a_shorter_walk_has_empty_cells_at_its_end() -> None:
    rows = moments_table([walk("ours", killed("n1", 2)), walk("nacos")]).splitlines()
    assert rows[2].startswith("| 1. the leader n1 is killed | n1 down<br>")
    assert rows[2].endswith(" |  |")


def test_steps_stand_in_the_order_of_their_times() -> None:
    assert steps_table(walk("ours")).splitlines()[2:] == [
        "| 0.0 | n2 -> n1 | forward |",
        "| 2.0 | n1 | append |",
    ]


def test_the_silent_follower_is_shown_with_what_it_held_by_time() -> None:
    row = silence_table([walk("ours")]).splitlines()[-1]
    assert row == "| ours | n3, 4.2 s | 4, 5 | 46 AppendEntries | 0 at 0.01 s, 5 at 0.60 s |"


def test_the_tables_of_the_page_are_those_of_the_kept_walks() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert with_tables(page) == page, "python -m harness.walk"
    assert [walk.system.split(",")[0] for walk in kept()] == ["node_impl", "nacos 0.8.0", "nacos 2.3.2"]
