"""docs/workloads.md names every workload with its data type, and every data type with its operations."""

from __future__ import annotations

import re

from harness.client.data_types import DATA_TYPES
from harness.workload import WORKLOADS, workload
from tests import REPOSITORY

PAGE = (REPOSITORY / "docs" / "workloads.md").read_text(encoding="utf-8")


def test_every_workload_stands_in_the_table_with_its_data_type() -> None:
    rows = dict(re.findall(r"^\| `([\w-]+)`[^|]*\|[^|]*\| `([\w-]+)` \|", PAGE, re.MULTILINE))
    assert rows == {name: workload(name, ("n1",), 1).data_type for name in WORKLOADS}


def test_every_data_type_stands_in_the_table_with_its_operations() -> None:
    rows = dict(re.findall(r"^\| `([\w-]+)` \| ([^|]+) \|$", PAGE, re.MULTILINE))
    assert {name: text.replace("`", "") for name, text in rows.items()} == dict(DATA_TYPES)
