"""The player guest on an embedded hypervisor: steps go in, what became of each comes out.

The guest is booted once, by the backend's own boot protocol, and stopped at its gate; from then on a batch of
steps is written into its memory, it runs, and its results are read where it stops again. Nothing of a backend
is known here: hypervisors are made by their ``make``, memory is found through the guest's own tables.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, Final

from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from vmirom.bundle.compose import compose
from vmirom.conform.model.arena import (
    ARENA,
    MAGIC,
    MAILBOX,
    PAGE,
    PAGES,
    RESULT,
    RESULTS,
    STEP,
    STEPS,
    STEPS_MAX,
    State,
)
from vmirom.hosts.backends import hypervisor_module
from vmirom.hypervisors.hypervisor import EndKind, Hypervisor, NoTrace, Trace
from vmirom.machine.clock import HOST, VIRTUAL, Clock, VirtualClock
from vmirom.machine.engine import Engine
from vmirom.machine.memory import Memory
from vmirom.machine.paging import Access, Mode, PageFault, translate
from vmirom.rom.image import load_rom
from vmirom.schema.places import source_tree

if TYPE_CHECKING:
    from vmirom.machine.unicorn import UnicornEngine

__all__ = ["MEMORY_MIB", "TWO_LEVEL", "AtGate", "Died", "Player", "Setting", "Starved", "symbol"]

_BUDGET_S: Final = 20.0
_PATIENCE: Final = 4
"""How many times a budget of virtual time may take by the host's."""
MEMORY_MIB: Final = 16
"""Of every player's machine."""
_ABI: Final = "3.1"
TWO_LEVEL: Final = "two-level"
"""The word on the player's command line, and in the name of a setting."""


class Died(Exception):
    """The machine ended, or did not come back in time; the text says how. ``kind``, if it was the hypervisor
    that ended it."""

    def __init__(self, how: str, kind: EndKind | None = None) -> None:
        super().__init__(how)
        self.kind = kind


class Starved(Died):
    """Time ran out of which this process had less than half: what the machine would have done in all of it,
    nobody knows."""


class AtGate(Exception):
    """The guest waits for steps."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What is played on: a backend, its hypervisor's options, a ROM (None: the shipped one), the ABI version,
    and how many seconds one batch may take. ``two_level``: the guest leaves PAE for tables of two levels.
    ``clock`` is what the machine's time, that of ``budget`` too, goes by."""

    backend: str
    options: dict[str, Any] = field(default_factory=dict)
    rom: bytes | None = None
    abi: str = _ABI
    budget: float = _BUDGET_S
    two_level: bool = False
    clock: str = HOST

    @property
    def label(self) -> str:
        """How it is called: ``kvm host_era=2008``."""
        forms = [f"{name}={value}" for name, value in self.options.items()]
        forms += [f"abi={self.abi}"] if self.abi != _ABI else []
        forms += [f"clock={self.clock}"] if self.clock != HOST else []
        return " ".join((self.backend, *forms, *([TWO_LEVEL] if self.two_level else ())))


class Player:
    """One guest at its gate. Raises Died from every method that runs it."""

    def __init__(self, setting: Setting) -> None:
        self._load(setting, NoTrace())
        try:
            self._come_up()
        except BaseException:
            self.close()
            raise

    def _load(self, setting: Setting, trace: Trace) -> None:
        """Up to the first instruction of the boot protocol."""
        self.setting = setting
        self.console = bytearray()
        self._pages: list[int] = []
        self._engine: UnicornEngine | None = None
        rom = load_rom(setting.backend, setting.abi).data if setting.rom is None else setting.rom
        self.rom_data = rom
        self._gate = symbol("player_gate")
        major, minor = (int(part) for part in setting.abi.split("."))
        self._host: Hypervisor = hypervisor_module(setting.backend).make(
            self._make_engine, MEMORY_MIB, self.console.extend, trace, **setting.options
        )
        try:
            self.bundle = _bundle(rom, setting.backend, (major, minor))
            self._host.load(self.bundle, TWO_LEVEL if setting.two_level else "quiet")
        except BaseException:
            self.close()
            raise

    def _come_up(self) -> None:
        """From there to the gate."""
        self._run()
        self._find()
        words = MAILBOX.unpack(self.read(ARENA, MAILBOX.size))
        if words[0] != MAGIC:
            raise Died("the player did not set up")
        self.roots = words[3:5]
        self.user_selectors = words[7], words[8]

    def close(self) -> None:
        """Give the engine back."""
        if self._engine is not None:
            self._engine.close()
            self._engine = None

    def play(self, steps: Sequence[Sequence[int]]) -> list[tuple[int, ...]]:
        """Make the steps (words of ``STEP``), at most STEPS_MAX at a time; words of ``RESULT`` for each."""
        return self.play_packed(b"".join([STEP.pack(*step) for step in steps]))

    def play_packed(self, steps: bytes) -> list[tuple[int, ...]]:
        """The same with steps that are packed already, one behind the other."""
        results: list[tuple[int, ...]] = []
        for start in range(0, len(steps), STEP.size * STEPS_MAX):
            part = steps[start : start + STEP.size * STEPS_MAX]
            count = len(part) // STEP.size
            self._write(STEPS, part)
            self._write(ARENA + 4, State.GO.to_bytes(4, "little") + count.to_bytes(4, "little"))
            self._run()
            results += RESULT.iter_unpack(self.read(RESULTS, RESULT.size * count))
        return results

    def read(self, gva: int, length: int) -> bytes:
        """Memory of the arena."""
        memory = self._memory
        found = b""
        while length:
            page, offset = divmod(gva - ARENA, PAGE)
            piece = min(length, PAGE - offset)
            found += memory.read(self._pages[page] + offset, piece)
            gva, length = gva + piece, length - piece
        return found

    def _write(self, gva: int, data: bytes) -> None:
        while data:
            page, offset = divmod(gva - ARENA, PAGE)
            piece = data[: PAGE - offset]
            at = self._pages[page] + offset
            self._memory.raw[at : at + len(piece)] = piece  # pages that never hold code
            gva, data = gva + len(piece), data[len(piece) :]

    @property
    def _memory(self) -> Memory:
        if self._engine is None:
            raise Died("the machine is gone")
        return self._engine.memory

    def _make_engine(self, memory: Memory) -> Engine:
        from vmirom.machine.unicorn import UnicornEngine

        engine = UnicornEngine(memory, VirtualClock() if self.setting.clock == VIRTUAL else None)
        engine.watch(self._gate, 1, self._at_gate)
        self._engine = engine
        return engine

    @property
    def machine_clock(self) -> Clock:
        """The machine's."""
        if self._engine is None:
            raise Died("the machine is gone")
        return self._engine.clock

    def _at_gate(self, address: int) -> None:
        if not self._pages or self._memory.u32(self._pages[0] + 4) == State.IDLE:
            raise AtGate

    def _run(self) -> None:
        budget = int(self.setting.budget * 1e9)
        clock = self.machine_clock
        virtual = isinstance(clock, VirtualClock)
        if isinstance(clock, VirtualClock):
            clock.be_patient(_PATIENCE * budget)
        begun, worked = time.monotonic_ns(), time.process_time_ns()
        try:
            ending = self._host.run(clock.now_ns() + budget)
        except AtGate as gate:
            gate.__traceback__ = None  # its frames hold on to it, and to all that a batch is made of
            return
        told = f"{ending.kind.value}: {ending.reason}"
        # the deadline is one of the wall's clock; a guest that only runs on has taken the processor till then
        allowed = _PATIENCE * budget if virtual else budget
        late = ending.kind is EndKind.BUDGET and time.monotonic_ns() - begun >= allowed
        if late and time.process_time_ns() - worked < allowed // 2:
            raise Starved(told, ending.kind)
        raise Died(told, ending.kind)

    def _find(self) -> None:
        """Where the arena lies: through the tables that are in use, once, since it does not move."""
        assert self._engine is not None
        engine = self._engine
        mode = Mode.of(engine.cr0, engine.cr4, engine.efer)
        for page in range(PAGES):
            found = translate(engine.memory, engine.cr3, mode, ARENA + page * PAGE, Access.READ, user=False)
            if isinstance(found, PageFault):
                raise Died(f"page {page} of the arena is not mapped")
            self._pages.append(int(found))


@lru_cache(maxsize=8)
def _bundle(rom: bytes, backend: str, abi: tuple[int, int]) -> bytes:
    """The player with a ROM. Raises Refused."""
    return compose((source_tree("romsrc") / "blobs" / "player.elf").read_bytes(), rom, backend, abi)


@cache
def symbol(name: str) -> int:
    """gva of a symbol of the player."""
    with (source_tree("romsrc") / "blobs" / "player.elf").open("rb") as file:
        table = ELFFile(file).get_section_by_name(".symtab")
        symbols = table.get_symbol_by_name(name) if isinstance(table, SymbolTableSection) else None
        if not symbols:
            raise Died(f"player.elf has no symbol {name}")
        return int(symbols[0]["st_value"])
