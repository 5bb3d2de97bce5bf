"""Data types for linearizability: what each operation requires of a state, and how it changes it.

`model` says what a model is. Each data type is one file of at most 40 lines; `MODELS` lists them, so a new
one is a new file and one line below. A model sees one call with its reply at a time. It knows nothing of the
formats of histories, and searches for no order.
"""

from collections.abc import Mapping

from checkers.models.counter import Counter
from checkers.models.fenced_lock import FencedLock
from checkers.models.key_value import KeyValue
from checkers.models.model import Call, Model
from checkers.models.multi_register import MultiRegister
from checkers.models.mutex import Mutex
from checkers.models.queue import Queue
from checkers.models.register import CasRegister, ReadWriteRegister
from checkers.models.registry import RegistryEntry
from checkers.models.set import Set

MODELS: Mapping[str, Model] = {
    model.name: model
    for model in (
        ReadWriteRegister(),
        CasRegister(),
        MultiRegister(),
        KeyValue(),
        Mutex(),
        FencedLock(),
        Set(),
        Queue(),
        Counter(),
        RegistryEntry(),
    )
}
"""By the name that `ackproof check --model` takes."""

__all__ = ["MODELS", "Call", "Model"]
