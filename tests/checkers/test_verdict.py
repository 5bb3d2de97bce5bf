"""A verdict's marks: what was not judged is `unknown`, and says why."""

from __future__ import annotations

import msgspec
import pytest

from checkers.verdict import Unjudged, Validity, Verdict


@pytest.mark.parametrize("mark", Unjudged)
def test_what_was_not_judged_is_unknown_and_carries_its_own_mark(mark: Unjudged) -> None:
    verdict = Verdict.marked("durable-log", mark, "no node was restarted")
    assert (verdict.validity, verdict.unjudged, verdict.mark) == (Validity.UNKNOWN, mark, mark)
    assert msgspec.json.decode(msgspec.json.encode(verdict), type=Verdict) == verdict
    assert msgspec.to_builtins(verdict)["unjudged"] == mark.value


@pytest.mark.parametrize("validity", Validity)
def test_what_was_judged_has_its_validity_as_its_mark(validity: Validity) -> None:
    verdict = Verdict.marked("durable-log", validity, "3 restarts")
    assert verdict == Verdict("durable-log", validity, "3 restarts")
    assert verdict.mark is validity


@pytest.mark.parametrize("validity", [Validity.VALID, Validity.INVALID])
def test_nothing_is_valid_or_invalid_without_having_been_judged(validity: Validity) -> None:
    with pytest.raises(ValueError, match="durable-log: what was not exercised cannot be"):
        Verdict("durable-log", validity, "", unjudged=Unjudged.NOT_EXERCISED)
    text = b'{"checker": "a", "validity": "valid", "summary": "", "unjudged": "only measures"}'
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(text, type=Verdict)
