"""Debian packages: downloaded with apt-get and unpacked, never installed.

The machine's own list of packages is used if it knows a version of the package that we accept. If it does not
(it was never made, or it is old), a list of our own is made in the scratch folder, which needs no root.
"""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from harness.errors import CouldNotRun
from harness.systems.installing.sources.source import Bench
from harness.systems.installing.tools import ToolFailed
from harness.systems.installing.unpacking import unpack_deb

LOOK_BOUND_S = 60.0
DOWNLOAD_BOUND_S = 900.0


class Offer(msgspec.Struct, frozen=True):
    """One version of a package that can be downloaded."""

    package: str
    version: str
    """As Debian writes it: `5:7.0.15-1~deb12u10`."""
    file: str
    """The name of its file; the download is pinned under this name."""
    size: int
    """In bytes."""
    sha256: str
    """What the list of packages, which Debian signs, says of the file; in hexadecimal digits."""

    @property
    def upstream(self) -> str:
        """The version as the makers write it: `7.0.15`."""
        bare = self.version.partition(":")[2] or self.version
        return bare.rpartition("-")[0] or bare


class Mend(msgspec.Struct, frozen=True):
    """A change in a text file of a package that expects to lie in the root folder."""

    file: str
    """Relative to the release's folder."""
    old: str
    new: str


class Debian(msgspec.Struct, frozen=True):
    """Packages of the Debian release that this machine runs."""

    packages: tuple[str, ...]
    """The first one has the system itself, so that its version is the release's."""
    mends: tuple[Mend, ...] = ()
    """What is changed after the packages were unpacked."""

    @property
    def words(self) -> str:
        """What the source is, for people."""
        return "Debian packages"

    @property
    def tools(self) -> tuple[str, ...]:
        """The tools that it needs."""
        return ("apt-get", "apt-cache", "dpkg-deb")

    def bring(self, bench: Bench, version: str) -> None:
        """Download the packages, accept each by its checksum, and unpack them into one tree.

        Raises:
            CouldNotRun: a package or the version is not to be had here, or a download is refused.
        """
        apt = _Apt(bench)
        offers = apt.choose(self.packages, version)
        for offer, file in apt.download(offers).items():
            bench.accepting.file(file, offer.file)
            unpack_deb(file, bench.tree)
        for mend in self.mends:
            path = bench.tree / mend.file
            text = path.read_text(encoding="utf-8") if path.is_file() else ""
            if mend.old not in text:
                raise CouldNotRun(f"{self.packages[0]} is not as expected: {mend.file} has no {mend.old!r}")
            path.write_text(text.replace(mend.old, mend.new), encoding="utf-8")


class _Apt:
    """apt-get and apt-cache, with the machine's list of packages or with one of our own."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.own_list: tuple[str, ...] = ()
        """The options that make a list of our own the one that is used."""

    def choose(self, packages: tuple[str, ...], version: str) -> list[Offer]:
        """One offer for each package: the newest with a pin if there is one, else the newest.

        Raises:
            CouldNotRun: a package is not offered, or the first one in another version only.
        """
        chosen = self._chosen(packages)
        if not all(offer is not None and self._will_do(offer) for offer in chosen):
            self.make_own_list()
            chosen = self._chosen(packages)
        missing = [package for package, offer in zip(packages, chosen, strict=True) if offer is None]
        if missing:
            raise CouldNotRun(f"this machine's Debian has no package {', '.join(missing)}")
        offers = [offer for offer in chosen if offer is not None]
        if offers[0].upstream.partition("+")[0] != version:
            raise CouldNotRun(
                f"this machine's Debian has {packages[0]} {offers[0].upstream}, not {version}: "
                "give the path of an own binary, or install another version"
            )
        return offers

    def make_own_list(self) -> None:
        """Download the list of packages into the scratch folder, and use it from now on."""
        if self.own_list:
            return
        self.bench.say("the list of Debian packages")
        state = self.bench.folder("apt")
        (state / "lists" / "partial").mkdir(parents=True)
        (state / "cache" / "archives" / "partial").mkdir(parents=True)
        self.own_list = (
            *("-o", f"Dir::State::Lists={state / 'lists'}"),
            *("-o", f"Dir::Cache={state / 'cache'}"),
        )
        self._run("apt-get", "update", bound_s=DOWNLOAD_BOUND_S)

    def download(self, offers: list[Offer]) -> dict[Offer, Path]:
        """Download the packages, and return the file of each."""
        size = sum(offer.size for offer in offers) / 1e6
        self.bench.say(f"{len(offers)} Debian packages, {size:.1f} MB")
        folder = self.bench.folder("packages")
        wanted = ("download", *(f"{offer.package}={offer.version}" for offer in offers))
        try:
            self._run("apt-get", *wanted, bound_s=DOWNLOAD_BOUND_S, cwd=folder)
        except ToolFailed:
            if self.own_list:
                raise
            self.make_own_list()  # the machine's list may name files that are no longer there
            self._run("apt-get", *wanted, bound_s=DOWNLOAD_BOUND_S, cwd=folder)
        files = {}
        for offer in offers:
            found = list(folder.glob(f"{offer.package}_*.deb"))
            if len(found) != 1:
                raise CouldNotRun(f"`apt-get download {offer.package}` made {len(found)} files, not one")
            files[offer] = found[0]
        return files

    def _chosen(self, packages: tuple[str, ...]) -> list[Offer | None]:
        offers = self._offers(packages)
        best = []
        for package in packages:
            own = [offer for offer in offers if offer.package == package]
            best.append(next((offer for offer in own if self._is_pinned(offer)), own[0] if own else None))
        return best

    def _is_pinned(self, offer: Offer) -> bool:
        return offer.file in self.bench.accepting.pins

    def _will_do(self, offer: Offer) -> bool:
        return self._is_pinned(offer) or self.bench.accepting.may_lack_pins

    def _offers(self, packages: tuple[str, ...]) -> list[Offer]:
        try:
            text = self._run("apt-cache", "show", *packages, bound_s=LOOK_BOUND_S)
        except ToolFailed as failed:
            text = failed.output  # it fails if one of the packages is not known, and shows the others
        return offers_of(text)

    def _run(self, tool: str, *arguments: str, bound_s: float, cwd: Path | None = None) -> str:
        sandbox = ("-o", "APT::Sandbox::User=root") if os.geteuid() == 0 else ()
        return self.bench.run([tool, *sandbox, *self.own_list, *arguments], bound_s=bound_s, cwd=cwd)


def offers_of(text: str) -> list[Offer]:
    """The packages that can be downloaded, in what `apt-cache show` prints; the newest of each first."""
    offers = []
    for paragraph in text.split("\n\n"):
        lines = (line.partition(": ") for line in paragraph.splitlines() if not line.startswith(" "))
        fields = {name: value for name, _, value in lines}
        if (
            fields.keys() >= {"Package", "Version", "Filename", "Size", "SHA256"}
            and fields["Size"].isdecimal()
        ):
            file, size = fields["Filename"].rpartition("/")[2], int(fields["Size"])
            offers.append(Offer(fields["Package"], fields["Version"], file, size, fields["SHA256"]))
    return offers
