"""Runs this process's nodes with a mutation: one function gets the mutated code, and then its own back.

The function object stays, and with it its class and whatever refers to it: nothing is imported again.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import CodeType, FunctionType

from harness.mutants.generated.mutations import CORE, Mutation, mutated
from node_impl.core.build import DEFAULT_PARTS


class StillbornError(Exception):
    """A mutation of which no function can be made."""


def function_of(mutation: Mutation) -> FunctionType:
    """The function that a mutation changes; the node's code is loaded, since `DEFAULT_PARTS` names it."""
    assert DEFAULT_PARTS.node is not None
    found: object = sys.modules[mutation.module]
    for part in mutation.function.split("."):
        found = vars(found)[part]
    if isinstance(found, property):
        found = found.fget
    if isinstance(found, staticmethod | classmethod):
        found = found.__func__
    found = getattr(found, "__wrapped__", found)
    assert isinstance(found, FunctionType), mutation.name
    return found


@contextmanager
def patched(mutation: Mutation) -> Iterator[None]:
    """Let nodes of this process have the mutation.

    Raises:
        StillbornError: the mutated code does not compile, or cannot take the place of the function's.
    """
    function = function_of(mutation)
    path = CORE.parents[1].joinpath(*mutation.module.split(".")).with_suffix(".py")
    own = function.__code__
    try:
        module = compile(mutated(path, mutation), str(path), "exec")
        function.__code__ = _code_in(module, mutation.function)
    except (SyntaxError, ValueError) as error:
        raise StillbornError(str(error)) from error
    try:
        yield
    finally:
        function.__code__ = own


def _code_in(module: CodeType, name: str) -> CodeType:
    waiting = [module]
    while waiting:
        code = waiting.pop()
        if code.co_qualname == name:
            return code
        waiting.extend(constant for constant in code.co_consts if isinstance(constant, CodeType))
    raise ValueError(f"there is no {name}")
