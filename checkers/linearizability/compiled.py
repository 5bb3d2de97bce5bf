"""Compile a function of flat integer arrays with numba, if it is installed; else leave it as it is.

Compiled code is kept beside the source, or where `NUMBA_CACHE_DIR` says; where neither can be written
it is compiled anew in each process. Without numba (it has no release yet for a new Python, say) every
verdict is the same, only later: `IS_COMPILED` says which, and arrays are lists then, which plain Python
indexes several times faster than numpy arrays.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

numba: Any
try:
    import numba
except ImportError:  # no release for this Python or machine: the same code runs uncompiled
    numba = None

IS_COMPILED = numba is not None and not numba.config.DISABLE_JIT


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate a kernel: numba's nopython mode, no global interpreter lock, cached on disk."""
    if numba is None:
        return function
    kernel: Callable[..., Any]
    try:
        kernel = numba.njit(cache=True, nogil=True)(function)
    except RuntimeError:  # numba found no folder it may write its cache to
        kernel = numba.njit(nogil=True)(function)
    return kernel


def zeros(length: int, fill: int = 0) -> Any:
    """Integers as the kernels take them."""
    return np.full(length, fill, dtype=np.int64) if IS_COMPILED else [fill] * length


def flat(numbers: Any) -> Any:
    """These integers as the kernels take them."""
    if IS_COMPILED:
        return np.asarray(numbers, dtype=np.int64)
    return numbers.tolist() if isinstance(numbers, np.ndarray) else list(numbers)
