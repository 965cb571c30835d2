"""What the ROM stores while a guest boots, from the guest's first instruction to its end.

Calls made from outside never come to the ROM's handlers of traps and interrupts, and never in a guest's
order. Here every store of its code is looked at where it happens. It may go to the ROM's state and to memory
that is not the guest's (pages that are shared with a hypervisor, frames of the ROM's own), to the stack that
the ROM was entered on, and to what the call's arguments name; in the guest's page tables it may set accessed
and dirty bits. Everything else is a stray store."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import TYPE_CHECKING, Final

from vmirom.conform.hostside.activations import Activation, Activations
from vmirom.conform.hostside.arguments import Span, named, values_of
from vmirom.conform.hostside.stores import TSS_STACK, marks_entry
from vmirom.hosts.callwatch import watch_calls
from vmirom.hosts.embedded import Machine
from vmirom.hosts.rom_places import RomPlaces
from vmirom.machine.addresses import PAGE_SIZE
from vmirom.machine.paging import Access, Mode, PageFault, translate
from vmirom.overlays.vmi import Call as Number
from vmirom.overlays.vmi import Layout, ffi
from vmirom.schema.calls import Call
from vmirom.schema.tree import load_abi

if TYPE_CHECKING:
    from vmirom.machine.unicorn.codewatch import Kind

__all__ = ["ITSELF", "STRAYS", "BootWatch"]

STRAYS: Final = "boot: code of the ROM stores only where it may"
ITSELF: Final = "boot: code of the ROM stores nothing in its own image"
"""The lines that say so."""

_MOST: Final = 200
"""Stores that are told of; behind them nobody looks any more."""
_ORDER: Final = ("EAX", "EDX", "ECX", "EBX", "ESI", "EDI", "EBP")
_OFFSET: Final = PAGE_SIZE - 1


class BootWatch:
    """Of one machine, made with its engine, before it runs."""

    def __init__(self, machine: Machine) -> None:
        from vmirom.machine.unicorn.codewatch import CodeWatch

        self.strays: list[str] = []
        """Stores that go where they may not, in words."""
        self.itself: list[str] = []
        """Those to the ROM's image."""
        self.begun = False
        """Whether the guest was entered."""
        self._machine = machine
        self._engine, self._pfn_of = machine.engine, machine.pfn_of
        engine, bundle = machine.engine, machine.bundle
        private = bundle.rom.private
        self._rom = range(private.rom_gpa, private.rom_gpa + bundle.rom.image.length)
        self._state = range(private.state_gpa, private.state_gpa + PAGE_SIZE * private.state_pages)
        self._pages = 0
        self._activations = Activations()
        self._counters: tuple[Span, ...] = ()
        self._frames: dict[int, int] = {}
        self._code = CodeWatch(engine, self._kind_of, self._crossed, self._stored)
        watch_calls(engine, bundle, self)
        engine.watch(bundle.guest_entry, 1, self._entered)

    @property
    def wrong(self) -> bool:
        """Whether there is anything to tell."""
        return bool(self.strays or self.itself)

    def _entered(self, _address: int) -> None:
        """The guest begins: its memory is what boot information says."""
        if self.begun:
            return
        self.begun = True
        memory = self._engine.memory
        frames = {self._pfn_of(frame): frame for frame in range(memory.size >> 12)}
        gpa = self._engine.esi - int(Layout.LINEAR_BASE) & 0xFFFFFFFF
        if gpa >> 12 not in frames:
            return
        info = memory.view(frames[gpa >> 12] << 12 | gpa & _OFFSET, ffi, "struct vmi_boot_info")
        self._pages = int(info.mem_pages)
        for pfn, frame in frames.items():
            if pfn is not None and (pfn >= self._pages or pfn << 12 in self._state):
                self._code.hush(frame)
        self._code.begin()

    # memory

    def _gpa(self, physical: int) -> int | None:
        """Of the guest's memory, and of nobody else's."""
        pfn = self._pfn_of(physical >> 12)
        return None if pfn is None or pfn >= self._pages else pfn << 12 | physical & _OFFSET

    def _physical(self, gva: int) -> int | None:
        engine = self._engine
        mode = Mode.of(engine.cr0, engine.cr4, engine.efer)
        found = translate(engine.memory, engine.cr3, mode, gva & 0xFFFFFFFF, Access.READ, user=False)
        return None if isinstance(found, PageFault) else int(found)

    def _kind_of(self, address: int) -> Kind:
        """Code of the ROM, by whatever alias, lies in its image, in its state or in nobody's memory."""
        from vmirom.machine.unicorn.codewatch import Kind

        physical = self._physical(address & ~_OFFSET)
        if physical is None:
            return Kind.OTHER
        gpa = self._gpa(physical)
        mine = gpa is None or gpa in self._state or gpa in self._rom
        return Kind.WATCHED if mine else Kind.OTHER

    # crossings

    def _crossed(self, address: int, watched: bool) -> None:
        engine, now = self._engine, self._activations.now
        if not watched:
            self._activations.left(engine.esp)
        elif now.call is not None and (now.eip, now.esp) == (address, engine.esp):
            self._reopen(
                now
            )  # of the call that was told of this block first, or of one that is told of it now
        elif self._counters:  # its number will be known by the counter
            self._enter(address, None)
        else:
            self._activations.entered(Activation(address, engine.esp))

    def call(self, number: int) -> None:
        """A call begins: that of the block whose crossing was told of just now, or will be, or one that
        begins anew because an interrupt came before it had done anything."""
        call = self._contracts.get(number)
        if not self.begun or call is None:
            return
        now = self._enter(self._engine.eip, call)
        eax, edx, *_ = now.registers
        if number == Number.UpdateKernelStack:
            self._activations.user_stack(edx)
        elif number == Number.SetCounters:
            self._counters = (Span(eax, 4 * min(edx, len(Number))),) if eax else ()

    def _enter(self, eip: int, call: Call | None) -> Activation:
        engine = self._engine
        esp = engine.esp
        registers = engine.eax, engine.edx, engine.ecx, engine.ebx, engine.esi, engine.edi, engine.ebp
        now = Activation(eip, esp, registers, call)
        self._activations.entered(now)
        self._reopen(now)
        return now

    def _reopen(self, activation: Activation) -> None:
        """Its stack, where the page was met before."""
        page = activation.esp - 4 >> 12
        frame = self._frames.get(page)
        if frame is not None:
            self._open(activation, page, frame)

    @cached_property
    def _contracts(self) -> dict[int, Call]:
        calls = load_abi().resolve("vmi3", self._machine.bundle.abi_text).calls
        return {call.number: call for call in calls if call.kind is not None}

    # stores

    def _stored(self, at: int, size: int, value: int) -> None:
        gpa = self._gpa(at)
        if gpa is None:  # a page that is shared with the hypervisor stays one
            self._code.hush(at >> 12)
            return
        if len(self.strays) + len(self.itself) >= _MOST:
            return
        if gpa in self._rom:
            self._tell(self.itself, ITSELF, gpa, size, value)
            return
        if self._within(self._counters, at, size):
            now = self._activations.now
            now.call = now.call or self._counted(at)
            return
        for one in self._activations.possible(self._engine.esp):
            if self._on_stack(one, at) or self._within(self._named(one), at, size):
                self._activations.now = one
                return
        old = int.from_bytes(self._engine.memory.raw[at : at + size], "little")
        if not marks_entry(value, old):
            self._tell(self.strays, STRAYS, gpa, size, value)

    def _on_stack(self, activation: Activation, at: int) -> bool:
        """Whether it is; if so, nothing is told of this page of the stack until the next crossing."""
        low, high = activation.stack
        for page in range(low >> 12, (high - 1 >> 12) + 1):
            if low <= page << 12 | at & _OFFSET < high and self._is_at(page, at):
                self._frames[page] = at >> 12
                self._open(activation, page, at >> 12)
                return True
        return False

    def _open(self, activation: Activation, page: int, frame: int) -> None:
        """Let stores to the page of the activation's stack pass that lies in ``frame``."""
        low, high = activation.stack
        begin, end = max(low, page << 12), min(high, page + 1 << 12)
        self._code.window((frame - page << 12) + begin, end - begin)

    def _is_at(self, page: int, at: int) -> bool:
        found = self._physical(page << 12)
        return found is not None and found >> 12 == at >> 12

    def _within(self, spans: Iterable[Span], at: int, size: int) -> bool:
        """Whether a store lies in one of the spans as a whole."""
        for span in spans:
            end = span.start + span.length
            for page in range(span.start >> 12, (end - 1 >> 12) + 1):
                gva = page << 12 | at & _OFFSET
                if span.start <= gva and gva + size <= end and self._is_at(page, at):
                    return True
        return False

    def _counted(self, at: int) -> Call | None:
        """The call whose counter that is."""
        number = (at - self._counters[0].start & _OFFSET) >> 2
        return self._contracts.get(number)

    def _named(self, activation: Activation) -> tuple[Span, ...]:
        """What the call's arguments name. None of them that does is on the stack."""
        call = activation.call
        if call is None:
            return ()
        if call.number == Number.UpdateKernelStack:
            return (Span(self._engine.task_register().base, TSS_STACK),)
        values = values_of(call, dict(zip(_ORDER, activation.registers, strict=False)))
        return named(call, values, self._engine.eflags)

    def _tell(self, into: list[str], line: str, gpa: int, size: int, value: int) -> None:
        now = self._activations.now
        what = "no call" if now.call is None else now.call.name
        place = self._place(self._engine.eip)
        if not into:
            self._machine.take_down(line)
        into.append(f"{size} bytes, {value:X}, to gpa {gpa:X} in {what} ({place})")

    def _place(self, eip: int) -> str:
        physical = self._physical(eip)
        gpa = None if physical is None else self._gpa(physical)
        found = "" if gpa is None else self._places.place(int(Layout.LINEAR_BASE) + gpa)
        return found or f"{eip:08X}"

    @cached_property
    def _places(self) -> RomPlaces:
        return RomPlaces(self._machine.bundle)
