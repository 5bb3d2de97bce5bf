"""Compiles a function of flat integer arrays with numba if numba is installed, and else leaves it as it is.

Numba keeps compiled code on disk: next to the source, or in the folder that `NUMBA_CACHE_DIR` names. If it
can write to neither, each process compiles again. Without numba (it may have no release yet for a new
Python) each verdict is the same, and takes longer: `IS_COMPILED` tells which. Arrays are then lists, which
plain Python indexes several times faster than numpy arrays.

An arena has some twenty arrays, and numba counts references to each array that a kernel takes from it. This
cost a fifth of the search's time. So kernels that make no arrays are compiled without the counting, and small
kernels are inlined.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias, TypeVar, cast

import numpy as np
import numpy.typing as npt

numba: Any
try:
    import numba
except ImportError:  # no release for this Python or machine: the same code runs uncompiled
    numba = None

IS_COMPILED: bool = numba is not None and not numba.config.DISABLE_JIT

Integers: TypeAlias = npt.NDArray[np.int64]
"""Integers as the kernels take them. Where nothing is compiled these are lists, so kernels use only what
lists have, too: the length, and one element at a time."""
AnyIntegers: TypeAlias = npt.NDArray[np.integer[Any]]
"""Integers of any width."""

F = TypeVar("F", bound=Callable[..., Any])


def compiled(function: F) -> F:
    """Decorate a kernel that may make arrays: no global interpreter lock, compiled code kept on disk."""
    return _compiled(function)


def compiled_in_place(function: F) -> F:
    """Decorate a kernel that only changes arrays which it was given."""
    return _compiled(function, _nrt=False)


def inlined(function: F) -> F:
    """Decorate a small kernel that other kernels call: its code becomes a part of theirs."""
    return _compiled(function, _nrt=False, inline="always")


def _compiled(function: F, **options: Any) -> F:
    if numba is None:
        return function
    if "inline" in options:
        return cast(F, numba.njit(nogil=True, **options)(function))
    try:
        kernel = numba.njit(cache=True, nogil=True, **options)(function)
        _expire_with_folder(kernel, function)
    except RuntimeError:  # numba found no folder it may write its cache to
        kernel = numba.njit(nogil=True, **options)(function)
    return cast(F, kernel)


def _expire_with_folder(kernel: Any, function: Callable[..., Any]) -> None:
    """Compile again if any file of the kernels changes.

    A kernel's compiled code holds that of the kernels which it calls, from other files, and numba compares
    only the kernel's own file.
    """
    file: Any = getattr(getattr(kernel, "_cache", None), "_cache_file", None)
    if hasattr(file, "_source_stamp"):
        own = Path(function.__code__.co_filename).parent
        file._source_stamp = (file._source_stamp, _stamps(Path(__file__).parent), _stamps(own))


@cache
def _stamps(folder: Path) -> tuple[tuple[str, int, int], ...]:
    found = ((path.name, path.stat()) for path in sorted(folder.glob("*.py")))
    return tuple((name, status.st_mtime_ns, status.st_size) for name, status in found)


def zeros(length: int, fill: int = 0) -> Integers:
    """An array of that length for the kernels, all of whose elements are `fill`."""
    return np.full(length, fill, dtype=np.int64) if IS_COMPILED else cast(Integers, [fill] * length)


def flat(numbers: Sequence[int] | AnyIntegers) -> Integers:
    """These integers as an array for the kernels."""
    if IS_COMPILED:
        return np.asarray(numbers, dtype=np.int64)
    return cast(Integers, numbers.tolist() if isinstance(numbers, np.ndarray) else list(numbers))


def extended(numbers: Integers, more: Integers) -> Integers:
    """An array for the kernels that holds `numbers` and then `more`."""
    if isinstance(numbers, np.ndarray):
        return np.concatenate([numbers, more])
    return numbers + more
