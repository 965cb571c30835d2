"""Where the source trees ``abi/`` and ``romsrc/`` are, and how an ABI tree is loaded.

Neither is an import package: in a checkout they stand beside the package, in a wheel inside it (``_abi``,
``_romsrc``), and a user may point at an ABI tree of their own.
"""

from __future__ import annotations

import importlib
import importlib.util
import io
import itertools
import sys
import traceback
import types
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field, replace
from pathlib import Path

from vmirom.schema.errors import AbiError, SchemaError
from vmirom.schema.lines import Line, Resolved, resolve
from vmirom.schema.places import PACKAGE, source_tree

__all__ = ["AbiTree", "load_abi", "load_own", "load_part", "source_tree"]

_TERMINATED = 143
"""What the program ends with when it is told to by a signal."""
_numbers = itertools.count()
_default: AbiTree | None = None
_parts: dict[tuple[Path, ...], AbiTree] = {}


@dataclass(frozen=True)
class AbiTree:
    """An ABI tree that was loaded: its lines (``vmi3``) and backends (``xen``) by name."""

    folder: Path
    lines: Mapping[str, Line]
    backends: Mapping[str, Line]
    _resolved: dict[tuple[str, str | None], Resolved] = field(default_factory=dict, repr=False, compare=False)
    own: bool = field(default=False, compare=False)
    """Is it the project's own, which doesn't change while a process runs?"""

    def line(self, name: str) -> Line:
        """A line or backend by name. Raises AbiError."""
        found = self.lines.get(name) or self.backends.get(name)
        if found is None:
            raise AbiError(f"{self.folder}: no line or backend is called {name!r}")
        return found

    def resolve(self, name: str, version: str | None = None) -> Resolved:
        """One version (default: the newest) of a line or backend. Raises AbiError."""
        if (name, version) not in self._resolved:
            line = self.line(name)
            try:
                found = None if version is not None else self._resolved.get((name, str(line.newest)))
                self._resolved[name, version] = found or resolve(line, version)
            except SchemaError as error:
                raise AbiError(f"{self.folder}: {error}") from None
        return self._resolved[name, version]

    @property
    def families(self) -> tuple[Line, ...]:
        """Executable lines, then backends, in the order of their names."""
        lines = [line for _, line in sorted(self.lines.items()) if line.executable]
        return (*lines, *(line for _, line in sorted(self.backends.items())))


def load_abi(folder: Path | None = None) -> AbiTree:
    """Load an ABI tree (default: the project's own, once). Raises AbiError."""
    global _default
    if folder is not None:
        return _load(folder)
    if _default is None:
        _default = replace(_load(source_tree("abi")), own=True)
    return _default


def load_own(name: str) -> AbiTree:
    """The project's own tree as far as the line or backend ``name`` needs it: for a guest's ABI the guests'
    lines, for a backend that one alone. For commands that must answer quickly; that the whole tree loads
    is held by tests. Raises AbiError."""
    if _default is not None:
        return _default
    folder = source_tree("abi")
    backends = folder / "backends"
    alone = [file for file in (backends / f"{name}.py", backends / name / "__init__.py") if file.is_file()]
    files = alone or [file for file in _modules(folder) if not file.is_relative_to(backends)]
    if (key := tuple(files)) not in _parts:
        _parts[key] = replace(_load(folder, files), own=True)
    tree = _parts[key]
    return tree if name in (*tree.lines, *tree.backends) else load_abi()


def load_part(folder: Path, name: str) -> types.ModuleType:
    """The package ``name`` of an ABI tree, imported anew (``clauses``). Raises AbiError."""
    root = f"_vmirom_abi_{next(_numbers)}"
    with _importing(root, cached=folder in (PACKAGE / "_abi", PACKAGE.parent / "abi")):
        _package(root, folder)
        try:
            return importlib.import_module(f"{root}.{name}")
        except BaseException as error:  # noqa: BLE001  a declaration is anybody's Python
            _meant_for_us(error)
            raise AbiError(_one_line(folder, folder / name, error)) from None


def _load(folder: Path, files: list[Path] | None = None) -> AbiTree:
    if not folder.is_dir():
        raise AbiError(f"{folder}: not a folder")
    root = f"_vmirom_abi_{next(_numbers)}"
    with _importing(root, cached=folder in (PACKAGE / "_abi", PACKAGE.parent / "abi")):
        _package(root, folder)
        return _lines(root, folder, _modules(folder) if files is None else files)


@contextmanager
def _importing(root: str, cached: bool) -> Iterator[None]:
    """Import under package ``root``, which is gone from sys.modules afterwards. Without ``cached`` no
    bytecode is written: a draft that is edited and tried twice in a second must not be read from a cache; and
    what it prints is nobody's output."""
    before = sys.dont_write_bytecode
    sys.dont_write_bytecode = before or not cached
    importlib.invalidate_caches()
    silent = io.StringIO()
    try:
        with ExitStack() as stack:
            if not cached:
                stack.enter_context(redirect_stdout(silent))
                stack.enter_context(redirect_stderr(silent))
            yield
    finally:
        sys.dont_write_bytecode = before
        for name in [name for name in sys.modules if name == root or name.startswith(f"{root}.")]:
            del sys.modules[name]


def _lines(root: str, folder: Path, files: list[Path]) -> AbiTree:
    lines: dict[str, Line] = {}
    backends: dict[str, Line] = {}
    resolved: dict[tuple[str, str | None], Resolved] = {}
    for file in files:
        line = _line(root, folder, file, resolved)
        if line is None:
            continue
        for other in (*lines.values(), *backends.values()):
            if line.name == other.name:
                raise AbiError(f"{file}: a line called {line.name!r} exists already")
            if line.executable and other.executable and line.family == other.family:
                raise AbiError(f"{file}: family {line.family!r} is that of line {other.name} already")
        (backends if file.relative_to(folder).parts[0] == "backends" else lines)[line.name] = line
    if not lines and not (backends and len(files) == 1):
        raise AbiError(f"{folder}: no module in it declares a LINE")
    return AbiTree(folder, lines, backends, resolved)


def _modules(folder: Path) -> list[Path]:
    """Modules and packages that may declare a line: at the top, and in ``backends``."""
    found = []
    for place in (folder, folder / "backends"):
        if place.is_dir():
            found += [file for file in place.glob("*.py") if file.name != "__init__.py"]
            found += [file for file in place.glob("*/__init__.py") if file.parent.name != "backends"]
    return sorted(found)


def _package(name: str, folder: Path) -> None:
    package = types.ModuleType(name)
    package.__path__ = [str(folder)]
    sys.modules[name] = package


def _line(
    root: str, folder: Path, file: Path, resolved: dict[tuple[str, str | None], Resolved]
) -> Line | None:
    """The line that a module declares, and each of its versions into ``resolved``. Raises AbiError."""
    parts = list(file.relative_to(folder).with_suffix("").parts)
    if parts[-1] == "__init__":
        parts.pop()
    for depth in range(1, len(parts)):
        package = ".".join([root, *parts[:depth]])
        if package not in sys.modules:
            _package(package, folder.joinpath(*parts[:depth]))
    name = ".".join([root, *parts])
    try:
        module = importlib.import_module(name)
    except BaseException as error:  # noqa: BLE001  a declaration is anybody's Python
        _meant_for_us(error)
        raise AbiError(_one_line(folder, file, error)) from None
    line = getattr(module, "LINE", None)
    if line is None:
        return None
    if not isinstance(line, Line):
        raise AbiError(f"{file}: LINE is not a vmirom.schema.Line")
    try:
        if not line.versions:
            raise SchemaError(f"line {line.name}: no versions")
        for version in line.versions:
            resolved[line.name, version] = resolve(line, version)
    except SchemaError as error:
        raise AbiError(f"{_where(file, str(error))}: {error}") from None
    except RecursionError:
        raise AbiError(f"{file}: LINE: {_endless(line)}") from None
    except Exception as error:  # noqa: BLE001  a line may hold anything where a struct or call is due
        raise AbiError(f"{file}: LINE: {_words(error)}") from None
    return line


def _meant_for_us(error: BaseException) -> None:
    """Raise again what interrupts the whole program: a key, or the signal that ends it."""
    if isinstance(error, KeyboardInterrupt) or (isinstance(error, SystemExit) and error.code == _TERMINATED):
        raise error


def _endless(line: Line) -> str:
    """Which struct of a line never ends."""
    for table in line.structs.values():
        for each in table:
            path: list[object] = []
            stack: list[tuple[object, int]] = [(each, 0)]
            while stack:
                node, depth = stack.pop()
                del path[depth:]
                if any(node is other for other in path):
                    return f"struct {getattr(each, 'name', '?')} contains itself"
                path.append(node)
                inner = [*(getattr(node, "subcons", None) or ()), getattr(node, "subcon", None)]
                stack += [(other, depth + 1) for other in inner if other is not None]
    return "nested too deeply"


def _one_line(folder: Path, file: Path, error: BaseException) -> str:
    """``file:line: what``, the innermost line inside the tree."""
    if isinstance(error, SyntaxError):
        return f"{error.filename or file}:{error.lineno or 1}: {error.msg}"
    at = str(file)
    whole = folder.resolve()
    for frame in traceback.extract_tb(error.__traceback__):
        if (found := Path(frame.filename).resolve()).is_relative_to(whole):
            at = f"{folder / found.relative_to(whole)}:{frame.lineno}"
    return f"{at}: {error}" if isinstance(error, SchemaError) else f"{at}: {_words(error)}"


def _words(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _where(file: Path, message: str) -> Path:
    """The file of a line's package whose text names the struct or call a message is about."""
    words = message.replace(",", " ").replace(":", " ").split()
    named = [words[at + 1] for at, word in enumerate(words[:-1]) if word in ("struct", "call", "hypercall")]
    if file.name == "__init__.py" and named:
        for candidate in sorted(file.parent.glob("*.py")):
            if f'"{named[0]}"' in candidate.read_text(encoding="utf-8", errors="replace"):
                return candidate
    return file
