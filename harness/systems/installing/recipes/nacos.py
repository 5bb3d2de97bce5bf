"""Nacos by version, by Maven. Its makers published 0.8.0 alone; third parties published the others."""

from __future__ import annotations

from harness.systems.installing.recipe import Jars, Recipe, Release
from harness.systems.installing.sources.maven import Maven

_JARS_ALONE = ("lib/*.jar",)
_WITH_LAUNCHER = ("classes", "lib/*.jar")
"""Where the build comes without a main class that starts naming alone, a launcher of ours has it."""
_THIRD_PARTY = "A third party republished this build; it was not compared with the makers' own."
_WITHOUT = ("com.alipay.sofa:hessian",)

NACOS = Recipe(
    system="nacos",
    programs=(Jars("nacos", version=r"nacos-naming-(\d[\d.]*\d)(?:-\w+)?\.jar$", debian="", java=8),),
    releases=(
        Release(
            "2.3.2",
            Maven(("org.jeecgframework.nacos:nacos-console:2.3.2",), without=_WITHOUT),
            {"nacos": _JARS_ALONE},
            needs_mib=900,
            note=_THIRD_PARTY,
        ),
        Release(
            "0.8.0",
            Maven(
                ("com.alibaba.nacos:nacos-naming:0.8.0", "com.alibaba.nacos:nacos-config:0.8.0"),
                launchers=("nacos/launchers/Nacos080.java",),
            ),
            {"nacos": _WITH_LAUNCHER},
            needs_mib=500,
        ),
        Release(
            "1.4.1",
            Maven(
                ("com.pig4cloud.nacos:nacos-naming:1.4.1", "com.pig4cloud.nacos:nacos-config:1.4.1"),
                imports=("com.pig4cloud.nacos:nacos-all:1.4.1",),
                without=_WITHOUT,
                launchers=("nacos/launchers/Nacos141.java",),
            ),
            {"nacos": _WITH_LAUNCHER},
            needs_mib=700,
            note=_THIRD_PARTY,
        ),
        Release(
            "3.1.0",
            Maven(
                (
                    "io.github.pig-mesh.nacos:nacos-console:3.1.0-bugfix",
                    "io.github.pig-mesh.nacos:nacos-server:3.1.0-bugfix",
                ),
                without=_WITHOUT,
                launchers=("nacos/launchers/Nacos310.java",),
            ),
            {"nacos": _WITH_LAUNCHER},
            needs_mib=1000,
            note=_THIRD_PARTY,
        ),
    ),
)
