"""PySyncObj by version: Python modules, which a small server of ours runs."""

from __future__ import annotations

from harness.systems.installing.recipe import Modules, Recipe, Release
from harness.systems.installing.sources.pip import Pip

_BUILD = ("setuptools==75.8.0",)
"""The index has source archives alone."""
_VERSIONS = ("0.3.17", "0.3.16", "0.3.15", "0.3.14", "0.3.13", "0.3.12", "0.3.11", "0.3.10")


def _of(version: str) -> Release:
    return Release(version, Pip((f"pysyncobj=={version}",), _BUILD), {"pysyncobj": (".",)}, needs_mib=30)


PYSYNCOBJ = Recipe(
    system="pysyncobj",
    programs=(Modules("pysyncobj"),),
    releases=tuple(_of(version) for version in _VERSIONS),
    other=_of,
)
