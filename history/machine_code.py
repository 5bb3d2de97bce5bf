"""Machine code of kernels, kept on disk, which runs without loading numba.

Loading numba, and letting it load its own cached code, takes some 0.5 s in each process; loading machine code
with llvmlite alone takes some 0.05 s. So what numba compiled is kept a second time, as the object code alone:

    kept = kept_in(folder, "search", stamp)   # where it is, or would be
    native = kept.load(signature)             # None if there is none for these types
    native(flat)                              # `signature` and `flat` are those of `flattened(arguments)`

A function is called as numba's own compiled code calls it: a place for the result, one for an exception, and
then the arguments. Of an array it takes seven numbers: two for an owner, which are null here as these
kernels count no references, then the number of elements, the bytes of each, the address, and for each
dimension its length and stride. `Kept.keep` compares this with what numba says of the function. Whatever is
not as expected is not kept, and numba runs it.
"""

from __future__ import annotations

import os
import sys
import weakref
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

import msgspec
import numpy as np

Signature: TypeAlias = tuple[str, ...]
Native: TypeAlias = Callable[[Sequence[int]], Any]

NUMBER, ARRAY = "i", "a"
"""How types begin in a signature; of an array, its type of elements and whether it may be changed follow."""
MOST = 1 << 63
OK, OK_NOTHING = 0, -2
"""What a function returns: it ended, or it ended and its result is None."""
NOTHING, TRUTH, INTEGER = 0, -1, 1
"""The form of a result: None, a truth value, or that many integers."""
UNUSED = (
    "numba_adapt_ndarray",
    "numba_do_raise",
    "numba_gil_ensure",
    "numba_gil_release",
    "numba_runtime_build_excinfo_struct",
    "numba_unpickle",
)
"""Numba's own helpers. Only the code that takes Python's objects names them, and it is never called here."""


Known: TypeAlias = dict[int, tuple["weakref.ref[Any]", str, tuple[int, ...]]]
"""By place in a signature the array that stood there last, what it is in the signature, and its numbers.
To ask an array where its elements are takes a microsecond, and thousands of calls get the same work space."""


def flattened(arguments: Sequence[Any], known: Known | None = None) -> tuple[Signature, list[int]] | None:
    """The types of a kernel's arguments, and the numbers that machine code takes for them.

    None if one is neither an integer of 64 bits, nor a flat array without gaps, nor a NamedTuple of these.
    The numbers hold addresses: the arguments must outlive the call.

    Args:
        known: what earlier calls with arguments of the same kernel left there.
    """
    signature: list[str] = []
    flat: list[int] = []
    is_flat = _flatten(arguments, signature, flat, {} if known is None else known)
    return (tuple(signature), flat) if is_flat else None


def _flatten(arguments: Sequence[Any], signature: list[str], flat: list[int], known: Known) -> bool:
    for one in arguments:
        if type(one) is int and -MOST <= one < MOST:
            signature.append(NUMBER)
            flat.append(one)
        elif type(one) is np.ndarray:
            place = len(signature)
            before = known.get(place)
            if before is not None and before[0]() is one:
                signature.append(before[1])
                flat += before[2]
                continue
            about = one.__array_interface__
            shape = about["shape"]
            if len(shape) != 1 or about["strides"] is not None:
                return False
            address, is_constant = about["data"]
            length, width = shape[0], one.itemsize
            numbers = (0, 0, length, width, address, length, width)
            kind = f"{ARRAY}{about['typestr']}{is_constant:d}"
            known[place] = weakref.ref(one), kind, numbers
            signature.append(kind)
            flat += numbers
        elif isinstance(one, tuple) and hasattr(one, "_fields"):
            signature.append(f"({type(one).__qualname__}")
            if not _flatten(one, signature, flat, known):
                return False
            signature.append(")")
        else:
            return False
    return True


class _Head(msgspec.Struct):
    """What stands before the machine code in its file."""

    signature: Signature
    stamp: str
    checksum: int
    symbol: str
    """The function's name in the machine code."""
    form: int


@dataclass(frozen=True)
class Kept:
    """The machine code of one kernel, for all types of arguments that it was called with."""

    folder: Path
    name: str
    stamp: str
    """Identifies the source that the code was compiled from."""

    def _file(self, signature: Signature) -> Path:
        types = zlib.crc32(repr(signature).encode())
        return self.folder / f"{self.name}-{types:08x}.{sys.implementation.cache_tag}.machine"

    def load(self, signature: Signature) -> Native | None:
        """The function for arguments of these types; None if none is kept, or it is of other source."""
        try:
            head_line, _, code = self._file(signature).read_bytes().partition(b"\n")
            head = msgspec.json.decode(head_line, type=_Head)
        except (OSError, msgspec.DecodeError):
            return None
        if (head.signature, head.stamp) != (signature, self.stamp + _machine()):
            return None
        if head.checksum != zlib.crc32(code):
            return None
        try:
            address = _linked(head.symbol, code)
        except Exception:  # noqa: BLE001 - llvmlite has no error type of its own; numba compiles it again
            return None
        return _callable(address, head.form, _width(signature))

    def keep(self, signature: Signature, dispatcher: Any, arguments: Sequence[Any]) -> bool:
        """Keep what numba compiled for these arguments, if it is called as described above; and whether."""
        try:
            found = _object_code(signature, dispatcher, arguments)
        except Exception:  # noqa: BLE001 - private parts of numba may change: then it runs the code itself
            return False
        if found is None:
            return False
        symbol, form, code = found
        head = _Head(signature, self.stamp + _machine(), zlib.crc32(code), symbol, form)
        path = self._file(signature)
        own = path.with_name(f"{path.name}.{os.getpid()}")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            own.write_bytes(msgspec.json.encode(head) + b"\n" + code)
            own.replace(path)
        except OSError:
            own.unlink(missing_ok=True)
            return False
        return True


def _width(signature: Signature) -> int:
    """How many numbers a function takes for arguments of these types."""
    return sum(7 if one[0] == ARRAY else one[0] == NUMBER for one in signature)


def _callable(address: int, form: int, width: int) -> Native:
    """The function at an address, which takes that many numbers after its two places for results."""
    import ctypes  # here, since many processes load no machine code

    integer = ctypes.c_int64
    types = (ctypes.c_void_p, ctypes.c_void_p, *[integer] * width)
    function = ctypes.CFUNCTYPE(ctypes.c_int32, *types)(address)
    room = integer * (abs(form) + 1)
    nowhere = ctypes.c_void_p * 1

    def native(flat: Sequence[int]) -> Any:
        result = room()
        status = function(ctypes.addressof(result), ctypes.addressof(nowhere()), *flat)
        if status not in (OK, OK_NOTHING):
            raise RuntimeError(f"a kernel ended with status {status}")
        match form:
            case 0:
                return None
            case -1:
                return bool(result[0] & 1)
            case 1:
                return result[0]
        return tuple(result[:form])

    return native


@cache
def _linker() -> Any:
    import llvmlite.binding as llvm

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    return llvm.create_lljit_compiler()


_LINKED: list[Any] = []
"""What holds the machine code that is in use."""


def _linked(symbol: str, code: bytes) -> int:
    """The address of a function whose machine code is loaded."""
    import ctypes

    import llvmlite.binding as llvm

    linker = _linker()
    library = llvm.JITLibraryBuilder().add_object_img(code).add_current_process().export_symbol(symbol)
    for helper in UNUSED:
        library.import_symbol(helper, ctypes.cast(ctypes.pythonapi.Py_FatalError, ctypes.c_void_p).value)
    tracked = library.link(linker, f"{len(_LINKED)} {symbol}")
    _LINKED.append(tracked)
    return int(tracked[symbol])


@cache
def _machine() -> str:
    """Identifies the processor, and the compiler."""
    import importlib.util

    import llvmlite.binding as llvm

    numba = importlib.util.find_spec("numba")
    compiler = Path(numba.origin).stat() if numba and numba.origin else None
    of_compiler = (compiler.st_mtime_ns, compiler.st_size) if compiler else None
    features = llvm.get_host_cpu_features().flatten()
    known = (llvm.get_host_cpu_name(), features, llvm.llvm_version_info, of_compiler, sys.hexversion)
    settings = sorted(item for item in os.environ.items() if item[0].startswith("NUMBA_"))
    return repr((known, settings))


def _object_code(
    signature: Signature, dispatcher: Any, arguments: Sequence[Any]
) -> tuple[str, int, bytes] | None:
    """The name, the form of the result and the machine code of what numba compiled for these arguments."""
    types = tuple(map(dispatcher.typeof_pyval, arguments))
    compiled = dispatcher.overloads[types]
    function = compiled.fndesc
    packed = compiled.target_context.get_arg_packer(function.argtypes).argument_types
    if list(map(_kind_of_number, packed)) != _expected(signature):
        return None
    form = _form_of(str(function.restype))
    if form is None:
        return None
    cached = dispatcher._cache
    stored = cached._cache_file.load(cached._index_key(types, compiled.library.codegen))
    _, kind, (code, _) = stored[0]
    return (function.llvm_func_name, form, code) if kind == "object" else None


def _kind_of_number(llvm_type: Any) -> str:
    return "address" if llvm_type.is_pointer else str(llvm_type)


def _expected(signature: Signature) -> list[str]:
    """The numbers that machine code takes for arguments of a signature."""
    of_array = ["address", "address", "i64", "i64", "address", "i64", "i64"]
    each = {NUMBER: ["i64"], ARRAY: of_array}
    return [number for one in signature for number in each.get(one[0], [])]


def _form_of(result: str) -> int | None:
    """The form of a result, from numba's name of its type."""
    integers = {"none": NOTHING, "bool": TRUTH, "int64": INTEGER}
    integers |= {f"UniTuple(int64 x {count})": count for count in range(2, 5)}
    return integers.get(result)
