"""Messages about names that do not exist."""

from __future__ import annotations

from harness.errors import MOST_LISTED, unknown_name


def test_of_a_long_list_the_near_name_alone_is_shown_and_all_where_there_is_none() -> None:
    names = [f"bug-{number:02}" for number in range(MOST_LISTED + 1)]
    assert unknown_name("mutant", "bugs-07", names) == "unknown mutant 'bugs-07': did you mean 'bug-07'?"
    assert unknown_name("mutant", "zzz", names).endswith(f"known are {', '.join(names)}")
    assert unknown_name("mutant", "bugs-01", names[:2]).endswith("? known are bug-00, bug-01")
