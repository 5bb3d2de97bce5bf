"""Java libraries and all that they need at run time, by Maven; and launchers of ours, compiled against them.

Maven copies the jars into one folder. Each jar is accepted by its checksum before anything of it is run.
Maven's own plug-ins are pinned by version, not by checksum.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from xml.sax.saxutils import escape

import msgspec

from harness.errors import CouldNotRun
from harness.systems.installing.sources.source import Bench

RESOLVE_BOUND_S = 1800.0
COMPILE_BOUND_S = 300.0
COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies"
SYSTEMS = Path(__file__).parents[2]


class Maven(msgspec.Struct, frozen=True):
    """Libraries, each as GROUP:NAME:VERSION. They are put into `lib/`, compiled launchers into `classes/`."""

    libraries: tuple[str, ...]
    imports: tuple[str, ...] = ()
    """Lists of versions that others depend on (BOMs), as GROUP:NAME:VERSION."""
    without: tuple[str, ...] = ()
    """What is left out although it is needed by a library, as GROUP:NAME."""
    launchers: tuple[str, ...] = ()
    """Java sources of ours, in harness/systems/, that are compiled against the libraries."""

    @property
    def words(self) -> str:
        """What the source is, for people."""
        return "Maven"

    @property
    def tools(self) -> tuple[str, ...]:
        """The tools that it needs."""
        return ("mvn", "java", "javac") if self.launchers else ("mvn", "java")

    def bring(self, bench: Bench, version: str) -> None:  # noqa: ARG002 - the libraries name it
        """Download the jars, accept each by its checksum, and compile the launchers.

        Raises:
            CouldNotRun: a library is not to be had, or is refused, or a launcher does not compile.
        """
        folder = bench.folder("maven")
        (folder / "pom.xml").write_text(self.pom(), encoding="utf-8")
        bench.say(f"{', '.join(self.libraries)} and what they need")
        jars = bench.tree / "lib"
        options = ("-DincludeScope=runtime", f"-DoutputDirectory={jars}")
        bench.run(["mvn", "-B", "-ntp", COPY, *options], bound_s=RESOLVE_BOUND_S, cwd=folder)
        found = sorted(jars.glob("*.jar"))
        if not found:
            raise CouldNotRun(f"Maven found no jars for {', '.join(self.libraries)}")
        for jar in found:
            bench.accepting.file(jar)
        if self.launchers:
            self._compile(bench, jars)

    def _compile(self, bench: Bench, jars: Path) -> None:
        bench.say("compiling the class that starts it")
        classes = bench.tree / "classes"
        sources = [str(SYSTEMS / name) for name in self.launchers]
        options = ("-proc:none", "-nowarn", "-cp", f"{jars}/*", "-d", str(classes))
        bench.run(["javac", *options, *sources], bound_s=COMPILE_BOUND_S)

    def pom(self) -> str:
        """The project that Maven reads."""
        left_out = _elements("exclusion", self.without)
        libraries = _elements("dependency", self.libraries, f"<exclusions>{left_out}</exclusions>")
        imports = _elements("dependency", self.imports, "<type>pom</type><scope>import</scope>")
        return (
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            '<project xmlns="http://maven.apache.org/POM/4.0.0">\n'
            "<modelVersion>4.0.0</modelVersion>\n"
            "<groupId>ackproof</groupId><artifactId>libraries</artifactId><version>1</version>\n"
            f"<dependencyManagement><dependencies>{imports}</dependencies></dependencyManagement>\n"
            f"<dependencies>{libraries}</dependencies>\n"
            "</project>\n"
        )


def _elements(name: str, coordinates: Iterable[str], more: str = "") -> str:
    """One element for each GROUP:NAME or GROUP:NAME:VERSION."""
    tags = ("groupId", "artifactId", "version")
    inner = (
        "".join(f"<{tag}>{escape(part)}</{tag}>" for tag, part in zip(tags, one.split(":"), strict=False))
        for one in coordinates
    )
    return "".join(f"<{name}>{text}{more}</{name}>" for text in inner)
