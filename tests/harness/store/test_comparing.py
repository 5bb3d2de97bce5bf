"""Two runs are compared by what they were asked, what was found, how quick they were, and where they part."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from checkers.check_all import Results
from checkers.verdict import Validity, Verdict
from harness.errors import CouldNotRun
from harness.store import overview
from harness.store.comparing import QUANTILES, compare
from harness.store.index import entries
from harness.store.side_by_side import compared_runs
from history import Operation
from reports.site import pages
from tests.harness.store.stores import add_run
from tests.reports.page import Page

MS = 1_000_000
OPERATIONS = (
    Operation(index=0, time=1 * MS, process=0, type="invoke", f="write", key="x", value="1"),
    Operation(index=1, time=5 * MS, process=0, type="ok", f="write", key="x", value="1", node="n1"),
    Operation(index=2, time=6 * MS, process=0, type="invoke", f="read", key="x", value=None),
    Operation(index=3, time=7 * MS, process=0, type="ok", f="read", key="x", value="1", node="n2"),
)
TRACE = (b'{"seq":1,"at":0,"event":"restart"}', b'{"seq":2,"at":2000000,"event":"term","term":1}')


def simulated(
    store: Path,
    name: str,
    operations: tuple[Operation, ...] = OPERATIONS,
    trace: tuple[bytes, ...] = TRACE,
    validity: Validity = Validity.VALID,
) -> Path:
    """A simulated run with this history, and this trace of n1."""
    folder = add_run(store, name, validity)
    (folder / "plan.json").write_text("{}", encoding="utf-8")
    lines = b"".join(msgspec.json.encode(one) + b"\n" for one in operations)
    (folder / "history.jsonl").write_bytes(lines)
    (folder / "nodes" / "n1" / "trace").mkdir(parents=True)
    (folder / "nodes" / "n1" / "trace" / "0001.jsonl").write_bytes(b"".join(line + b"\n" for line in trace))
    return folder


def test_a_simulated_run_is_the_same_as_its_repetition(store: Path) -> None:
    found = compare(simulated(store, "2026-11-28T100000-a-1"), simulated(store, "2026-11-28T110000-a-1"))
    assert found.is_same
    assert (found.options, found.verdicts, found.first_difference) == ((), (), None)
    assert found.same_verdicts == 1


def test_simulated_runs_part_at_the_line_that_is_earliest_in_time(store: Path) -> None:
    a = simulated(store, "2026-11-28T100000-a-1")
    read = msgspec.structs.replace(OPERATIONS[3], value="2")
    b = simulated(store, "2026-11-28T110000-a-1", (*OPERATIONS[:3], read))
    parting = compare(a, b).first_difference
    assert parting is not None
    assert (parting.where, parting.line, parting.at_ns) == ("history", 4, 7 * MS)
    assert (parting.a, parting.b) == ('process 0 ok read x "1", n2', 'process 0 ok read x "2", n2')
    c = simulated(store, "2026-11-28T120000-a-1", (*OPERATIONS[:3], read), TRACE[:1])
    earlier = compare(a, c).first_difference
    assert earlier is not None
    assert (earlier.where, earlier.line, earlier.at_ns) == ("trace of n1, life 1", 2, 2 * MS)
    assert (earlier.a, earlier.b) == (TRACE[1].decode(), None)


def test_real_runs_are_never_called_the_same(store: Path) -> None:
    folders = [simulated(store, f"2026-11-28T1{place}0000-a-1") for place in range(2)]
    (folders[0] / "plan.json").unlink()
    found = compare(*folders)
    assert (found.is_same, found.first_difference) == (False, None)


def test_what_was_asked_and_what_was_found_are_compared(store: Path) -> None:
    a = add_run(store, "2026-11-28T100000-a-1", Validity.INVALID, mutant="forgetful")
    b = add_run(store, "2026-11-28T110000-a-1", versions={"ackproof": "0.1.0", "etcd": "3.6.0"})
    found = compare(a, b)
    assert {one.name: (one.a, one.b) for one in found.options} == {
        "mutant": ("forgetful", None),
        "version of etcd": ("3.5.1", "3.6.0"),
    }
    [verdict] = found.verdicts
    assert (verdict.checker, verdict.a, verdict.b) == ("durability", Validity.INVALID, Validity.VALID)


def test_a_checker_that_one_run_lacks_and_a_run_that_was_not_judged_differ(store: Path) -> None:
    a = add_run(store, "2026-11-28T100000-a-1")
    b = add_run(store, "2026-11-28T110000-a-1", None)
    [verdict] = compare(a, b).verdicts
    assert (verdict.a, verdict.b) == (Validity.VALID, None)


def test_figures_under_the_same_names_are_compared(store: Path) -> None:
    folders = [add_run(store, f"2026-11-28T1{place}0000-a-1") for place in range(2)]
    for folder, lost in zip(folders, (1, 3), strict=True):
        measures = {"lost": lost, "by": {"n1": 2.5, "all": True}, "only": {str(lost): 1}}
        verdict = Verdict("durability", Validity.VALID, "fine", measures=measures)
        (folder / "results.json").write_bytes(msgspec.json.encode(Results.of([verdict], {"durability"})))
    [figure] = compare(*folders).measures
    assert (figure.checker, figure.measure, figure.a, figure.b) == ("durability", "lost", 1, 3)


def test_latencies_are_those_of_operations_that_ended_ok(store: Path) -> None:
    a = simulated(store, "2026-11-28T100000-a-1")
    failed = msgspec.structs.replace(OPERATIONS[3], type="fail", error="timeout")
    b = simulated(store, "2026-11-28T110000-a-1", (*OPERATIONS[:3], failed))
    read, write = compare(a, b).latencies
    assert (read.f, read.a.ok, read.a.at(0.5), read.b.ok, read.b.at(0.5)) == ("read", 1, 1.0, 0, None)
    assert (write.f, write.a.ms) == ("write", (4.0,) * len(QUANTILES))


def test_what_is_no_run_is_refused_in_one_line(store: Path) -> None:
    run = add_run(store, "2026-11-28T100000-a-1")
    with pytest.raises(CouldNotRun, match="there is no run's folder"):
        compare(run, store / "nowhere")
    with pytest.raises(CouldNotRun, match=r"test\.json: missing"):
        compare(run, store)
    (run / "history.jsonl").mkdir()
    (run / "nodes").symlink_to("/etc")
    assert compare(run, run).latencies == ()


def test_the_page_of_two_runs_says_where_they_part_and_why_it_cannot(store: Path) -> None:
    simulated(store, "2026-11-28T100000-a-1")
    read = msgspec.structs.replace(OPERATIONS[3], value="2")
    simulated(store, "2026-11-28T110000-a-1", (*OPERATIONS[:3], read), validity=Validity.INVALID)
    found = compared_runs(store, entries(store), "2026-11-28T100000-a-1", "2026-11-28T110000-a-1")
    assert found.parting == "The simulated runs part in line 4 of the history, at 0.007000 s."
    assert (found.parting_a, found.parting_b) == (
        'process 0 ok read x "1", n2',
        'process 0 ok read x "2", n2',
    )
    assert [one.name for one in found.verdicts] == ["durability"]
    assert {one.f: (len(one.a), one.ok_b) for one in found.latencies} == {
        "read": (len(QUANTILES), 1),
        "write": (len(QUANTILES), 1),
    }
    page = pages.compare_page(overview.about(store, is_live=True), found, ["<b>"])
    assert Page(page).errors == []
    assert "part in line 4" in page
    assert "&lt;b&gt;" in page
    none = compared_runs(store, entries(store), "2026-11-28T100000-a-1", "../../etc")
    assert none.problem == "there is no run ../../etc"
