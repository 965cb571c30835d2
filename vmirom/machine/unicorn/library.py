"""The unicorn library as plain C functions.

The Python binding spends 1.5 us on a register, wraps every hook, and takes longer to import than a small
guest to boot; the engine goes through ctypes itself. Of the binding's package it takes the shared library
and the files of constants. Nothing here knows what a guest is.
"""

from __future__ import annotations

import ctypes
import importlib.util
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, Final

from vmirom.machine.engine import EngineError
from vmirom.machine.unicorn.hostcode import HostCode

__all__ = [
    "BLOCK_CALLBACK",
    "CODE_CALLBACK",
    "CPUID_CALLBACK",
    "INTERRUPT_CALLBACK",
    "INVALID_CALLBACK",
    "IN_CALLBACK",
    "MEMORY_CALLBACK",
    "MMIO_READ_CALLBACK",
    "MMIO_WRITE_CALLBACK",
    "OUT_CALLBACK",
    "SYSCALL_CALLBACK",
    "Library",
    "Machine",
    "constants",
    "library",
]

_HANDLE = ctypes.c_void_p
_U32 = ctypes.c_uint32
_U64 = ctypes.c_uint64

INTERRUPT_CALLBACK: Final = ctypes.CFUNCTYPE(None, _HANDLE, _U32, _HANDLE)
CODE_CALLBACK: Final = ctypes.CFUNCTYPE(None, _HANDLE, _U64, _U32, _HANDLE)
BLOCK_CALLBACK: Final = CODE_CALLBACK
INVALID_CALLBACK: Final = ctypes.CFUNCTYPE(ctypes.c_bool, _HANDLE, _HANDLE)
MEMORY_CALLBACK: Final = ctypes.CFUNCTYPE(
    ctypes.c_bool, _HANDLE, ctypes.c_int, _U64, ctypes.c_int, ctypes.c_int64, _HANDLE
)
IN_CALLBACK: Final = ctypes.CFUNCTYPE(_U32, _HANDLE, _U32, ctypes.c_int, _HANDLE)
OUT_CALLBACK: Final = ctypes.CFUNCTYPE(None, _HANDLE, _U32, ctypes.c_int, _U32, _HANDLE)
SYSCALL_CALLBACK: Final = ctypes.CFUNCTYPE(None, _HANDLE, _HANDLE)
CPUID_CALLBACK: Final = ctypes.CFUNCTYPE(_U32, _HANDLE, _HANDLE)
MMIO_READ_CALLBACK: Final = ctypes.CFUNCTYPE(_U64, _HANDLE, _U64, ctypes.c_uint, _HANDLE)
MMIO_WRITE_CALLBACK: Final = ctypes.CFUNCTYPE(None, _HANDLE, _U64, ctypes.c_uint, _U64, _HANDLE)

_PROTOTYPES: Final[dict[str, list[Any]]] = {
    "uc_version": [ctypes.c_void_p, ctypes.c_void_p],
    "uc_open": [_U32, _U32, ctypes.POINTER(_HANDLE)],
    "uc_close": [_HANDLE],
    "uc_emu_start": [_HANDLE, _U64, _U64, _U64, ctypes.c_size_t],
    "uc_emu_stop": [_HANDLE],
    "uc_reg_read": [_HANDLE, ctypes.c_int, _HANDLE],
    "uc_reg_write": [_HANDLE, ctypes.c_int, _HANDLE],
    "uc_context_alloc": [_HANDLE, ctypes.POINTER(_HANDLE)],
    "uc_context_free": [_HANDLE],
    "uc_context_save": [_HANDLE, _HANDLE],
    "uc_context_restore": [_HANDLE, _HANDLE],
    "uc_hook_add": [_HANDLE, ctypes.POINTER(_HANDLE), ctypes.c_int, _HANDLE, _HANDLE, _U64, _U64],
    "uc_hook_del": [_HANDLE, _HANDLE],
    "uc_mem_map_ptr": [_HANDLE, _U64, _U64, _U32, _HANDLE],
    "uc_mem_unmap": [_HANDLE, _U64, _U64],
    "uc_mem_protect": [_HANDLE, _U64, _U64, _U32],
    "uc_mmio_map": [_HANDLE, _U64, _U64, _HANDLE, _HANDLE, _HANDLE, _HANDLE],
    "uc_ctl": [_HANDLE, ctypes.c_int],
}
"""Fixed arguments; uc_hook_add and uc_ctl take more, which ctypes passes as variadic ones."""
_QUICK: Final = frozenset(
    {"uc_emu_stop", "uc_reg_read", "uc_reg_write", "uc_ctl", "uc_context_save", "uc_context_restore"}
)
"""Over in no time, and never calling back: not worth handing the interpreter to another thread meanwhile."""


_NAMES: Final = {"win32": "unicorn.dll", "darwin": "libunicorn.2.dylib"}


def _package() -> Path:
    """Where the package unicorn lies, which is not imported. Raises EngineError."""
    found = importlib.util.find_spec("unicorn")
    if found is None or not found.submodule_search_locations:
        raise EngineError(f"unicorn is not installed: pip install unicorn=={Library.VERSION}")
    return Path(found.submodule_search_locations[0])


@cache
def constants(name: str) -> Any:
    """The numbers that unicorn's API gives to things: its module ``unicorn_const`` or ``x86_const``."""
    path = _package() / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"{__name__}_{name}", path)
    if spec is None or spec.loader is None or not path.is_file():
        raise EngineError(f"unicorn's {path} is missing: pip install unicorn=={Library.VERSION}")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _load() -> ctypes.CDLL:
    """The shared library: in the package, where the wheels put it, or where the binding finds it."""
    path = _package() / "lib" / _NAMES.get(sys.platform, "libunicorn.so.2")
    try:
        if path.is_file():
            return ctypes.CDLL(str(path))
        from unicorn.unicorn_py3.unicorn import uclib
    except (ImportError, OSError) as problem:
        raise EngineError(
            f"unicorn can't be loaded ({problem}): pip install unicorn=={Library.VERSION}"
        ) from None
    return ctypes.CDLL(uclib._name)


class Library:
    """Functions of libunicorn with prototypes of our own, and the QEMU symbols that it happens to export.

    Raises EngineError if unicorn is not installed or not the version that the engine was measured with.
    """

    VERSION: Final = "2.1.4"

    def __init__(self) -> None:
        self.c = _load()
        self.quick = ctypes.PyDLL(self.c._name)
        for name, arguments in _PROTOTYPES.items():
            for form in (self.c, self.quick) if name in _QUICK else (self.c,):
                function = getattr(form, name)
                function.argtypes = arguments
                function.restype = ctypes.c_int
        number = self.c.uc_version(None, None)
        version = f"{number >> 24 & 0xFF}.{number >> 16 & 0xFF}.{number >> 8 & 0xFF}"
        if version != self.VERSION:
            raise EngineError(f"unicorn {version} is not the tested {self.VERSION}")
        self.c.uc_context_size.argtypes = [_HANDLE]
        self.c.uc_context_size.restype = ctypes.c_size_t
        self.c.uc_strerror.argtypes = [ctypes.c_int]
        self.c.uc_strerror.restype = ctypes.c_char_p
        self.invalidate = self._exported("tb_invalidate_phys_range_x86_64", [_HANDLE, _U64, _U64], None)
        self.ram_address = self._exported("qemu_ram_addr_from_host_x86_64", [_HANDLE, _HANDLE], _U64)

    def _exported(self, name: str, arguments: list[Any], result: Any) -> Callable[..., int] | None:
        """A QEMU function by its symbol, as quick; None where the platform's library hides it (Windows)."""
        try:
            function: Any = getattr(self.quick, name)
        except AttributeError:
            return None
        function.argtypes = arguments
        function.restype = result
        return function  # type: ignore[no-any-return]

    def text(self, error: int) -> str:
        """unicorn's own words for an error number."""
        words: bytes = self.c.uc_strerror(error)
        return words.decode("ascii", "replace")


_library: Library | None = None


def library() -> Library:
    """The library, loaded once a process. Raises EngineError."""
    global _library
    if _library is None:
        _library = Library()
    return _library


class Machine:
    """One ``uc_engine``: its handle, its hooks, its end. Every failing call raises EngineError."""

    def __init__(self, tcg_buffer: int = 16 << 20) -> None:
        u = constants("unicorn_const")
        self.library = library()
        self.c = self.library.c
        self.quick = self.library.quick
        self.handle = ctypes.c_void_p()
        self.check(self.c.uc_open(u.UC_ARCH_X86, u.UC_MODE_32, ctypes.byref(self.handle)), "open")
        self._callbacks: list[Any] = []
        self.hooks: dict[int, int] = {}
        """How many have been added of each kind."""
        # The buffer must be chosen before anything else is done; "until" costs 4 us an exit.
        self.control(u.UC_CTL_TCG_BUFFER_SIZE, _U32(tcg_buffer))
        self.control(u.UC_CTL_UC_USE_EXITS, ctypes.c_int(1))
        self.control(u.UC_CTL_UC_EXITS, (_U64 * 1)(), ctypes.c_size_t(0))

    def check(self, error: int, what: str) -> None:
        """Raise EngineError unless ``error`` is 0."""
        if error:
            raise EngineError(f"unicorn refused {what}: {self.library.text(error)}")

    def control(self, number: int, *arguments: Any) -> None:
        """uc_ctl with a writing request."""
        code = 1 << 30 | len(arguments) << 26 | number
        error = self.quick.uc_ctl(self.handle, code, *arguments)
        if error:
            self.check(error, f"control {number}")

    def hook(
        self,
        kind: int,
        prototype: Any,
        function: Callable[..., Any],
        begin: int = 1,
        end: int = 0,
        instruction: int = 0,
        before: Callable[[int], HostCode | None] | None = None,
    ) -> int:
        """Add a hook and keep its callback alive; the answer is the hook's handle. ``before`` may put a
        routine of the host's own in front of the callback, whose address it is given."""
        callback = prototype(function)
        handle = ctypes.c_void_p()
        more = (ctypes.c_int(instruction),) if instruction else ()
        address = ctypes.cast(callback, _HANDLE)
        code = before(address.value or 0) if before is not None else None
        if code is not None:
            address = _HANDLE(code.address)
        error = self.c.uc_hook_add(self.handle, ctypes.byref(handle), kind, address, None, begin, end, *more)
        self.check(error, f"hook {kind}")
        self._callbacks.append((callback, code))
        self.hooks[kind] = self.hooks.get(kind, 0) + 1
        assert handle.value is not None
        return handle.value

    def unhook(self, handle: int) -> None:
        """Remove a hook. Its callback stays alive until close: translated code may still name it."""
        self.check(self.c.uc_hook_del(self.handle, handle), "removal of a hook")

    def open_bus(self, gpa: int, length: int) -> None:
        """Map [gpa, gpa+length) as an undriven bus: reads all ones, forgets writes."""

        def read(_handle: int, _offset: int, size: int, _key: int) -> int:
            return (1 << 8 * size) - 1

        def write(_handle: int, _offset: int, _size: int, _value: int, _key: int) -> None:
            return None

        callbacks = (MMIO_READ_CALLBACK(read), MMIO_WRITE_CALLBACK(write))
        self._callbacks.extend(callbacks)
        error = self.c.uc_mmio_map(
            self.handle,
            gpa,
            length,
            ctypes.cast(callbacks[0], _HANDLE),
            None,
            ctypes.cast(callbacks[1], _HANDLE),
            None,
        )
        self.check(error, f"open bus at {gpa:#x}")

    def read_register(self, number: int) -> int:
        """A register of up to 64 bits by unicorn's number."""
        value = _U64(0)
        error = self.quick.uc_reg_read(self.handle, number, ctypes.byref(value))
        if error:
            self.check(error, f"read of register {number}")
        return value.value

    def write_register(self, number: int, value: int) -> None:
        """Write a register by unicorn's number, with the side effects that unicorn gives it."""
        error = self.quick.uc_reg_write(self.handle, number, ctypes.byref(_U64(value)))
        if error:
            self.check(error, f"write of register {number}")

    def close(self) -> None:
        """Free the engine. May be called twice."""
        if self.handle.value is not None:
            self.c.uc_close(self.handle)
            self.handle = ctypes.c_void_p()
            self._callbacks.clear()
