"""A guest whose ROM is called from outside, on an embedded hypervisor, with everything seen that a call does.

The guest is the model's player (one image for all backends): it sets itself up as any guest does, and waits
at its gate. From there the processor's registers are set, EIP at any address of the ROM, and the return
address is the gate. Seen are the registers behind the call, each store that was made by code which is not the
guest's, each time that the engine was left (hypercalls, and instructions that a hypervisor carries out), and
how the call ended.

Nothing of a backend is known here; what differs is asked of the ROM: get_reloc, GetCallInfo, and the private
area of its header."""

from __future__ import annotations

import struct
import time
from collections.abc import Container, Mapping, Sequence
from contextlib import ExitStack
from functools import cached_property
from typing import TYPE_CHECKING, Final

from vmirom.conform.hostside.arguments import Places
from vmirom.conform.hostside.contract import ARITHMETIC, DF, IF, Processor
from vmirom.conform.hostside.looking import PAGE_FAULT, AtUser, LookedAt, Trapped
from vmirom.conform.hostside.made import How, Made, Store, Unsettled
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
    USER_PAGE,
    WINDOW_TABLES,
    Routine,
)
from vmirom.conform.model.player import MEMORY_MIB, AtGate, Died, Setting, symbol
from vmirom.hypervisors.hypervisor import EndKind
from vmirom.machine.engine import Segment, SegmentName
from vmirom.overlays.vmi import Answer, Call, FlushTlb, Layout, PageType, Reloc, RomHeader
from vmirom.schema.calls import GENERAL
from vmirom.trace.recorder import Tally

if TYPE_CHECKING:
    pass

__all__ = ["Stand"]

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


class Stand(LookedAt):
    """``up``: the guest has set itself up, and waits at its gate. Otherwise it has just been entered, and
    nothing of the ROM was called yet. Raises Died where it does not come so far.
    ``per_call`` are seconds after which a call hangs."""

    def __init__(self, setting: Setting, *, up: bool = True, per_call: float = 2.0) -> None:
        self.per_call = per_call
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
        self._segments = [engine.segment(name) for name in SegmentName]
        self._calling = True
        self._kept = {name: getattr(engine, name.lower()) for name in (*GENERAL, "EIP", "ESP", "EFLAGS")}

    # what there is

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
        eip, kind = self.relocations[Call[name]]
        return eip if kind in (Reloc.CALL_REL, Reloc.JUMP_REL) else None

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
    def relocations(self) -> Mapping[Call, tuple[int, int]]:
        """What get_reloc answers for each call, asked once. Raises Died."""
        return {call: self.relocation(int(call)) for call in Call}

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
        before = self._processor(see)
        before = Processor(before.general, before.esp + (0 if jump else 4), before.eflags, before.segments)
        return self._make(before, see, steps)

    def _make(self, before: Processor, see: bool, steps: bool) -> Made:
        from vmirom.machine.unicorn.observing import instructions_seen

        engine = self.engine
        instructions: list[int] = []
        self._exits, self._trap, self._fault_error = 0, "", 0
        self._stores.clear()
        self._look_at(see)
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
        self._look_at(False)
        after = self._processor(see)
        return Made(
            how, before, after, why, tuple(stores), self._exits, tuple(instructions), self._interrupts - begun
        )

    def _until_it_ends(self) -> tuple[How, str]:
        self._patient_until = time.monotonic_ns() + int(self.per_call * 1e9)
        try:
            ending = self._host.run(self._patient_until)
        except AtGate:
            return How.RETURNED, ""
        except AtUser:
            return How.USER, ""
        except Trapped:
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

    # the page fault that was trapped

    def store_to_rom(self) -> str:
        """What the page fault that was just trapped was about, if that was a store to the ROM's image; else
        empty."""
        if not self._trap.startswith(f"vector {PAGE_FAULT}, ") or not self._fault_error & _WRITE:
            return ""
        eip = self.entry("GetCR2")
        address = self.engine.cr2 if eip is None else self.call(eip, {}, see=False)["EAX"]
        within = self.rom <= address < self.rom + self.image.length
        return f"a store to {address:08X} that the page tables refuse: {self._trap}" if within else ""
