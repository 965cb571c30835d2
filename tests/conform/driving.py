"""A ROM on its hypervisor beside the model: the same calls through both, compared after each.

A sequence is data (JSON can hold it), so a difference that was found once can be kept and replayed. Besides
calls of the contract it may hold four steps that are several calls: ``init`` initialises both 8259s,
``fire`` lets an alarm run out while interrupts are off, ``table`` names a table for SetIDT or SetGDT, and
``root`` gives SetCR3 the tables in use with other low bits.
"""

from __future__ import annotations

import json
import struct
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from tests.conform.xen_rom_machine import XenRomMachine
from tests.rom.bare_machine import CODE, COUNTS, GDT, IDT, LINEAR, SCRATCH, BareMachine, Registers
from tests.rom.lguest_rom_machine import LguestRomMachine
from tests.rom.slotcall import relocation
from vmirom.conform.model import Model, Step, Traits, place
from vmirom.overlays.vmi import Reloc
from vmirom.rom.image import load_rom
from vmirom.rom.lock import read_lock
from vmirom.schema.tree import load_abi

__all__ = ["DRIVERS", "Difference", "Driver", "Sequence_", "play"]

Sequence_ = Sequence[tuple[str, Mapping[str, int]]]
IF = 0x200
EOI = 0x20
OTHER_IDT = CODE + 0x1000
OTHER_GDT = CODE + 0x2000
TABLES = {"SetIDT": (IDT, OTHER_IDT), "SetGDT": (GDT, OTHER_GDT)}
DESTINATION = SCRATCH + 0x100
SNIPPET = CODE + 0x40
BASE = 0x50
WAIT_NS = 5_000_000_000
CALLS = {call.name: call for call in load_abi().resolve("vmi3").calls}
NATIVE: dict[str, bytes] = {
    "EnableInterrupts": b"\xfb\x90\xc3",
    "DisableInterrupts": b"\xfa\xc3",
    "GetInterruptMask": b"\x9c\x58\xc3",
    "SetInterruptMask": b"\x25\x00\x02\x00\x00\x83\xc8\x02\x50\x9d\x90\xc3",
    "INB": b"\x31\xc0\xec\xc3",
    "SetCR2": b"\x0f\x22\xd0\xc3",
    "GetCR2": b"\x0f\x20\xd0\xc3",
    "GetCR3": b"\x0f\x20\xd8\xc3",
    "SetCR3": b"\x0f\x22\xd8\xc3",
    "GetCR0": b"\x0f\x20\xc0\xc3",
    "GetCR4": b"\x0f\x20\xe0\xc3",
    "CLTS": b"\x0f\x06\xc3",
    "WBINVD": b"\x0f\x09\xc3",
    "GetGDT": b"\x0f\x01\x00\xc3",
}
"""What a guest does itself where get_reloc answers NONE."""

OBSERVED: Sequence_ = (
    *((call, {"dtr": DESTINATION}) for call in ("GetGDT", "GetIDT")),
    *((call, {}) for call in ("GetTR", "GetLDT", "GetCR0", "GetCR2", "GetCR3", "GetInterruptMask")),
    *(("GetCycleCounter", {"counter": counter}) for counter in (0, 1, 2, 0, 3)),
    *(("CancelAlarm", {"flags": flags}) for flags in (0, 1)),
    ("GetRomInfo", {"dest": DESTINATION, "size": 0}),
    ("SetCounters", {"array": 1, "entries": 1}),
    *(("INB", {"port": port}) for port in (0x20, 0x21, 0xA0, 0xA1)),
)
"""What is looked at behind every sequence, so that a call that left something wrong shows."""


class Difference(AssertionError):
    """ROM and model disagree; the message is the sequence, as JSON, up to the step that differs. A machine
    that was played on until then may be in any state, and is not to be used again."""


class Machine(Protocol):
    """What is needed of a machine."""

    rom: int

    def put(self, gva: int, data: bytes) -> None: ...

    def close(self) -> None: ...

    def run_code(
        self, eip: int, stack: Sequence[int] = (), flags: int = 2, **registers: int
    ) -> Registers: ...


class Driver:
    """One backend's shipped ROM on a machine that is booted once; ``begin`` brings back a known state."""

    name = ""
    traits = Traits()

    def __init__(self) -> None:
        answers = next(r.answers for r in read_lock().roms if (r.backend, r.abi) == (self.name, "3.1"))
        self.traits = replace(self.traits, answers=answers)
        self.machine = self.start()
        self.entries: dict[str, tuple[int, int]] = {}
        self.flags = 0
        self.root = self.call("GetCR3", {}) & ~0xFFF

    def start(self) -> Machine:
        """Boot, and settle the guest."""
        raise NotImplementedError

    def close(self) -> None:
        """Give the machine back."""
        self.machine.close()

    def get(self, gva: int, length: int) -> bytes:
        """Guest memory."""
        return self.machine.memory.read(gva - LINEAR, length)  # type: ignore[attr-defined, no-any-return]

    def interrupts(self) -> int:
        """How often the guest's handlers have run."""
        raise NotImplementedError

    def offers(self, call: str) -> bool:
        """Whether a call can be made here: through the ROM, or natively by a snippet that is known."""
        kind = self._entry(call)[1]
        return kind == Reloc.CALL_REL or (kind == Reloc.NONE and call in NATIVE)

    def entry(self, call: str) -> int:
        """Where a call enters the ROM."""
        eip, kind = self._entry(call)
        assert kind == Reloc.CALL_REL, f"{call} is not translated"
        return eip

    def _entry(self, call: str) -> tuple[int, int]:
        if call not in self.entries:
            number = CALLS[call].number
            self.entries[call] = relocation(self.machine, number)  # type: ignore[arg-type]
        return self.entries[call]

    def call(self, call: str, arguments: Mapping[str, int]) -> int:
        """Make a call; EAX, or EDX:EAX where the result is 64 bits wide."""
        eip, kind = self._entry(call)
        if kind == Reloc.NONE:
            self.machine.put(SNIPPET, NATIVE[call])
            eip = SNIPPET
        registers, stack = place(CALLS[call], arguments)
        lower = {name.lower(): value for name, value in registers.items()}
        after = self.machine.run_code(eip, stack, 2 | self.flags, **lower)
        self.flags = after["EFLAGS"] & IF
        answer = after["EAX"]
        result = CALLS[call].result
        if result is not None and ":" in result.place:
            answer |= after["EDX"] << 32
        if self.flags or self.name != "native":
            self._linger()
        return answer

    def _linger(self) -> None:
        """A few instructions of the guest's own, in which what is deliverable arrives."""
        self.machine.put(SNIPPET, b"\x90" * 8 + b"\xc3")
        after = self.machine.run_code(SNIPPET, (), 2 | self.flags)
        self.flags = after["EFLAGS"] & IF

    def begin(self) -> None:
        """Interrupts off and drained, no alarm set, the pair initialised at BASE with IRQ 0 open."""
        self.call("DisableInterrupts", {})
        for counter in (0, 1):
            self.call("CancelAlarm", {"flags": counter})
        self.table("SetIDT", 0, 8 * 256 - 1)
        for port, value in ((0x20, EOI), (0x20, 0x0A), (0x21, 0xFE)):
            self.call("OUTB", {"value": value, "port": port})
        for _ in range(100):  # what is requested already arrives before an initialisation could lose it
            self.call("EnableInterrupts", {})
            self.call("DisableInterrupts", {})
            if not self.call("INB", {"port": 0x20}) & 1:
                break
        else:
            raise Difference(f"{self.name}: IRQ 0 is requested for ever")
        self.init(BASE)

    def init(self, base: int) -> list[Step]:
        """Initialise both chips with all lines of the slave masked and IRQ 0 open; the steps that it took."""
        words = (
            *((0x20, 0x11), (0x21, base), (0x21, 4), (0x21, 1)),
            *((0xA0, 0x11), (0xA1, base + 8), (0xA1, 2), (0xA1, 1)),
            *((0x21, 0xFE), (0xA1, 0xFF)),
        )
        steps = [Step("OUTB", {"value": value, "port": port}) for port, value in words]
        for step in steps:
            self.call(step.call, step.arguments)
        return steps

    def table(self, call: str, which: int, limit: int) -> Step:
        """Name one of two equal tables."""
        base = TABLES[call][which]
        self.machine.put(SCRATCH, struct.pack("<HI", limit, base))
        self.call(call, {"dtr": SCRATCH})
        return Step(call, {"dtr": SCRATCH})

    def await_request(self) -> None:
        """Until the master's request register shows IRQ 0. Raises AssertionError after some seconds."""
        end = time.monotonic_ns() + WAIT_NS
        self.call("OUTB", {"value": 0x0A, "port": 0x20})
        while not self.call("INB", {"port": 0x20}) & 1:
            assert time.monotonic_ns() < end, "the alarm never showed in the request register"
            time.sleep(0.0002)


class NativeDriver(Driver):
    """The native ROM on a bare machine."""

    name = "native"
    traits = Traits(timer_shows=True)

    def start(self) -> Machine:
        machine = BareMachine(load_rom("native").data)
        machine.boot()
        machine.settle(BASE)
        for here, there, length in ((IDT, OTHER_IDT, 0x800), (GDT, OTHER_GDT, 0x100)):
            machine.put(there, machine.memory.read(here - LINEAR, length))
        return machine

    def interrupts(self) -> int:
        return sum(struct.unpack("<256I", self.get(COUNTS, 1024)))


class LguestDriver(Driver):
    """The lguest ROM on the embedded lguest."""

    name = "lguest"

    def start(self) -> Machine:
        machine = LguestRomMachine(load_rom("lguest").data)
        machine.settle()
        for here, there, length in ((IDT, OTHER_IDT, 0x800), (GDT, OTHER_GDT, 0x100)):
            machine.put(there, machine.memory.read(here - LINEAR, length))
        return machine

    def interrupts(self) -> int:
        return int(struct.unpack("<I", self.get(COUNTS, 4))[0])


class XenDriver(Driver):
    """The Xen ROM on the embedded Xen."""

    name = "xen"
    machine: XenRomMachine

    def start(self) -> Machine:
        machine = XenRomMachine(load_rom("xen").data)
        machine.settle()
        for here, there, length in ((IDT, OTHER_IDT, 0x800), (GDT, OTHER_GDT, 0x100)):
            machine.put(there, machine.get(here, length))
        return machine

    def get(self, gva: int, length: int) -> bytes:
        return self.machine.get(gva, length)

    def interrupts(self) -> int:
        return self.machine.interrupts


DRIVERS: dict[str, Callable[[], Driver]] = {
    "native": NativeDriver,
    "lguest": LguestDriver,
    "xen": XenDriver,
}


def play(driver: Driver, sequence: Sequence_) -> int:
    """Play a sequence on ROM and model, and look at what it left; how many calls were made. Raises
    Difference."""
    driver.begin()
    before = driver.interrupts()
    model = Model(driver.traits)
    _begun(model)
    made = 0
    done: list[tuple[str, Mapping[str, int]]] = []
    for name, arguments in (*sequence, *OBSERVED):
        done.append((name, arguments))
        try:
            made += _step(driver, model, name, arguments)
            got, want = driver.interrupts() - before, sum(model.delivered.values())
            assert got == want, f"{got} interrupts were delivered, not {want}"
        except AssertionError as error:
            raise Difference(f"{driver.name}: {name}: {error}\n{json.dumps(done)}") from None
    return made


def _begun(model: Model) -> None:
    for port, value in (
        *((0x20, 0x11), (0x21, BASE), (0x21, 4), (0x21, 1), (0xA0, 0x11), (0xA1, BASE + 8), (0xA1, 2)),
        *((0xA1, 1), (0x21, 0xFE), (0xA1, 0xFF)),
    ):
        model.pair.out(port, value)
    model.tables.idt = struct.pack("<HI", 8 * 256 - 1, IDT)


def _step(driver: Driver, model: Model, name: str, arguments: Mapping[str, int]) -> int:
    if name == "init":
        if model.pair.master.requests:
            return 0  # what a request becomes over an initialisation is the chip's affair
        for step in driver.init(arguments["base"]):
            model.call(step, driver.get)
        return 10
    if name == "fire":
        return _fire(driver, model, arguments["counter"])
    if name == "root":
        root = driver.root | arguments["bits"]
        driver.call("SetCR3", {"value": root})
        model.call(Step("SetCR3", {"value": root}), driver.get)
        return 1
    if name == "table":
        call = "SetIDT" if arguments["idt"] else "SetGDT"
        if not driver.offers(call):
            return 0
        model.call(driver.table(call, arguments["which"], arguments["limit"]), driver.get)
        return 1
    if not driver.offers(name):
        return 0
    step = Step(name, arguments)
    answer = driver.call(name, arguments)
    expected = model.call(step, driver.get)
    if CALLS[name].result is not None:
        wrong = expected.wrong(answer)
        assert not wrong, wrong
        model.seen(step, answer)
    for gva, stored in (expected.stores or {}).items():
        found = driver.get(gva, len(stored))
        assert found == stored, f"{found.hex()} at {gva:#x}, not {stored.hex()}"
    return 1


def _fire(driver: Driver, model: Model, counter: int) -> int:
    """An alarm that is due already, set while interrupts are off: it waits in the request register."""
    steps = (
        Step("DisableInterrupts", {}),
        Step("SetAlarm", {"flags": counter, "expiry": 0, "period": 0}),
    )
    for step in steps:
        driver.call(step.call, step.arguments)
        model.call(step, driver.get)
    driver.await_request()
    model.pair.out(0x20, 0x0A)
    return 3
