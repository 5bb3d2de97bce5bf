"""Serves the pages over all runs on loopback, for a browser on this machine.

- Only GET and HEAD are answered, and nothing in the store is changed.
- A path names a page, or a run of the index by the name of its folder: no path reaches a file by itself, and
  files are opened without following a link (history/files.py).
- A request that names another host than the server's own is refused, so that a page of another site cannot
  read the runs by a name of its own that leads to this address.
- Pages may fetch from this server alone. A report, which may come from anybody, is shown in a sandbox: its
  scripts run, and can reach neither the other pages nor any address.
"""

from __future__ import annotations

import errno
import shutil
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import IO, Any, NamedTuple
from urllib.parse import parse_qs, quote, unquote, urlsplit

import msgspec

from harness.errors import CouldNotRun
from harness.store import overview
from harness.store.archive import write_zip
from harness.store.entry import RunEntry
from harness.store.files import REPORT
from harness.store.index import entries, existing
from harness.store.live import LiveCounter
from harness.store.overview import Links
from harness.store.side_by_side import compared_runs
from history.files import RefusedFile, brief, open_regular
from reports.site import pages

LINKS = Links(archives=True)
ICON = "favicon.ico"
"""Browsers ask for it; there is none, and its lack is no error of a page."""
LONGEST_PATH = 2_000
LONGEST_SEARCH = 200
MOST_NAMES = 500
"""Of runs that a form offers."""
IDLE_S = 30.0
"""A connection that sends nothing for this long is closed."""
ZIP_IN_MEMORY_BYTES = 8 << 20
REPORT_POLICY = (
    "sandbox allow-scripts allow-downloads; default-src 'none'; script-src 'unsafe-inline'; "
    "style-src 'unsafe-inline'; img-src data: blob:; font-src data:"
)
_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8"}
HTML, JSON, ZIP = "text/html; charset=utf-8", "application/json", "application/zip"
_LOOPBACK = ("localhost", "127.0.0.1", "[::1]")


class Answer(NamedTuple):
    """What a request gets."""

    content: bytes | IO[bytes]
    type: str = HTML
    status: HTTPStatus = HTTPStatus.OK
    policy: str = pages.POLICY
    file_name: str | None = None
    """Under which name a browser keeps it, for what is not shown."""


class StorePages:
    """The pages of one store, each made when it is asked for."""

    def __init__(self, store: Path) -> None:
        self._store = existing(store)
        self._live = LiveCounter(self._store)
        self._turn = threading.Lock()
        self._pages: Mapping[str, Callable[[Mapping[str, str]], str]] = {
            "index.html": self._runs,
            "trends.html": lambda _: pages.trends_page(
                self._about(), overview.trends(self._store, self._entries())
            ),
            "campaigns.html": lambda _: pages.campaigns_page(
                self._about(), overview.campaign_rows(self._store)
            ),
            "findings.html": self._findings,
            "mutants.html": self._mutants,
            pages.COMPARE: self._compare,
            "live.html": lambda _: pages.live_page(self._about(), self._live_rows()),
        }

    def answer(self, target: str) -> Answer:
        """Answer a request for this path and query."""
        parts = urlsplit(target)
        path = unquote(parts.path).removeprefix("/") or "index.html"
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        try:
            with self._turn:  # the index and the counts are for one request at a time
                return self._answer(path, query)
        except CouldNotRun as error:
            return self._error(brief(error), HTTPStatus.INTERNAL_SERVER_ERROR)

    def _answer(self, path: str, query: Mapping[str, str]) -> Answer:
        if path in self._pages:
            return Answer(self._pages[path](query).encode())
        if path in pages.ASSETS:
            return Answer(pages.asset(path), _TYPES[Path(path).suffix])
        if path == ICON:
            return Answer(b"", status=HTTPStatus.NO_CONTENT)
        if path == "live.json":
            return Answer(msgspec.json.encode(self._live_rows()), JSON)
        if path.startswith("runs/"):
            return self._of_run(path.removeprefix("runs/"))
        for name in overview.campaign_folders(self._store):
            if path == overview.campaign_file(name):
                return Answer(
                    pages.campaign_page(self._about(), overview.seed_map(self._store, name)).encode()
                )
        return self._error("There is no such page.", HTTPStatus.NOT_FOUND)

    def _of_run(self, path: str) -> Answer:
        """The report of a run, or all its files as one zip."""
        folder, slash, file = path.rpartition("/")
        is_zip = path.endswith(".zip")
        wanted = path.removesuffix(".zip") if is_zip else folder
        known = any(entry.folder == wanted for entry in self._entries())
        if not known or (not is_zip and (not slash or file != REPORT)):
            return self._error("There is no such run.", HTTPStatus.NOT_FOUND)
        if is_zip:
            archive = tempfile.SpooledTemporaryFile(ZIP_IN_MEMORY_BYTES)  # noqa: SIM115 - closed once it is sent
            write_zip(self._store / wanted, archive)
            return Answer(archive, ZIP, file_name=f"{Path(wanted).name}.zip")
        try:
            return Answer(open_regular(self._store / wanted / REPORT, root=self._store), policy=REPORT_POLICY)
        except (OSError, RefusedFile):
            return self._error("This run has no report that can be read.", HTTPStatus.NOT_FOUND)

    def _runs(self, query: Mapping[str, str]) -> str:
        text, ended = query.get("text", "")[:LONGEST_SEARCH], query.get("ended", "")[:LONGEST_SEARCH]
        asked = query.get("page", "1")
        page = int(asked) if asked.isascii() and asked.isdecimal() and len(asked) < 7 else 1
        runs = overview.run_list(self._store, self._entries(), LINKS, text=text, ended=ended, page=page)
        number = max(1, -(-runs.of // overview.ROWS_A_PAGE))

        def link(page: int) -> str:
            return f"index.html?text={quote(text)}&ended={quote(ended)}&page={page}"

        return pages.runs_page(self._about(), overview.with_neighbours(runs, number, link))

    def _compare(self, query: Mapping[str, str]) -> str:
        found = self._entries()
        a, b = (query.get(name, "")[:LONGEST_SEARCH] for name in ("a", "b"))
        names = [entry.folder for entry in found if entry.state == "judged"][:MOST_NAMES]
        return pages.compare_page(self._about(), compared_runs(self._store, found, a, b), names)

    def _findings(self, _: Mapping[str, str]) -> str:
        campaigns, problem = overview.readable_campaigns(self._store)
        return pages.findings_page(self._about(), overview.findings(campaigns), problem)

    def _mutants(self, _: Mapping[str, str]) -> str:
        campaigns, _problem = overview.readable_campaigns(self._store)
        return pages.mutants_page(self._about(), overview.mutants(self._entries(), campaigns))

    def _live_rows(self) -> Sequence[Any]:
        return self._live.rows(self._entries())

    def _entries(self) -> list[RunEntry]:
        return entries(self._store)

    def _about(self) -> Any:
        return overview.about(self._store, is_live=True)

    def _error(self, message: str, status: HTTPStatus) -> Answer:
        return Answer(pages.error_page(self._about(), message).encode(), status=status)


class StoreServer(ThreadingHTTPServer):
    """A server of one store's pages.

    Raises:
        CouldNotRun: the address is in use, or may not be used.
    """

    daemon_threads = True

    def __init__(self, store: Path, host: str, port: int) -> None:
        self.site = StorePages(store)
        try:
            super().__init__((host, port), _Handler)
        except OSError as error:
            used = error.errno == errno.EADDRINUSE
            why = (
                "is in use, perhaps by another ackproof serve"
                if used
                else f"cannot be used: {error.strerror}"
            )
            raise CouldNotRun(f"{host}:{port} {why}; choose another with --listen") from error
        self.hosts = {f"{name}:{self.server_port}" for name in (*_LOOPBACK, host)}

    @property
    def address(self) -> str:
        """What to open in a browser."""
        host = self.server_address[0]
        return f"http://{host!s}:{self.server_port}/"


class _Handler(BaseHTTPRequestHandler):
    server: StoreServer
    timeout = IDLE_S
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "ackproof", ""

    def do_GET(self) -> None:
        self._reply(with_body=True)

    def do_HEAD(self) -> None:
        self._reply(with_body=False)

    def log_message(self, format: str, *arguments: Any) -> None:
        """Requests are not shown."""

    def _reply(self, *, with_body: bool) -> None:
        if self.headers.get("Host", "").lower() not in self.server.hosts:
            self.send_error(HTTPStatus.MISDIRECTED_REQUEST, "this server answers under its own address alone")
            return
        if len(self.path) > LONGEST_PATH:
            self.send_error(HTTPStatus.REQUEST_URI_TOO_LONG)
            return
        answer = self.server.site.answer(self.path)
        try:
            self._send(answer, with_body=with_body)
        except (BrokenPipeError, ConnectionResetError, TimeoutError):
            self.close_connection = True  # the browser went away
        finally:
            if not isinstance(answer.content, bytes):
                answer.content.close()

    def _send(self, answer: Answer, *, with_body: bool) -> None:
        content = answer.content
        if isinstance(content, bytes):
            length = len(content)
        else:
            length = content.seek(0, 2)
            content.seek(0)
        self.send_response(answer.status)
        headers = {
            "Content-Type": answer.type,
            "Content-Length": str(length),
            "Content-Security-Policy": answer.policy,
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Cross-Origin-Resource-Policy": "same-origin",
            "X-Frame-Options": "DENY",
            "Cache-Control": "no-store",
        }
        if answer.file_name is not None:
            headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(answer.file_name)}"
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if not with_body:
            return
        if isinstance(content, bytes):
            self.wfile.write(content)
        else:
            shutil.copyfileobj(content, self.wfile)
