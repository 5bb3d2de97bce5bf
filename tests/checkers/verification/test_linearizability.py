"""Every verdict on a data type has a certificate that verifies, and no wrong certificate verifies."""

from __future__ import annotations

from random import Random

import msgspec
import pytest

from ackproof.judging.checking import Question
from checkers.certificates.linearizability import certificate_of
from checkers.linearizability.answer import NEVER, Budget
from checkers.linearizability.part import Part
from checkers.models import MODELS
from checkers.models.model import Model
from checkers.verification.certificate import (
    Certificate,
    CertificateError,
    Circle,
    Claim,
    ClosedPart,
    NoSource,
    NoSum,
    Order,
    loaded,
    stored,
)
from checkers.verification.data_types.closed_parts import TooLarge
from checkers.verification.recheck import recheck_linearizability
from history import History
from tests.checkers.builders import HistoryBuilder
from tests.checkers.models.small_histories import ALL_MODELS, linearizable, small_history


def recorded(part: Part) -> History:
    """A part as the history that it came from; each operation is of a process of its own."""
    events = [(int(at), place, True) for place, at in enumerate(part.invoked)]
    events += [(int(at), place, False) for place, at in enumerate(part.completed) if at != NEVER]
    built = HistoryBuilder()
    for _, place, begins in sorted(events):
        call = part.call(place)
        if begins:
            built.invoke(place, call.f, "k", call.argument)
        else:
            built.ok(place, call.result)
    return History(built.operations)


def certified(history: History, model: Model) -> Certificate:
    found = certificate_of(history, model, Budget(), name=model.name, options={})
    assert loaded(stored(found)) == found
    return found


@pytest.mark.parametrize("model", ALL_MODELS, ids=lambda model: model.name)
def test_every_small_verdict_has_a_certificate_that_verifies(model: Model) -> None:
    random = Random(14)
    kinds: set[str] = set()
    for _ in range(150):
        part = small_history(model, random, kind=random.choice(["correct", "mutated", "arbitrary"]))
        if not len(part):
            continue
        history = recorded(part)
        certificate = certified(history, model)
        expected = Claim.VALID if linearizable(model, part) else Claim.INVALID
        if (
            not any(isinstance(p, Order) and p.operations for p in certificate.proofs)
            and expected is Claim.VALID
        ):
            continue  # every operation has an unknown outcome: an empty order proves nothing
        assert certificate.claim is expected
        recheck_linearizability(history, model, certificate)
        kinds |= {type(proof).__name__ for proof in certificate.proofs}
    assert "Order" in kinds
    assert len(kinds) > 1


def forged(random: Random, part: Part, certificate: Certificate) -> Certificate:
    """A certificate that somebody made up, or one with a small change."""
    indices = list(range(2 * len(part) + 1))
    claim = random.choice([Claim.VALID, Claim.INVALID])
    proof = certificate.proofs[0] if certificate.proofs else Order("k", ())
    match proof:
        case Order() if random.random() < 0.7 and proof.operations:
            operations = list(proof.operations)
            if random.random() < 0.5:
                operations.pop(random.randrange(len(operations)))
            else:
                place, other = random.randrange(len(operations)), random.randrange(len(operations))
                operations[place], operations[other] = operations[other], operations[place]
            return msgspec.structs.replace(certificate, proofs=(Order("k", tuple(operations)),))
    made_up = random.choice(
        [
            Circle(
                "k",
                tuple(
                    (random.choice(indices), random.choice(indices)) for _ in range(random.choice([1, 2, 3]))
                ),
            ),
            NoSource("k", random.choice(indices)),
            NoSum("k", random.choice(indices)),
            ClosedPart("k", random.choice(indices)),
            ClosedPart("k", random.choice(indices), ('"a"',)),
            ClosedPart("k", random.choice(indices), ('"a"', '"b"')),
            Order("k", tuple(random.sample(indices, len(part)))),
        ]
    )
    return msgspec.structs.replace(certificate, claim=claim, proofs=(made_up,))


@pytest.mark.parametrize("model", ALL_MODELS, ids=lambda model: model.name)
def test_whatever_verifies_is_true(model: Model) -> None:
    random = Random(15)
    verified = refused = 0
    for _ in range(150):
        part = small_history(model, random, kind=random.choice(["correct", "mutated", "arbitrary"]))
        if not len(part):
            continue
        history = recorded(part)
        expected = Claim.VALID if linearizable(model, part) else Claim.INVALID
        certificate = certified(history, model)
        for _ in range(10):
            fake = forged(random, part, certificate)
            try:
                recheck_linearizability(history, model, fake)
            except CertificateError:
                refused += 1
            else:
                verified += 1
                assert fake.claim is expected
    assert verified
    assert refused


def test_a_key_without_an_order_is_missed() -> None:
    built = HistoryBuilder()
    built.do("write", "x", 1)
    built.do("write", "y", 1)
    history, model = History(built.operations), MODELS["register"]
    whole = certified(history, model)
    assert "2 operations on 2 keys" in recheck_linearizability(history, model, whole)
    with pytest.raises(CertificateError, match="no order of key 'y'"):
        recheck_linearizability(history, model, msgspec.structs.replace(whole, proofs=whole.proofs[:1]))


def an_odd_sum_of_even_numbers() -> History:
    """Ten additions and a read, all at once; only trying every order of them shows what is wrong."""
    built = HistoryBuilder()
    built.invoke(10, "read", "x")
    for process in range(10):
        built.invoke(process, "add", "x", 2 << process)
    for process in range(10):
        built.ok(process)
    built.ok(10, 7)
    return History(built.operations)


def test_a_search_that_is_too_large_proves_nothing() -> None:
    history, model = an_odd_sum_of_even_numbers(), MODELS["counter"]
    certificate = Certificate("counter", Claim.INVALID, proofs=(ClosedPart("x", len(history) - 1),))
    with pytest.raises(TooLarge, match="100 configurations"):
        recheck_linearizability(history, model, certificate, 100)
    assert "have no order" in recheck_linearizability(history, model, certificate)


@pytest.mark.parametrize("model", ["queue", "set"])
def test_a_part_of_the_elements_begins_with_those_of_them_that_were_there_at_first(model: str) -> None:
    built = HistoryBuilder()
    take, show = ("dequeue", "dequeue") if model == "queue" else ("remove", "read")
    built.do(take, "x", None if model == "queue" else 1, result=1 if model == "queue" else True)
    built.do(show, "x", None, result=2 if model == "queue" else [2])
    history = History(built.operations)
    question = Question(model, options={"initial": "[1, 2]"}).data_type()
    for values in ((), ("2",), ("1",), ("1", "2")):
        certificate = Certificate(model, Claim.INVALID, proofs=(ClosedPart("x", 3, values),))
        with pytest.raises(CertificateError, match="do have an order"):
            recheck_linearizability(history, question, certificate)


def test_what_was_not_decided_has_no_certificate() -> None:
    history = an_odd_sum_of_even_numbers()
    found = certificate_of(history, MODELS["counter"], Budget(10), name="counter", options={})
    assert found.claim is None
    assert "key 'x' was not decided within 10 configurations" in found.without


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not a certificate"),
        (b"[" * 100_000, "not a certificate"),
        (b'{"model": "register", "claim": "perhaps"}', "not a certificate"),
        (b'{"model": "register", "claim": "valid", "version": 7}', "version 7"),
    ],
)
def test_a_file_that_is_no_certificate_is_refused(content: bytes, message: str) -> None:
    with pytest.raises(CertificateError, match=message):
        loaded(content)
