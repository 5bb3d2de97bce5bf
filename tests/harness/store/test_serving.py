"""The served pages show every run, reach nothing outside the store, and are read by this machine alone."""

from __future__ import annotations

import http.client
import io
import json
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from checkers.verdict import Validity
from harness.errors import CouldNotRun
from harness.formats import RUN_FORMAT
from harness.hosts.ledger import Ledger
from harness.store import overview
from harness.store.serving import REPORT_POLICY, StoreServer
from reports.site import pages
from tests.harness.store.stores import add_run
from tests.reports.page import Page

RUN = "2026-11-28T100000-register-7"
EVIL = '<img src=x onerror="alert(1)">'


@pytest.fixture
def server(store: Path) -> Iterator[StoreServer]:
    """A server of a store with an invalid run, whose texts are hostile, and a valid one."""
    folder = add_run(store, RUN, Validity.INVALID, title=EVIL, system=EVIL, mutant="forgetful")
    (folder / "report.html").write_text("<!doctype html><title>report</title>", encoding="utf-8")
    add_run(store, "2026-11-28T110000-register-8")
    with StoreServer(store, "127.0.0.1", 0) as made:
        thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield made
        made.shutdown()
        thread.join()


class Got:
    """What the server answers."""

    def __init__(self, server: StoreServer, path: str, method: str = "GET", host: str | None = None) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=10)
        connection.putrequest(method, path, skip_host=True)
        connection.putheader("Host", host or f"127.0.0.1:{server.server_port}")
        connection.endheaders()
        answer = connection.getresponse()
        self.status = answer.status
        self.headers = answer.headers
        self.content = answer.read()
        connection.close()

    @property
    def page(self) -> Page:
        """The page, which is sound HTML."""
        found = Page(self.content.decode())
        assert found.errors == []
        assert found.handlers() == []
        assert len(found.ids) == len(set(found.ids))
        return found


PAGES = ("/", *(f"/{name}" for name, _ in (*pages.NAVIGATION, pages.LIVE)))


@pytest.mark.parametrize("path", PAGES)
def test_each_page_is_sound_and_fetches_only_its_own_files(server: StoreServer, path: str) -> None:
    got = Got(server, path)
    assert (got.status, got.headers["Content-Security-Policy"]) == (200, pages.POLICY)
    assert got.headers["X-Content-Type-Options"] == "nosniff"
    assert set(got.page.fetched) == {"/site.css", "/theme.js", "/site.js"} | {
        value for _, attributes in got.page.tags for name, value in attributes.items() if name == "action"
    }
    assert not [tag for tag, _ in got.page.tags if tag in ("img", "iframe", "object", "base")]


def test_the_runs_are_listed_with_their_reports_and_searched(server: StoreServer) -> None:
    page = Got(server, "/").page
    assert f"runs/{RUN}/report.html" in page.links
    assert f"runs/{RUN}.zip" in page.links
    assert EVIL in page.words
    assert "2 of 2 runs" in page.words
    assert "1 of 1 runs" in Got(server, "/index.html?text=register-8").page.words
    assert RUN in Got(server, "/index.html?ended=invalid").page.words
    assert "No run." in Got(server, "/index.html?text=nothing&page=99999999999").page.words
    for query in ("page=-1", "page=%00", "ended=%3Cscript%3E", "text=" + "x" * 1000):
        assert Got(server, f"/index.html?{query}").status == 200


def test_a_run_of_a_newer_version_is_listed_as_one_and_hides_no_other(
    server: StoreServer, store: Path
) -> None:
    folder = add_run(store, "2026-11-28T120000-register-9", ackproof_run=RUN_FORMAT + 1)
    page = Got(server, "/").page
    assert "3 of 3 runs" in page.words
    assert f"runs/{RUN}/report.html" in page.links
    assert "a newer version wrote it" in page.words
    assert folder.name in Got(server, "/index.html?ended=newer").page.words


def test_a_report_is_shown_in_a_sandbox_and_a_run_is_one_zip(server: StoreServer, store: Path) -> None:
    (store / RUN / "secret").symlink_to("/etc/passwd")
    report = Got(server, f"/runs/{RUN}/report.html")
    assert (report.status, report.headers["Content-Security-Policy"]) == (200, REPORT_POLICY)
    assert "allow-same-origin" not in REPORT_POLICY
    got = Got(server, f"/runs/{RUN}.zip")
    assert got.headers["Content-Disposition"] == f"attachment; filename*=UTF-8''{RUN}.zip"
    with zipfile.ZipFile(io.BytesIO(got.content)) as archive:
        assert archive.testzip() is None
        names = {f"{RUN}/{name}" for name in ("report.html", "results.json", "test.json")}
        assert set(archive.namelist()) == names


@pytest.mark.parametrize(
    "path",
    [
        "/../etc/passwd",
        "/runs/../../etc/passwd",
        "/runs/%2e%2e/report.html",
        f"/runs/{RUN}/../../secret.zip",
        f"/runs/{RUN}/test.json",
        f"/runs/{RUN}/nodes/../report.html",
        "/runs//report.html",
        "/runs/.zip",
        "/runs/latest.zip",
        "/%00",
        "/nothing.html",
        "/templates/site.css",
    ],
)
def test_no_path_leads_out_of_the_store(server: StoreServer, store: Path, path: str) -> None:
    (store / "latest").symlink_to(RUN)
    assert Got(server, path).status == 404


def test_a_report_behind_a_link_is_not_shown(server: StoreServer, store: Path) -> None:
    (store / RUN / "report.html").unlink()
    (store / RUN / "report.html").symlink_to("/etc/passwd")
    assert Got(server, f"/runs/{RUN}/report.html").status == 404
    assert f"runs/{RUN}/report.html" not in Got(server, "/").page.links


def test_other_hosts_and_methods_are_refused(server: StoreServer) -> None:
    assert Got(server, "/", host="evil.example").status == 421
    assert Got(server, "/", host=f"localhost:{server.server_port}").status == 200
    assert Got(server, "/", method="POST").status == 501
    head = Got(server, "/", method="HEAD")
    assert (head.status, head.content) == (200, b"")
    assert Got(server, f"/{'x' * 5000}").status == 414


def test_what_goes_on_is_counted_as_it_grows(
    server: StoreServer, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    living = add_run(store, "2026-11-28T120000-register-9", None, time_limit_s=30)
    lines = (
        b'{"index":0,"time":2000000000,"process":0,"type":"invoke","f":"read"}\n'
        b'{"index":1,"time":8000000000,"process":0,"type":"ok","f":"read"}\n'
    )
    with Ledger("run", of=living / "nodes"):
        (living / "history.jsonl").write_bytes(lines[:-5])
        [row] = json.loads(Got(server, "/live.json").content)
        assert row["state"] == "2.0 s: 0 ok, 0 fail, 0 info"
        (living / "history.jsonl").write_bytes(lines)
        [row] = json.loads(Got(server, "/live.json").content)
        assert (row["state"], row["done"]) == ("8.0 s: 1 ok, 0 fail, 0 info", 0.2)
        assert row["left"] == "24 s of work left", "30 s from the first operation, before which nodes started"
        assert row["name"] in Got(server, "/live.html").page.words
        kill = b'{"index":2,"time":9000000000,"process":-1,"type":"invoke","f":"kill"}\n'
        (living / "history.jsonl").write_bytes(lines + kill)
        [row] = json.loads(Got(server, "/live.json").content)
        assert row["state"] == "9.0 s: 1 ok, 0 fail, 0 info, fault: kill"
        healed = kill.replace(b"9", b"10").replace(b"kill", b"final-heal")
        (living / "history.jsonl").write_bytes(lines + kill + healed)
        [row] = json.loads(Got(server, "/live.json").content)
        assert row["state"] == "10.0 s: 1 ok, 0 fail, 0 info", "what heals is no fault"
    assert json.loads(Got(server, "/live.json").content) == []


def test_a_campaign_that_cannot_be_read_is_listed_with_the_reason(server: StoreServer, store: Path) -> None:
    broken = store / "campaign-2026-11-28T100000-broken"
    broken.mkdir()
    (broken / "campaign.jsonl").write_text("{}\n", encoding="utf-8")
    assert "campaign.jsonl" in Got(server, "/campaigns.html").page.words
    assert "campaign.jsonl" in Got(server, "/findings.html").page.words
    assert Got(server, f"/{overview.campaign_file(broken.name)}").status == 500


def test_a_second_server_on_the_same_port_is_refused_in_one_line(server: StoreServer, store: Path) -> None:
    with pytest.raises(CouldNotRun, match="is in use, perhaps by another ackproof serve") as refusal:
        StoreServer(store, "127.0.0.1", server.server_port)
    assert "\n" not in str(refusal.value)
