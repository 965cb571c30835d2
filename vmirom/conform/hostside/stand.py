"""A guest whose ROM is called from outside, on an embedded hypervisor, with everything seen that a call does.

The guest is the model's player (one image for all backends): it sets itself up as any guest does, and waits
at its gate. From there the processor's registers are set, EIP at any address of the ROM, and the return
address is the gate. Seen are the registers behind the call, each store that was made by code which is not the
guest's, each time that the engine was left (hypercalls, and instructions that a hypervisor carries out), and
how the call ended.

Nothing of a backend is known here; what differs is asked of the ROM: get_reloc, GetCallInfo, and the private
area of its header."""

from __future__ import annotations

import enum
import struct
import time
from collections.abc import Container, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

from vmirom.bundle.inspect import read_bundle
from vmirom.conform.hostside.arguments import Places
from vmirom.conform.hostside.contract import ARITHMETIC, DF, IF, Processor
from vmirom.conform.hostside.settable import SettableClock
from vmirom.conform.model.arena import (
    ARENA,
    DATA,
    DESTINATION,
    FRAMES,
    GDT_LIMIT,
    GDTS,
    IDLE_TABLE,
    IDT_LIMIT,
    IDTS,
    LINEAR,
    NOWHERE,
    OPERAND,
    PAGE,
    PAGES,
    STACKS,
    USER_CODE,
    USER_PAGE,
    WINDOW_TABLES,
    Routine,
)
from vmirom.conform.model.player import MEMORY_MIB, AtGate, Died, Player, Setting, symbol
from vmirom.hosts.rom_places import RomPlaces
from vmirom.hypervisors.hypervisor import EndKind
from vmirom.machine.engine import Engine, Exit, Segment, SegmentName, Trap
from vmirom.machine.memory import Memory
from vmirom.overlays.vmi import Answer, Call, FlushTlb, Layout, PageType, Reloc, RomHeader
from vmirom.rom.image import RomImage, parse_rom
from vmirom.schema.calls import GENERAL
from vmirom.trace.recorder import Tally

if TYPE_CHECKING:
    from vmirom.machine.unicorn import UnicornEngine

__all__ = ["How", "Made", "Stand", "Store", "Unsettled"]

_FRAME: Final = struct.Struct("<48xIIIII")
"""Of a struct vmi_frame: vector, error, EIP, CS, EFLAGS."""
_INTERRUPTS: Final = range(0x30, 0x80)
"""Vectors that the guest handles and goes on after."""
_PAGE_FAULT: Final = 14
_WRITE: Final = 2
_STATE: Final = (int(Layout.STATE_GPA) >> 12, int(Layout.STATE_PAGES))
_STORES_MAX: Final = 200_000
_TABLE_AT: Final = IDLE_TABLE + 0x100
_ENTRY_AT: Final = IDLE_TABLE + 0x800
_CALL: Final = 0xFFFFFFFF
"""Routine of a player's step that is a call."""
_ORDER: Final = ("EAX", "EDX", "ECX", "EBX", "ESI", "EDI", "EBP")
"""Of a step's registers."""
_USER_ENTRY: Final = FRAMES[USER_PAGE] - LINEAR | 0x67
"""Present, writable, the user's, accessed, dirty."""
_CR0: Final = 0x80050033
_ASTRAY: Final = 0x40000000
"""From the kernel's part of linear space into the users', of which the guest maps hardly any."""
_PICS: Final = (
    *((0x20, 0x11), (0x21, 0x30), (0x21, 4), (0x21, 1)),
    *((0xA0, 0x11), (0xA1, 0x38), (0xA1, 2), (0xA1, 1)),
    *((0x21, 0xFE), (0xA1, 0xFF)),
)
"""Both PICs at vectors 30h and 38h, IRQ 0 open."""


class How(enum.Enum):
    """How a call ended."""

    RETURNED = "it came back"
    USER = "it went to user code"
    TRAPPED = "it trapped"
    ENDED = "the machine ended"
    HUNG = "it did not come back"


@dataclass(frozen=True, slots=True)
class Store:
    """One store of code that is not the guest's. ``gpa`` is None where the frame is not the guest's; ``old``
    is what was there; ``eip`` the instruction."""

    gpa: int | None
    size: int
    value: int
    old: int
    eip: int


@dataclass(frozen=True, slots=True)
class Made:
    """A call that was made. ``why`` tells more of an end that is no return; ``exits`` counts how often the
    engine was left for the hypervisor; ``instructions`` those of the ROM, if they were looked at."""

    how: How
    before: Processor
    after: Processor
    why: str = ""
    stores: tuple[Store, ...] = ()
    exits: int = 0
    instructions: tuple[int, ...] = ()
    interrupts: int = 0

    def __getitem__(self, name: str) -> int:
        """A register behind the call."""
        return self.after.general[name]

    @property
    def pair(self) -> int:
        """EDX:EAX."""
        return self["EDX"] << 32 | self["EAX"]


class Unsettled(Exception):
    """``call`` did not come back when the machine was to be as at the beginning: it is lost."""

    def __init__(self, call: str, why: str) -> None:
        super().__init__(f"{call}: {why}")
        self.call, self.why = call, why


class _Trapped(Exception):
    """The guest's handler was entered for what is no interrupt of its."""


class _AtUser(Exception):
    """User code began."""


class Stand(Player):
    """``up``: the guest has set itself up, and waits at its gate. Otherwise it has just been entered, and
    nothing of the ROM was called yet. Raises Died where it does not come so far.
    ``per_call`` are seconds after which a call hangs."""

    def __init__(self, setting: Setting, *, up: bool = True, per_call: float = 2.0) -> None:
        self.per_call = per_call
        self._seeing = False
        self._traps = symbol("vmi_trap")
        self._edge = symbol("vmi_stack_top") - PAGE
        self._entry = symbol("vmi_start")
        self._stop_at_entry = not up
        self.tally = Tally({int(call): call.name for call in Call})
        self._load(setting, self.tally)
        try:
            if up:
                self._come_up()
            else:
                self._run()
        except BaseException:
            self.close()
            raise
        self._pad = self._gate if up else self._entry
        engine = self.engine
        self._flags = engine.eflags & ~(ARITHMETIC | DF)
        self._root = engine.cr3
        self._segments = [engine.segment(name) for name in SegmentName]
        self._kept = {name: getattr(engine, name.lower()) for name in (*GENERAL, "EIP", "ESP", "EFLAGS")}

    # what there is

    @property
    def engine(self) -> UnicornEngine:
        """The processor. Raises Died once it is closed."""
        if self._engine is None:
            raise Died("the machine is gone")
        return self._engine

    @cached_property
    def image(self) -> RomImage:
        """The ROM's. Raises RomError."""
        return parse_rom(self.rom_data)

    @cached_property
    def rom(self) -> int:
        """gva of the ROM in the linear map."""
        private = self.image.private
        return LINEAR + (int(Layout.ROM_GPA) if private is None else private.rom_gpa)

    @cached_property
    def places(self) -> Places:
        """Where arguments may lead."""
        boot_tables, arena = (
            range(0x100, 0x400),
            range(ARENA - LINEAR >> 12, (ARENA - LINEAR >> 12) + PAGES + 1),
        )
        return Places(
            operand=OPERAND,
            data=DATA,
            target=DESTINATION,
            entry=_ENTRY_AT,
            table=_TABLE_AT,
            gdt=(GDTS[0], GDT_LIMIT + 1),
            idt=(IDTS[0], IDT_LIMIT + 1),
            root=self.roots[0],
            nowhere=NOWHERE,
            reserved=range(boot_tables.start, arena.stop),
        )

    @property
    def gate(self) -> int:
        """Where calls come back to."""
        return self._pad

    def entry(self, name: str) -> int | None:
        """What get_reloc answers for a call, None for what is not entered."""
        return self._entries[Call[name]]

    def slot(self, name: str) -> int | None:
        """The call's slot where the header tells of slots and get_reloc of an entry."""
        private = self.image.private
        number = int(Call[name])
        if (
            private is None
            or not private.slots_offset
            or number >= private.slots_count
            or not self.entry(name)
        ):
            return None
        return self.rom + private.slots_offset + private.slot_size * number

    @cached_property
    def _entries(self) -> dict[Call, int | None]:
        found: dict[Call, int | None] = {}
        for call in Call:
            eip, kind = self.relocation(int(call))
            found[call] = eip if kind in (Reloc.CALL_REL, Reloc.JUMP_REL) else None
        return found

    def relocation(self, number: int) -> tuple[int, int]:
        """Address and type that get_reloc answers. Raises Died where it does not come back."""
        made = self.call(self.rom + int(RomHeader.GET_RELOC_OFFSET), {"EAX": number}, see=False)
        if made.how is not How.RETURNED:
            raise Died(f"get_reloc({number:#x}): {made.how.value}: {made.why}")
        return made["EAX"], made["EDX"] & 0xFF

    def answer(self, call: Call) -> Answer | None:
        """What GetCallInfo says of a call; None where the ROM has no GetCallInfo, or it answers nonsense."""
        told = self.answer_to(int(call))
        return Answer(told) if told in {int(one) for one in Answer} else None

    def answer_to(self, number: int) -> int | None:
        """The same for any number, and any answer. Raises Died where it does not come back."""
        eip = self.entry("GetCallInfo")
        if eip is None:
            return None
        made = self.call(eip, {"EAX": number}, see=False)
        if made.how is not How.RETURNED:
            raise Died(f"GetCallInfo({number:#x}): {made.how.value}: {made.why}")
        return made["EAX"]

    # memory

    @cached_property
    def frames(self) -> Mapping[int, int]:
        """Physical frame of the engine by pfn of the guest."""
        pfn_of = self._host.pfn_of
        pages = self._memory.size >> 12
        return {pfn: frame for frame in range(pages) if (pfn := pfn_of(frame)) is not None}

    def gpa_of(self, physical: int) -> int | None:
        """Guest-physical address of an address of the engine; None for one that is not the guest's memory."""
        pfn = self._host.pfn_of(physical >> 12)
        return None if pfn is None or pfn >= MEMORY_MIB << 8 else pfn << 12 | physical & 0xFFF

    def get(self, gva: int, length: int) -> bytes:
        """Guest memory in the linear map."""
        found = b""
        while length:
            piece = min(length, PAGE - gva % PAGE)
            found += self._memory.read(self._physical(gva), piece)
            gva, length = gva + piece, length - piece
        return found

    def put(self, gva: int, data: bytes) -> None:
        """Store there."""
        while data:
            piece = data[: PAGE - gva % PAGE]
            self._memory.write(self._physical(gva), piece)
            gva, data = gva + len(piece), data[len(piece) :]

    def _physical(self, gva: int) -> int:
        gpa = gva - LINEAR & 0xFFFFFFFF
        return self.frames[gpa >> 12] << 12 | gpa & 0xFFF

    # calls

    def call(
        self,
        eip: int,
        registers: Mapping[str, int],
        stack: Sequence[int] = (),
        flags: int = 0,
        *,
        enabled: bool = False,
        above: int = 0,
        jump: bool = False,
        see: bool = True,
        steps: bool = False,
        null: bool = False,
    ) -> Made:
        """Call an address with these registers (by capital name, others 0), stack words and arithmetic flags,
        DF among them. ``enabled`` matters where the processor's flag is the guest's. ``above``: bytes between
        the edge of a page and the return address, so that all that a call pushes lies in the page below.
        ``jump``: no return address is pushed. ``see``: stores are looked at; ``steps``: instructions.
        ``null``: DS and ES hold nothing. The engine's processor does not refuse an access by them, so their
        hidden base leads it to where nothing is mapped."""
        engine = self.engine
        for name in GENERAL:
            setattr(engine, name.lower(), registers.get(name, 0))
        words = tuple(stack) if jump else (self._pad, *stack)
        engine.esp = self._edge + above
        self.put(engine.esp, struct.pack(f"<{len(words)}I", *words))
        engine.eflags = self._flags & ~IF | (IF if enabled or self.flag_is_virtual else 0) | flags
        engine.eip = eip
        if null:
            for segment in (SegmentName.DS, SegmentName.ES):
                engine.set_segment(segment, Segment(0, _ASTRAY, 0, 0))
        before = self._processor()
        before = Processor(before.general, before.esp + (0 if jump else 4), before.eflags, before.segments)
        return self._make(before, see, steps)

    def _make(self, before: Processor, see: bool, steps: bool) -> Made:
        from vmirom.machine.unicorn.observing import instructions_seen

        engine = self.engine
        self._stores: list[tuple[int, int, int, int, int]] = []
        instructions: list[int] = []
        self._exits, self._trap, self._fault_error = 0, "", 0
        self._see = see
        begun = self._interrupts
        with ExitStack() as stack:
            if steps:
                length = self.image.length
                stack.enter_context(instructions_seen(engine, self.rom, length, instructions.append))
            how, why = self._until_it_ends()
        stores = [
            Store(self.gpa_of(at), size, value, old, eip)
            for at, size, value, old, eip in self._stores
        ]  # fmt: skip
        after = self._processor()
        made = Made(
            how, before, after, why, tuple(stores), self._exits, tuple(instructions), self._interrupts - begun
        )
        self._see = False
        return made

    def _until_it_ends(self) -> tuple[How, str]:
        self._patient_until = time.monotonic_ns() + int(self.per_call * 1e9)
        try:
            ending = self._host.run(self._patient_until)
        except AtGate:
            return How.RETURNED, ""
        except _AtUser:
            return How.USER, ""
        except _Trapped:
            return How.TRAPPED, self._trap
        if ending.kind is EndKind.BUDGET:
            return How.HUNG, ending.reason
        return How.ENDED, f"{ending.kind.value}: {ending.reason}"

    def guest_calls(
        self, calls: Sequence[tuple[str, Mapping[str, int], tuple[int, ...]]]
    ) -> list[tuple[int, ...]]:
        """Let the guest make calls (name, registers, at most four stack words) itself, by whatever way it has
        for them, the native one too; words of RESULT for each. Raises Died."""
        return self._guest(
            [
                (
                    _CALL,
                    int(Call[name]),
                    *(registers.get(one, 0) for one in _ORDER),
                    0,
                    *(*stack, 0, 0, 0, 0)[:4],
                    0,
                    0,
                )
                for name, registers, stack in calls
            ]
        )

    def guest_loads(self, addresses: Sequence[int]) -> None:
        """Let the guest load a word from each address. Raises Died."""
        self._guest([(int(Routine.load), 0, address, *(0,) * 13) for address in addresses])

    def _guest(self, steps: Sequence[tuple[int, ...]]) -> list[tuple[int, ...]]:
        for name, value in self._kept.items():
            setattr(self.engine, name.lower(), value)
        self.set_segments()
        return self.play(steps)

    def settle(self, avoid: Container[str] = ()) -> None:
        """What calls with any arguments may have changed is as at the beginning: interrupts off, PICs set up
        with IRQ 0 open, no alarm, the guest's own tables and spaces."""
        self.put(OPERAND, struct.pack("<HI", IDT_LIMIT, IDTS[0]))
        self.put(OPERAND + 8, struct.pack("<HI", GDT_LIMIT, GDTS[0]))
        kernel_stack = {"EAX": self._segments[SegmentName.SS].selector & ~3, "EDX": STACKS[0]}
        calls: list[tuple[str, Mapping[str, int], tuple[int, ...]]] = [
            *((name, {}, ()) for name in ("DisableInterrupts", "SetLazyMode", "SetCounters", "CancelAlarm")),
            ("CancelAlarm", {"EAX": 1}, ()),
            *((name, {}, ()) for name in ("SetIOPLMask", "SetLDT")),
            ("SetCR0", {"EAX": _CR0}, ()),
            ("SetGDT", {"EAX": OPERAND + 8}, ()),
            ("SetIDT", {"EAX": OPERAND}, ()),
            ("UpdateKernelStack", kernel_stack, ()),
            ("SetLinearMapping", {"EAX": 0, "EDX": LINEAR, "ECX": MEMORY_MIB << 8}, (0,)),
            *(("SetLinearMapping", {"EAX": slot}, (0,)) for slot in (1, 2, 3)),
            *(("OUTB", {"EAX": value, "EDX": port}, ()) for port, value in _PICS),
            (
                "SetPxELong",
                {"EAX": _USER_ENTRY, "ECX": WINDOW_TABLES[0] + 8 * USER_PAGE},
                (int(PageType.PT),),
            ),
            ("SetCR3", {"EAX": self.roots[0]}, ()),
            ("FlushTLB", {"EAX": int(FlushTlb.TLB | FlushTlb.GLOBAL)}, ()),
        ]
        self.set_segments()
        for name, registers, stack in calls:
            eip = self.entry(name)
            if eip is None or name in avoid:
                continue
            made = self.call(eip, registers, stack, see=False)
            if made.how is not How.RETURNED:
                raise Unsettled(name, f"{made.how.value}: {made.why}")
        self.guest_calls([one for one in calls if self.entry(one[0]) is None])

    def watch_stores(self) -> None:
        """From here on stores are seen by calls that ask for it; it costs each store of every call."""
        from vmirom.machine.unicorn.observing import stores_seen

        self._watching = ExitStack()
        self._watching.enter_context(stores_seen(self.engine, self._on_store, self._quiet))

    @cached_property
    def _quiet(self) -> frozenset[int]:
        """Frames in which a ROM may store as it likes: its state pages, and the page of stack below the
        edge."""
        private = self.image.private
        first, pages = (private.state_gpa >> 12, private.state_pages) if private else _STATE
        below = self._edge - LINEAR - 1 >> 12
        return frozenset(self.frames[pfn] for pfn in (*range(first, first + pages), below))

    def _on_store(self, at: int, size: int, value: int) -> None:
        if not self._see or len(self._stores) >= _STORES_MAX:
            return
        eip = self.engine.eip
        if self._is_guest(eip) or self.gpa_of(at) is None:
            return
        raw = self._memory.raw
        old = int.from_bytes(raw[at : at + size], "little") if at + size <= self._memory.size else 0
        self._stores.append((at, size, value, old, eip))

    def _is_guest(self, eip: int) -> bool:
        return self._text[0] <= eip < self._text[1]

    @cached_property
    def _text(self) -> tuple[int, int]:
        return symbol("vmi_text_start"), symbol("vmi_text_end")

    def _processor(self) -> Processor:
        engine = self.engine
        general = {name: getattr(engine, name.lower()) for name in GENERAL}
        segments = tuple(engine.segment(name).selector for name in SegmentName)
        return Processor(general, engine.esp, engine.eflags, segments)

    def set_segments(self) -> None:
        """Segment registers as they were at the gate."""
        for name, segment in zip(SegmentName, self._segments, strict=True):
            self.engine.set_segment(name, segment)

    def _run(self) -> None:
        self._patient_until = time.monotonic_ns() + int(self.setting.budget * 1e9)
        super()._run()

    # the interrupt flag

    @cached_property
    def flag_is_virtual(self) -> bool:
        """Whether the flag is the ROM's, and the processor's stays on."""
        return bool(self._flags & IF)

    @property
    def enabled(self) -> bool:
        """The interrupt flag, as the ROM tells it, or the processor's where there is no call for it."""
        eip = self.entry("GetInterruptMask")
        if eip is None:
            return bool(self.engine.eflags & IF)
        made = self.call(eip, {}, see=False, enabled=bool(self.engine.eflags & IF))
        if made.how is not How.RETURNED:
            raise Died(f"GetInterruptMask: {made.how.value}: {made.why}")
        return bool(made["EAX"] & IF)

    def enable(self, wanted: bool) -> None:
        """Set it, where there is a call for it; else calls are made with the processor's."""
        eip = self.entry("EnableInterrupts" if wanted else "DisableInterrupts")
        if eip is not None:
            self.call(eip, {}, see=False)

    # the engine

    def _make_engine(self, memory: Memory) -> Engine:
        from vmirom.machine.unicorn import UnicornEngine

        stand = self

        class Counting(UnicornEngine):
            """Tells how often it was left for a hypercall, or an instruction that a hypervisor carries
            out."""

            def run(self, deadline_ns: int | None = None, window: bool = False) -> Exit:
                found = super().run(deadline_ns, window)
                if isinstance(found, Trap) and found.vector != _PAGE_FAULT:
                    stand._exits += 1
                return found

        self._exits = self._interrupts = self._patient_until = 0
        self._see = False
        engine = Counting(memory)
        self.clock = engine.clock = SettableClock(engine.clock)
        self._engine = engine
        engine.watch(self._gate, 1, self._at_gate)
        engine.watch(self._entry, 1, self._at_entry)
        engine.watch(self._traps, 1, self._at_trap)
        engine.watch(USER_CODE, 1, self._at_user)
        return engine

    def _at_entry(self, address: int) -> None:
        if self._stop_at_entry:
            raise AtGate

    def _at_user(self, address: int) -> None:
        if self._see_calls:
            raise _AtUser

    def _at_trap(self, address: int) -> None:
        if not self._see_calls:
            return
        engine = self.engine
        frame = int.from_bytes(self.get(engine.esp + 4, 4), "little")
        vector, error, eip, cs, _ = _FRAME.unpack(self.get(frame, _FRAME.size))
        if vector in _INTERRUPTS:
            self._interrupts += 1
            return
        where, self._fault_error = self.place(eip), error
        self._trap = f"vector {vector}, error {error:X}, at {cs:04X}:{eip:08X}{where}"
        raise _Trapped

    @property
    def _see_calls(self) -> bool:
        return hasattr(self, "_kept")

    def store_to_rom(self) -> str:
        """What the page fault that was just trapped was about, if that was a store to the ROM's image; else
        empty."""
        if not self._trap.startswith(f"vector {_PAGE_FAULT}, ") or not self._fault_error & _WRITE:
            return ""
        eip = self.entry("GetCR2")
        address = self.engine.cr2 if eip is None else self.call(eip, {}, see=False)["EAX"]
        within = self.rom <= address < self.rom + self.image.length
        return f"a store to {address:08X} that the page tables refuse: {self._trap}" if within else ""

    def place(self, eip: int) -> str:
        """What is at an address, in words that begin with a blank; empty if nobody knows."""
        found = self._rom_places.place(eip)
        return f" ({found})" if found else ""

    @cached_property
    def _rom_places(self) -> RomPlaces:
        return RomPlaces(read_bundle(self.bundle))

    def describe(self) -> str:
        """The hypervisor's words for the state of the machine."""
        return self._host.describe()
