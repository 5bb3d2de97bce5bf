"""Kernels: functions of flat integer arrays that run as plain Python, or compiled by numba.

Each kernel has both forms, which give the same answers. Compiling for the first time takes 7 s, and loading
compiled code 0.05 s (see `machine_code`; 0.5 s with numba), so little work is done in plain Python. `fitting`
says which form is sooner done; it counts the work that a process gave to plain Python, and from `LITTLE` on
(`LITTLE_IF_KEPT`, if compiled code was kept) it says COMPILED. Without numba (it may have no release yet for
a new Python) everything is plain.

    form = fitting(work=len(rows))
    form.of(kernel)(form.flat(rows), form.zeros(10))

A kernel that is simply called is compiled, if numba is there. `kernel.by_size(...)` takes numpy arrays, and
chooses by how many elements they have.

Numba keeps compiled code on disk: next to the source, or in the folder that `NUMBA_CACHE_DIR` names. If it
can write to neither, each process compiles again. Plain kernels take lists, which plain Python indexes
several times faster than numpy arrays.

An arena has some twenty arrays, and numba counts references to each array that a kernel takes from it. This
cost a fifth of the search's time. So kernels that make no arrays are compiled without the counting, and small
kernels are inlined.
"""

from __future__ import annotations

import importlib.util
import os
import sys
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import Enum
from functools import cache, cached_property
from pathlib import Path
from types import FunctionType
from typing import Any, Generic, ParamSpec, TypeAlias, TypeVar, cast

import numpy as np
import numpy.typing as npt

from history.machine_code import Kept, Known, Native, Signature, flattened

Integers: TypeAlias = npt.NDArray[np.int64]
"""Integers as the kernels take them. In plain Python these are lists, so kernels use only what lists have,
too: the length, and one element at a time."""
AnyIntegers: TypeAlias = npt.NDArray[np.integer[Any]]
"""Integers of any width."""
P = ParamSpec("P")
R = TypeVar("R")

LITTLE, LITTLE_IF_KEPT = 200_000, 40_000
"""Steps of kernels, each of about a microsecond of plain Python, that are done before kernels are compiled,
or before their machine code is loaded."""


MARK = f"kernels.{sys.implementation.cache_tag}.machine"
"""The name of an empty file that is there once machine code was kept."""
IN_PLACE = {"_nrt": False}
"""The options of a kernel that makes no arrays."""


class Kernel(Generic[P, R]):
    """A function of flat integer arrays in two forms. What it calls by a global name is of the same form."""

    def __init__(self, function: Callable[P, R], **options: Any) -> None:
        self._function = cast(FunctionType, function)
        self._options = options
        self.__doc__ = function.__doc__

    def __call__(self, *arguments: P.args, **named: P.kwargs) -> R:
        """Run the compiled form, or the plain one where there is no numba."""
        return self.compiled(*arguments, **named)

    def by_size(self, *arguments: P.args, **named: P.kwargs) -> R:
        """Run the form that is sooner done, for a kernel whose time is about linear in its arguments.

        The arguments are numbers, numpy arrays of integers, and NamedTuples of these.
        """
        arrays = list(_arrays_in(arguments))
        if fitting(sum(map(len, arrays))) is Form.COMPILED:
            return self.compiled(*arguments, **named)
        lists = {id(array): array.tolist() for array in arrays}
        plain: Callable[..., R] = self.plain
        result = plain(*_replaced(arguments, lists))
        for array in arrays:
            if array.flags.writeable:
                array[:] = lists[id(array)]
        return result

    @cached_property
    def plain(self) -> Callable[P, R]:
        """The kernel in plain Python."""
        function, names = self._with_own_globals()
        self.__dict__["plain"] = function  # at once, since a kernel may call itself
        try:
            names.update({name: kernel.plain for name, kernel in self._called().items()})
        except BaseException:  # it was interrupted, and is not whole
            del self.__dict__["plain"]
            raise
        return cast(Callable[P, R], function)

    @cached_property
    def compiled(self) -> Callable[P, R]:
        """The kernel as numba compiles it at its first call; the plain one where there is no numba.

        If machine code of it is on disk, numba is not loaded.
        """
        if not can_compile():
            return self.plain
        return cast(Callable[P, R], _FromDisk(self)) if self._options == IN_PLACE else self.by_numba

    @cached_property
    def by_numba(self) -> Callable[P, R]:
        """The kernel as numba compiles it at its first call; the plain one where there is no numba."""
        numba = _numba()
        if numba is None:
            return self.plain
        function, names = self._with_own_globals()
        dispatcher = self._dispatcher(numba, function)
        self.__dict__["by_numba"] = dispatcher
        try:
            names.update({name: kernel.by_numba for name, kernel in self._called().items()})
        except BaseException:  # it was interrupted, and is not whole
            del self.__dict__["by_numba"]
            raise
        return cast(Callable[P, R], dispatcher)

    def _dispatcher(self, numba: Any, function: FunctionType) -> Any:
        if "inline" in self._options or "no_cpython_wrapper" in self._options:
            return numba.njit(nogil=True, **self._options)(function)
        try:
            dispatcher = numba.njit(cache=True, nogil=True, **self._options)(function)
        except RuntimeError:  # numba found no folder it may write its cache to
            return numba.njit(nogil=True, **self._options)(function)
        self._expire_with_folders(dispatcher)
        return dispatcher

    def _expire_with_folders(self, dispatcher: Any) -> None:
        """Compile again if any file of the kernels changes.

        A kernel's compiled code holds that of the kernels which it calls, from other files, and numba
        compares only the kernel's own file.
        """
        file: Any = getattr(getattr(dispatcher, "_cache", None), "_cache_file", None)
        if hasattr(file, "_source_stamp"):
            file._source_stamp = (file._source_stamp, *self.stamps())

    def stamps(self) -> tuple[tuple[tuple[str, int, int], ...], ...]:
        """What changes if any file of the folders that the compiled code comes from changes."""
        return tuple(map(_stamps, sorted({Path(__file__).parent, *self._folders()})))

    @property
    def source(self) -> tuple[Path, str]:
        """The file of the kernel, and its name."""
        return Path(self._function.__code__.co_filename), self._function.__qualname__

    def _folders(self, known: frozenset[int] = frozenset()) -> set[Path]:
        """The folders of this kernel and of all that it calls."""
        known |= {id(self)}
        found = {Path(self._function.__code__.co_filename).parent}
        for kernel in self._called().values():
            if id(kernel) not in known:
                found |= kernel._folders(known)
        return found

    def _with_own_globals(self) -> tuple[FunctionType, dict[str, Any]]:
        """A copy of the function, with globals that can be replaced."""
        original = self._function
        names = dict(original.__globals__)
        copy = FunctionType(
            original.__code__, names, original.__name__, original.__defaults__, original.__closure__
        )
        copy.__qualname__, copy.__module__ = original.__qualname__, original.__module__
        return copy, names

    def _called(self) -> dict[str, Kernel[..., Any]]:
        known = self._function.__globals__
        return {name: known[name] for name in self._function.__code__.co_names if _is_kernel(known, name)}


class _FromDisk:
    """A kernel's compiled form: its machine code from disk; or by numba, and then it is kept there."""

    def __init__(self, kernel: Kernel[..., Any]) -> None:
        self._kernel = kernel
        source, name = kernel.source
        self._kept = Kept(_kept_code(source), f"{source.stem}.{name}", repr(kernel.stamps()))
        self._ready: dict[Signature, Native | None] = {}
        self._known: Known = {}

    def __call__(self, *arguments: Any) -> Any:
        native_arguments = flattened(arguments, self._known)
        if native_arguments is None:
            return self._kernel.by_numba(*arguments)
        signature, flat = native_arguments
        try:
            native = self._ready[signature]
        except KeyError:
            native = self._ready[signature] = self._kept.load(signature)
            if native is None:
                result = self._kernel.by_numba(*arguments)
                if self._kept.keep(signature, self._kernel.by_numba, arguments):
                    _note_that_code_was_kept()
                return result
        return self._kernel.by_numba(*arguments) if native is None else native(flat)


def _kept_code(source: Path) -> Path:
    """The folder for the machine code of a source file: next to it, or where numba's cache shall be."""
    given = os.environ.get("NUMBA_CACHE_DIR")
    if not given:
        return source.parent / "__pycache__"
    where = zlib.crc32(str(source.parent).encode())
    return Path(given) / f"{source.parent.name}_{where:08x}"


def _is_kernel(known: Mapping[str, Any], name: str) -> bool:
    return isinstance(known.get(name), Kernel)


def _arrays_in(arguments: Any) -> Iterator[npt.NDArray[Any]]:
    for argument in arguments:
        if isinstance(argument, np.ndarray):
            yield argument
        elif isinstance(argument, tuple):
            yield from _arrays_in(argument)


def _replaced(arguments: Any, lists: Mapping[int, list[int]]) -> Any:
    """The arguments with a list in place of each array."""
    replaced = [
        lists[id(one)]
        if isinstance(one, np.ndarray)
        else _replaced(one, lists)
        if isinstance(one, tuple)
        else one
        for one in arguments
    ]
    return type(arguments)(*replaced) if hasattr(arguments, "_fields") else tuple(replaced)


def compiled(function: Callable[P, R]) -> Kernel[P, R]:
    """Decorate a kernel that may make arrays: no global interpreter lock, compiled code kept on disk."""
    return Kernel(function)


def compiled_in_place(function: Callable[P, R]) -> Kernel[P, R]:
    """Decorate a kernel that only changes arrays which it was given."""
    return Kernel(function, **IN_PLACE)


def called_by_kernels(function: Callable[P, R]) -> Kernel[P, R]:
    """Decorate a kernel that only changes arrays, and that only other kernels call where it is compiled.

    Without the code that takes Python's objects apart, a kernel of some sixty arrays compiles in a fraction
    of the time.
    """
    return Kernel(function, _nrt=False, no_cpython_wrapper=True, no_cfunc_wrapper=True)


def inlined(function: Callable[P, R]) -> Kernel[P, R]:
    """Decorate a small kernel that other kernels call: its code becomes a part of theirs."""
    return Kernel(function, _nrt=False, inline="always")


class Form(Enum):
    """How kernels run, with the arrays that they take."""

    PLAIN = "plain Python, on lists"
    COMPILED = "compiled, on numpy arrays"

    def of(self, kernel: Kernel[P, R]) -> Callable[P, R]:
        """The kernel in this form."""
        return kernel.compiled if self is Form.COMPILED else kernel.plain

    def zeros(self, length: int, fill: int = 0) -> Integers:
        """An array of that length, all of whose elements are `fill`."""
        if self is Form.COMPILED and fill == 0:
            return np.zeros(length, dtype=np.int64)  # pages of work space that is never used cost nothing
        if self is Form.COMPILED:
            return np.full(length, fill, dtype=np.int64)
        return cast(Integers, [fill] * length)

    def flat(self, numbers: Sequence[int] | AnyIntegers) -> Integers:
        """These integers as an array; it may be the same one."""
        if self is Form.COMPILED:
            return np.asarray(numbers, dtype=np.int64)
        return cast(Integers, numbers.tolist() if isinstance(numbers, np.ndarray) else list(numbers))


def extended(numbers: Integers, more: Integers) -> Integers:
    """An array of either form that holds `numbers` and then `more`."""
    if isinstance(numbers, np.ndarray):
        return np.concatenate([numbers, more])
    return numbers + more


class _Process:
    """What this process has done so far. It decides which form runs, never what a kernel answers."""

    plain_work = 0
    compiles = False


def fitting(work: int) -> Form:
    """The form in which this number of steps is done sooner, each of about a microsecond of plain Python."""
    _Process.plain_work += work
    if not _Process.compiles:
        bound = LITTLE_IF_KEPT if _Process.plain_work > LITTLE_IF_KEPT and _was_kept() else LITTLE
        if _Process.plain_work <= bound:
            return Form.PLAIN
    _Process.compiles = can_compile()
    return Form.COMPILED if _Process.compiles else Form.PLAIN


@cache
def _was_kept() -> bool:
    """Whether a process kept machine code; whether it is still of its source, only the kernels can tell."""
    return _kept_code(Path(__file__)).joinpath(MARK).exists()


@cache
def _note_that_code_was_kept() -> None:
    folder = _kept_code(Path(__file__))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        folder.joinpath(MARK).touch()
    except OSError:
        return  # so the next process does more in plain Python


@cache
def can_compile() -> bool:
    """Whether numba is installed, and may compile. It is not loaded to find that out."""
    is_off = os.environ.get("NUMBA_DISABLE_JIT", "0") not in ("", "0")
    return not is_off and importlib.util.find_spec("numba") is not None


@cache
def _numba() -> Any:
    """The module, or None where Python or the machine has no release of it, or compiling is turned off."""
    if importlib.util.find_spec("numba") is None:
        return None
    import numba

    settings: Any = numba.config  # it fills itself with the settings when it is imported
    return None if settings.DISABLE_JIT else numba


@cache
def _stamps(folder: Path) -> tuple[tuple[str, int, int], ...]:
    found = ((path.name, path.stat()) for path in sorted(folder.glob("*.py")))
    return tuple((name, status.st_mtime_ns, status.st_size) for name, status in found)
