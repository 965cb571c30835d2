"""The C of the ROMs compiled for the host: the same sources, with the machine and the hypervisor in Python.

A ROM's library is made of every C file that the ROM is made of, and of ``<backend>_host.c`` beside this
module, which stands in the place of the ROM's assembly and of the processor. The shared files have a library
of their own with the whole platform in Python, so that they can be driven without any backend.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cffi
import pytest

from tests.once import made_once
from vmirom.rom.build import backend_names, backend_sources
from vmirom.schema.tree import source_tree

__all__ = ["SHARED", "Library", "compile_rom", "compile_sources", "host_files", "need_compiler"]

SHARED = "shared"
_SHARED_FILES = ("alarm", "apic", "apic_calls", "boot", "interrupt", "pic", "ports", "probe", "rom", "uart")
_SOURCE = {SHARED: "host_devices.c"}


def need_compiler() -> None:
    """Skip the test where there is none."""
    if not any(shutil.which(name) for name in ("cc", "gcc", "clang")):
        pytest.skip("no C compiler for the host (cc); install gcc or clang")


def host_files() -> dict[str, tuple[Path, ...]]:
    """The C files of each library by its name: a backend, or SHARED."""
    shared = source_tree("romsrc") / "rom" / "shared"
    roms = {
        name: tuple(each for each in backend_sources(name).files if each.suffix == ".c")
        for name in backend_names()
    }
    return {SHARED: tuple(shared / f"{name}.c" for name in _SHARED_FILES)} | roms


def compile_rom(backend: str, declarations: str) -> Library:
    """The library of a backend's C, once a test run; ``declarations``: what the test wants of it (cffi)."""
    return _compile(backend, declarations, backend_sources(backend).includes)


def compile_sources(declarations: str, backend_header: str) -> Library:
    """The library of the shared C. ``backend_header`` is the backend.h of a backend that there is not."""
    folder = Path(tempfile.mkdtemp(prefix="vmirom-host-"))
    (folder / "backend.h").write_text(backend_header)
    root = source_tree("romsrc")
    return _compile(
        SHARED, declarations, (folder, *(root / part for part in ("include", "rom", "rom/shared")))
    )


@functools.cache
def _compile(name: str, declarations: str, includes: tuple[Path, ...]) -> Library:
    need_compiler()
    here = Path(__file__).parent
    module_name = f"_vmirom_{name}_host"
    ffi = cffi.FFI()
    ffi.cdef(declarations)
    ffi.set_source(
        module_name,
        (here / _SOURCE.get(name, f"{name}_host.c")).read_text(encoding="utf-8"),
        sources=[str(each) for each in host_files()[name]],
        include_dirs=[*(str(each) for each in includes), str(here)],
        define_macros=[("ROM_HOST", "1")],
        extra_compile_args=["-O0", "-Wno-address-of-packed-member"],
    )

    def make(folder: Path) -> None:
        ffi.compile(tmpdir=str(folder), target=f"{module_name}.so")

    made = made_once(f"{name}-{hashlib.sha256(declarations.encode()).hexdigest()[:16]}", make)
    spec = importlib.util.spec_from_file_location(module_name, made / f"{module_name}.so")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return Library(module.ffi, module.lib)


class Library:
    """A compiled library; its functions are attributes. What a callback raises is raised by the call that
    led to it: cffi alone would print it and go on."""

    def __init__(self, ffi: Any, lib: Any) -> None:
        self.ffi, self._lib = ffi, lib
        self._raised: list[BaseException] = []

    def answer(self, name: str, function: Callable[..., Any], error: int = 0) -> None:
        """The library's callback ``name`` is ``function`` from now on; one that raises answers ``error``."""
        has_result = self.ffi.typeof(getattr(self._lib, name)).result.kind != "void"
        more = {"error": error} if has_result else {}
        self.ffi.def_extern(name=name, onerror=self._keep, **more)(function)

    def _keep(self, _kind: type[BaseException], raised: BaseException, _traceback: Any) -> None:
        self._raised.append(raised)
        end = getattr(self._lib, "end_machine", None)
        if end is not None:
            end()

    def __getattr__(self, name: str) -> Any:
        function = getattr(self._lib, name)
        if not callable(function):
            return function

        def call(*arguments: Any) -> Any:
            result = function(*arguments)
            if self._raised:
                raised, self._raised = self._raised[0], []
                raise raised
            return result

        setattr(self, name, call)
        return call
