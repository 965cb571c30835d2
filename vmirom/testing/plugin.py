"""The pytest plugin: fixtures, markers, options, and what is told of boots. docs/pytest.md is its manual.

pytest loads this file in every run of an environment that has vmirom, so it imports pytest alone; the
rest comes with the first test that uses a fixture or a marker of ours.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from vmirom.hosts.doctor import Host
    from vmirom.testing.boots import Boot, Boots
    from vmirom.testing.session import Session

__all__ = ["BootFixture", "GuestFixture"]

_EMBEDDED: Final = "embedded"
_SESSION: Final = pytest.StashKey["Session"]()
_BOOTS: Final = pytest.StashKey["list[Boot]"]()
_CLAUSE: Final = "vmirom_clause"
_BACKEND: Final = "vmirom_backend"
_BOOT: Final = "vmirom_boot"


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--vmirom-on``, ``--vmirom-host``, ``--vmirom-budget``."""
    group = parser.getgroup("vmirom", "guests on hypervisors (vmirom)")
    group.addoption(
        "--vmirom-on",
        action="append",
        default=[],
        metavar="BACKEND",
        help="boot on this backend only; repeatable",
    )
    group.addoption(
        "--vmirom-host",
        action="append",
        default=[],
        metavar="HOST",
        help="where to boot (default: embedded); given more than once, tests that boot run on each",
    )
    group.addoption(
        "--vmirom-budget",
        type=float,
        default=None,
        metavar="SECONDS",
        help="time for each boot that asks for no other (default: as long as the host likes)",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Markers, and values of options that can't be."""
    config.addinivalue_line(
        "markers", f"{_CLAUSE}(id, ...): clauses of the ABI that the test checks, such as VMI-IRQ-01"
    )
    config.addinivalue_line(
        "markers", f"{_BACKEND}(name, ...): run the test once on each of these backends; no name: on all"
    )
    on, hosts = config.getoption("--vmirom-on"), config.getoption("--vmirom-host")
    budget = config.getoption("--vmirom-budget")
    if budget is not None and not 0.01 <= budget <= 86400:
        raise pytest.UsageError(f"--vmirom-budget: {budget} is not between 0.01 and 86400 seconds")
    if on:
        _check_names("--vmirom-on", on, _backend_names())
    if hosts:
        from vmirom.hosts.registry import host_names

        _check_names("--vmirom-host", hosts, host_names())


def _check_names(option: str, names: Sequence[str], known: Sequence[str]) -> None:
    for name in names:
        if name not in known:
            raise pytest.UsageError(f"{option}: {name!r} is unknown; there are {', '.join(known)}")


def _backend_names() -> tuple[str, ...]:
    from vmirom.hosts.backends import backend_names

    return backend_names()


def pytest_unconfigure(config: pytest.Config) -> None:
    """End the server."""
    if session := config.stash.get(_SESSION, None):
        session.close()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test a backend for the marker or the fixture ``vmirom_backend``, one a host for several hosts."""
    clauses = [name for mark in metafunc.definition.iter_markers(_CLAUSE) for name in _names(metafunc, mark)]
    if clauses:
        from vmirom.testing.clauses import unknown

        if wrong := unknown(clauses):
            pytest.fail(f"{metafunc.definition.nodeid}: {wrong}", pytrace=False)
    marked = metafunc.definition.get_closest_marker(_BACKEND)
    if marked is not None or _BACKEND in metafunc.fixturenames:
        if _BACKEND not in metafunc.fixturenames:
            metafunc.fixturenames.append(_BACKEND)
        metafunc.parametrize(_BACKEND, _backend_cases(metafunc, marked), indirect=True)
    hosts = list(dict.fromkeys(metafunc.config.getoption("--vmirom-host")))
    if len(hosts) > 1 and "vmirom_host" in metafunc.fixturenames:
        metafunc.parametrize("vmirom_host", hosts, indirect=True, scope="session")


def _names(metafunc: pytest.Metafunc, mark: pytest.Mark) -> tuple[str, ...]:
    if mark.kwargs or not all(isinstance(name, str) for name in mark.args):
        pytest.fail(f"{metafunc.definition.nodeid}: {mark.name} takes names, as texts", pytrace=False)
    return mark.args


def _backend_cases(metafunc: pytest.Metafunc, marked: pytest.Mark | None) -> list[object]:
    known = _backend_names()
    named = (_names(metafunc, marked) if marked else ()) or known
    for name in named:
        if name not in known:
            pytest.fail(
                f"{metafunc.definition.nodeid}: backend {name!r} is unknown; there are {', '.join(known)}",
                pytrace=False,
            )
    chosen = metafunc.config.getoption("--vmirom-on")
    left_out = pytest.mark.skip(reason=f"--vmirom-on leaves out {', '.join(named)}")
    wanted: list[object] = [name for name in named if not chosen or name in chosen]
    return wanted or [pytest.param(named[0], marks=left_out)]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The clauses of a test are properties of it, in JUnit XML and wherever reports go."""
    for item in items:
        for mark in item.iter_markers(_CLAUSE):
            item.user_properties += [(_CLAUSE, name) for name in mark.args]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Below a failed test: what its boots left behind."""
    report = yield
    if report.failed:
        for boot in item.stash.get(_BOOTS, []):
            report.sections.append((f"vmirom boot on {boot.result.label}", boot.report()))
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """A line for each clause and each backend of the run; nothing where there was neither."""
    reports = [
        report
        for group in terminalreporter.stats.values()
        for report in group
        if isinstance(report, pytest.TestReport) and report.user_properties
    ]
    if not any(name in (_CLAUSE, _BOOT) for report in reports for name, _ in report.user_properties):
        return
    from vmirom.testing.clauses import summary

    lines = summary(reports, _CLAUSE, _BOOT)
    terminalreporter.section("vmirom", sep="=")
    for line in lines:
        terminalreporter.line(line)


@pytest.fixture(scope="session")
def _vmirom_session(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Session:
    from vmirom.testing.session import Session

    folder: list[Path] = []

    def scratch() -> Path:
        if not folder:
            folder.append(tmp_path_factory.mktemp("vmirom"))
        return folder[0]

    config = request.config
    session = Session(config.getoption("--vmirom-on"), config.getoption("--vmirom-budget"), scratch)
    config.stash[_SESSION] = session
    return session


@pytest.fixture(scope="session")
def vmirom_host(request: pytest.FixtureRequest) -> Host:
    """The host that tests boot on: the one of ``--vmirom-host``, or the embedded one. Skips the test, with
    the reason, where that host can't be used here."""
    from vmirom.hosts.registry import host_module
    from vmirom.testing.session import LeftOut, check_host

    named = request.config.getoption("--vmirom-host")
    name = getattr(request, "param", None) or (named[0] if named else _EMBEDDED)
    try:
        check_host(name)
    except LeftOut as why:
        pytest.skip(str(why))
    return host_module(name).probe()


@pytest.fixture
def vmirom_backend(request: pytest.FixtureRequest) -> str:
    """A backend: a test that uses this fixture, or bears the marker of this name, runs once on each."""
    name: str = request.param
    return name


@pytest.fixture
def vmirom_guest(request: pytest.FixtureRequest, _vmirom_session: Session) -> GuestFixture:
    """Builds a guest from C and assembly with the kit: ``vmirom_guest("guest.c")`` gives the path of an ELF.
    Skips the test where there is no toolchain."""
    return GuestFixture(_vmirom_session, request.path.parent)


@pytest.fixture
def vmirom_boot(request: pytest.FixtureRequest, _vmirom_session: Session, vmirom_host: Host) -> BootFixture:
    """Boots a guest: ``vmirom_boot("my.elf", on="xen")``, or ``vmirom_boot.all("my.elf")`` on every backend.
    Skips the test where that can't be done here."""
    each = getattr(request.node, "callspec", None)
    return BootFixture(
        _vmirom_session, request, vmirom_host.name, each.params.get(_BACKEND) if each is not None else None
    )


class GuestFixture:
    """What ``vmirom_guest`` is."""

    def __init__(self, session: Session, folder: Path) -> None:
        self._session = session
        self._folder = folder

    def __call__(
        self, *sources: str | os.PathLike[str], text: str = "", toolchain: str | None = None
    ) -> Path:
        """Build ``sources`` (``.c``, ``.S``; relative to the test's folder) and, if given, C ``text``; the
        guest's path. The same sources are built once in a run."""
        from vmirom.rom.errors import BuildError, ToolchainMissing

        __tracebackhide__ = True
        files = [self._folder / source for source in sources]
        if text:
            files.append(self._session.source(text))
        try:
            return self._session.build(files, toolchain)
        except ToolchainMissing as missing:
            pytest.skip(f"no toolchain: {missing}")
        except BuildError as error:
            why = str(error)
        pytest.fail(f"the guest can't be built: {why}", pytrace=False)


class BootFixture:
    """What ``vmirom_boot`` is. ``on`` is a backend's name and may be left out where the test runs once on
    each (``vmirom_backend``); the other arguments are those of ``vmirom boot``, with its units."""

    def __init__(
        self, session: Session, request: pytest.FixtureRequest, host: str, backend: str | None
    ) -> None:
        self._session = session
        self._request = request
        self._host = host
        self._backend = backend

    @property
    def reference(self) -> Path:
        """The reference guest, which comes with vmirom."""
        return self._session.reference

    def __call__(
        self,
        guest: str | os.PathLike[str],
        *,
        on: str | None = None,
        host: str | None = None,
        abi: str = "3.1",
        memory: int = 16,
        append: str = "",
        budget: float | None = None,
        host_era: str | None = None,
        trace: str | os.PathLike[str] | None = None,
        clock: str = "virtual",
    ) -> Boot:
        """Boot ``guest`` (a path, relative to the test's folder or to where pytest runs) on one backend.
        ``clock`` is that of the embedded host's machine: virtual, so that load decides nothing, or host."""
        from vmirom.testing.session import Asked

        __tracebackhide__ = True
        backend = on or self._backend
        if backend is None:
            pytest.fail("vmirom_boot: say on=..., or mark the test with vmirom_backend", pytrace=False)
        file = Path(trace) if trace is not None else None
        asked = Asked(host or self._host, abi, memory, append, budget, host_era, file, clock)
        return self._boot(guest, (backend,), asked).boots[0]

    def all(
        self,
        guest: str | os.PathLike[str],
        *,
        host: str | None = None,
        abi: str = "3.1",
        memory: int = 16,
        append: str = "",
        budget: float | None = None,
        host_era: str | None = None,
        clock: str = "virtual",
    ) -> Boots:
        """Boot ``guest`` on every backend that the host has and ``--vmirom-on`` leaves, and compare."""
        from vmirom.hosts.registry import host_module
        from vmirom.testing.session import Asked

        __tracebackhide__ = True
        asked = Asked(host or self._host, abi, memory, append, budget, host_era, clock=clock)
        able = host_module(asked.host).BACKENDS
        backends = tuple(name for name in self._session.backends if name in able)
        if not backends:
            pytest.skip(f"host {asked.host} has none of {', '.join(self._session.backends)}")
        return self._boot(guest, backends, asked)

    def _boot(self, guest: str | os.PathLike[str], backends: tuple[str, ...], asked: object) -> Boots:
        from vmirom.testing.session import Asked, BadRequest, LeftOut

        __tracebackhide__ = True
        assert isinstance(asked, Asked)
        wrong = ""
        try:
            boots = self._session.boot(self._found(guest), backends, asked)
        except LeftOut as why:
            pytest.skip(str(why))
        except BadRequest as error:
            wrong = str(error)
        except OSError as error:
            wrong = f"{error.filename}: {error.strerror}" if error.filename else str(error)
        if wrong:
            pytest.fail(f"vmirom_boot: {wrong}", pytrace=False)
        node = self._request.node
        node.stash.setdefault(_BOOTS, []).extend(boots)
        node.user_properties += [(_BOOT, f"{b.backend}@{b.host}: {b.outcome.value}") for b in boots]
        return boots

    def _found(self, guest: str | os.PathLike[str]) -> Path:
        beside = self._request.path.parent / guest
        return beside if beside.exists() else Path(guest)
