"""Boots one bundle on one embedded hypervisor, in this process.

Nothing that a guest does leaves here as an exception: a run is an outcome.
"""

from __future__ import annotations

import datetime
import importlib.util
import inspect
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from vmirom.bundle.inspect import BundleFile, read_bundle
from vmirom.bundle.refused import Refused
from vmirom.hosts.backends import backend_names, hypervisor_module
from vmirom.hosts.cache import note, noted
from vmirom.hosts.callwatch import watch_calls
from vmirom.hosts.doctor import Host
from vmirom.hosts.outcomes import BootResult, Outcome, judge, own_fault
from vmirom.hosts.request import EMBEDDED, BootRequest, HostOption, Progress
from vmirom.hosts.transcript import Transcript
from vmirom.hosts.witness import Witness
from vmirom.hypervisors.hypervisor import Hypervisor, LoadError
from vmirom.machine.clock import HOST, VIRTUAL, VirtualClock, nanoseconds
from vmirom.machine.engine import Engine, EngineError
from vmirom.machine.memory import BadAddress, Memory
from vmirom.overlays import vmi
from vmirom.trace.tally import Tally

if TYPE_CHECKING:
    from vmirom.machine.unicorn import UnicornEngine

__all__ = [
    "BACKENDS",
    "NAME",
    "OPTIONS",
    "SLOW",
    "TRACES",
    "LookOn",
    "Machine",
    "boot",
    "prepare",
    "probe",
    "self_test",
]


@dataclass(frozen=True, slots=True)
class Machine:
    """One that is about to run ``bundle``, for whoever looks on: its engine, the hypervisor's ``pfn_of``, to
    be asked only while it runs, and what takes the machine down as it stands, for a line."""

    engine: UnicornEngine
    bundle: BundleFile
    pfn_of: Callable[[int], int | None]
    take_down: Callable[[str], None]


LookOn = Callable[[Machine], None]

NAME: Final = EMBEDDED
BACKENDS: Final = backend_names()
OPTIONS: Final = (
    HostOption(
        "paging", "pae|two-level", "pae or two-level: what the kernel of an lguest host was built for"
    ),
    HostOption("clock", f"{HOST}|{VIRTUAL}", f"{HOST} or {VIRTUAL}: what the machine's time goes by"),
    HostOption(
        "time", r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", "UTC, as 2026-01-01T12:00:00: where virtual time begins"
    ),
    HostOption("uptime", r"\d{1,7}", "seconds that the counters of virtual time have been running by then"),
)
TRACES: Final = True
_SELF_TEST: Final = "embedded.self-test"
_SMALL_GUEST: Final = "conform-ends.elf"
SLOW: Final = ("xen", "lguest")
"""Started first where several are to boot, so that none of these is left alone at the end."""


def probe() -> Host:
    """It needs unicorn, which comes with vmirom."""
    needs = "unicorn, in this process; nothing else"
    if importlib.util.find_spec("unicorn") is None:
        return Host(NAME, False, (), "no unicorn", "pip install unicorn==2.1.4", needs)
    tested, _, answer = noted(_SELF_TEST).partition("\n")
    said = (f"failed: {answer}" if answer else "passed") if tested == _engine() else ""
    return Host(NAME, True, BACKENDS, _engine(), "", needs, said)


def _engine() -> str:
    from importlib.metadata import version  # slow to come, and no boot needs it

    return f"unicorn {version('unicorn')}"


def self_test() -> str:
    """Boots a small shipped guest on every backend; empty, or why that failed. Remembered for ``probe``."""
    from vmirom.bundle.compose import compose
    from vmirom.rom.image import load_rom
    from vmirom.rom.lock import blobs_folder

    fault, said = "", set[tuple[str, ...]]()
    try:
        guest = (blobs_folder() / _SMALL_GUEST).read_bytes()
        for backend in BACKENDS:
            result = boot(BootRequest(backend, compose(guest, load_rom(backend).data, backend, (3, 1))))
            said.add(result.transcript)
            if result.outcome is not Outcome.SUCCESS:
                fault = fault or f"{backend}: {result.reason}"
    except (Refused, ValueError, OSError) as error:
        fault = str(error)
    fault = fault or ("transcripts differ" if len(said) > 1 else "")
    note(_SELF_TEST, f"{_engine()}\n{fault}")
    return fault


def prepare() -> None:
    """Load the engine and measure it once for all boots. What is wrong with it is each boot's own to say."""
    from vmirom.machine.unicorn import UnicornEngine

    with suppress(EngineError):
        UnicornEngine.prepare()


def boot(request: BootRequest, progress: Progress | None = None, look_on: LookOn | None = None) -> BootResult:
    """Boot ``request``. Raises OSError when the trace can't be written, KeyboardInterrupt when asked to."""
    if request.trace is None:
        return _boot(request, None, progress, look_on)
    with request.trace.open("wb") as out:
        return _boot(request, out, progress, look_on)


def _boot(
    request: BootRequest, out: BinaryIO | None, progress: Progress | None, look_on: LookOn | None
) -> BootResult:
    names = {int(call): call.name for call in vmi.Call}
    try:
        clock = _virtual(request)
    except ValueError as wrong:
        return BootResult(request.backend, Outcome.ERROR, str(wrong))
    tally = Tally(names) if out is None else _recorder(names, request, out, clock)
    try:
        bundle = read_bundle(request.bundle)
    except Refused as refused:
        return BootResult(request.backend, Outcome.ERROR, str(refused))
    tally.begin(bundle.abi_text, bundle.guest_sha256, bundle.rom_sha256)
    run = _Run(request, bundle, tally, progress or (lambda phase, tally: None), clock, look_on)
    result = run.result()
    tally.end(result.outcome.value, result.reason)
    return result


def _recorder(
    names: dict[int, str], request: BootRequest, out: BinaryIO, clock: VirtualClock | None
) -> Tally:
    from vmirom.trace.recorder import Recorder  # what writes JSON is not loaded for a boot without a trace

    now_ns = time.monotonic_ns if clock is None else clock.now_ns
    return Recorder(names, request.backend, out, request.trace_limit, request.clock, now_ns)


def _virtual(request: BootRequest) -> VirtualClock | None:
    """The clock of the boot, None for the host's. Raises ValueError where its start is no date."""
    if request.clock != VIRTUAL:
        return None
    start, age = VirtualClock.START_NS, VirtualClock.AGE_NS
    if text := str(request.options.get("time", "")):
        try:
            start = nanoseconds(datetime.datetime.fromisoformat(text))
        except (ValueError, OverflowError) as wrong:
            raise ValueError(f"time: {text!r}: {wrong}") from None
    if "uptime" in request.options:
        age = max(1, int(request.options["uptime"])) * 1_000_000_000
    return VirtualClock(start, age, int(request.patience * 1e9))


class _Run:
    """The parts of one boot, from engine to result."""

    def __init__(
        self,
        request: BootRequest,
        bundle: BundleFile,
        tally: Tally,
        progress: Progress,
        clock: VirtualClock | None,
        look_on: LookOn | None,
    ) -> None:
        self._request, self._look_on = request, look_on
        self._bundle = bundle
        self._tally = tally
        self._progress = progress
        self._clock = clock
        self._console = Transcript()
        self._witness = Witness(bundle, tally, self._console.write)
        self._engine: Engine | None = None
        self._hypervisor: Hypervisor | None = None

    def result(self) -> BootResult:
        """Load, run, judge."""
        start = time.monotonic_ns()
        ending, status, registers = "", None, ""
        try:
            end = self._drive(start)
            outcome, reason = judge(end, self._request.budget)
            if self._clock is not None and self._clock.gave_up:
                reason += f"; {self._request.patience:g} s of the host's time were over first"
            ending, status = end.kind.value, end.status
            if outcome is Outcome.CRASH or ending == "budget":
                registers = self._look()
        except (LoadError, EngineError, BadAddress) as error:
            outcome, reason = Outcome.ERROR, str(error)
        except (KeyboardInterrupt, OSError):
            raise
        except Exception as error:  # noqa: BLE001 - a fault of ours is an outcome of this run, too
            outcome, reason = Outcome.ERROR, own_fault(error)
            registers = self._look()
        finally:
            if self._engine is not None:
                self._engine.close()
        transcript, notes = self._console.lines()
        return BootResult(
            backend=self._request.backend,
            outcome=outcome,
            reason=reason,
            transcript=transcript,
            notes=notes,
            calls=self._tally.calls,
            hypercalls=dict(sorted(self._tally.by_hypercall.items())),
            refused=dict(sorted(self._tally.refused.items())),
            seconds=(time.monotonic_ns() - start) / 1e9,
            ending=ending,
            status=status,
            last_call="" if self._tally.last < 0 else self._tally.name(self._tally.last),
            registers=registers,
            scenes=tuple(self._witness.scenes),
            clock=self._request.clock,
        )

    def _drive(self, start: int) -> Any:
        make = hypervisor_module(self._request.backend).make
        known = inspect.signature(make).parameters
        options = {k: v for k, v in self._request.options.items() if k in known}
        self._progress("load", self._tally)
        hypervisor: Hypervisor = make(
            self._make_engine, self._request.memory_mib, self._witness.write, self._tally, **options
        )
        self._hypervisor = hypervisor
        self._witness.describe = self._describe
        hypervisor.load(self._request.bundle, self._request.command_line)
        self._progress("run", self._tally)
        now = start if self._clock is None else self._clock.now_ns()
        return hypervisor.run(now + int(self._request.budget * 1e9))

    def _make_engine(self, memory: Memory) -> Engine:
        from vmirom.machine.unicorn import UnicornEngine

        engine = UnicornEngine(memory, self._clock)
        self._engine = self._witness.engine = engine
        watch_calls(engine, self._bundle, self._tally)
        if self._look_on is not None:
            take_down = self._witness.take_down
            self._look_on(Machine(engine, self._bundle, self._pfn_of, take_down))
        return engine

    def _pfn_of(self, frame: int) -> int | None:
        return None if self._hypervisor is None else self._hypervisor.pfn_of(frame)

    def _look(self) -> str:
        """Take down the end of a run that went wrong; its registers."""
        self._witness.end()
        return self._witness.scenes[-1].registers

    def _describe(self) -> str:
        if self._hypervisor is None:
            return ""
        try:
            return self._hypervisor.describe()
        except Exception as error:  # noqa: BLE001 - a report must not fail where a run already has
            return own_fault(error)
