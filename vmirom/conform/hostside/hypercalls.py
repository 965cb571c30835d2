"""How often a ROM leaves for its hypervisor: once for many updates that wait, and never for the interrupt
flag.

What is counted is the engine left, whatever the hypercall is called, so that nothing of a hypervisor's ABI is
known here. Instructions that a hypervisor carries out count as well: they cost as much.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from vmirom.conform.hostside.contract import IF
from vmirom.conform.hostside.machines import Machines
from vmirom.conform.hostside.made import How
from vmirom.conform.hostside.sheet import Sheet
from vmirom.conform.hostside.stand import Stand
from vmirom.conform.model.arena import FRAMES, LINEAR, PAGE, WINDOW, WINDOW_TABLES
from vmirom.conform.model.player import Died, Setting
from vmirom.overlays.vmi import FlushTlb, LazyMode, PageType, PteFlag

__all__ = ["BATCH", "FLAG_CALLS", "HYPERCALLS", "INSTRUCTIONS", "examine_hypercalls"]

HYPERCALLS: Final = "hypercalls"
BATCH: Final = 32
"""Updates that a hypercall carries at least where that many wait."""
INSTRUCTIONS: Final = 4
"""Of a call of the flag that finds nothing to deliver, besides its return."""
FLAG_CALLS: Final = ("EnableInterrupts", "DisableInterrupts", "GetInterruptMask", "SetInterruptMask")
_UPDATES: Final = 64
_FIRST: Final = 64
"""Entry of the window's table with which the updates begin; those in front of it are the model's."""
_MAPPED: Final = 0x63
"""Present, writable, accessed, dirty."""
_LAZY = "sixty-four updates of a lazy mode leave in two hypercalls at most"
_DEFERRED = "sixty-four deferred updates leave in two hypercalls at most"
_LEFT = "and in one at least, by the end of the mode"
_TOLD = "InvalPage and FlushTLB make one each where updates wait"
_ENTERED = "entering a lazy mode makes no hypercall, whatever is deferred"
_FLUSHES: Final = (("InvalPage", WINDOW), ("FlushTLB", int(FlushTlb.TLB)))
_MASKS: Final = (0, IF, 0xFFFFFFFF, 0xFFFFFFFF & ~IF)
_TRIES: Final = 6
_WAIT: Final = 8
"""Updates that wait: too few for a batch to be full."""


@dataclass
class _Batches:
    """Entries of a table in use, mapped and met, so that a change of each has to be told."""

    stand: Stand

    def map(self) -> None:
        """Raises Died."""
        entry = FRAMES[0] - LINEAR | _MAPPED
        sets = [
            ("SetPxELong", {"EAX": entry, "ECX": self._at(n)}, (int(PageType.PT),)) for n in range(_UPDATES)
        ]
        self.stand.guest_calls([*sets, ("FlushTLB", {"EAX": int(FlushTlb.TLB | FlushTlb.GLOBAL)}, ())])
        self.stand.guest_loads([self._page(n) for n in range(_UPDATES)])

    def _at(self, number: int) -> int:
        return WINDOW_TABLES[0] + 8 * (_FIRST + number)

    def _page(self, number: int) -> int:
        return WINDOW + PAGE * (_FIRST + number)

    def made(self, name: str, registers: dict[str, int], stack: tuple[int, ...] = ()) -> int:
        """Make a call, if there is one; how often the hypervisor was left for. Raises Died."""
        eip = self.stand.entry(name)
        if eip is None:
            return 0
        made = self.stand.call(eip, registers, stack, see=False)
        if made.how is not How.RETURNED:
            raise Died(f"{name}: {made.how.value}: {made.why}")
        return made.exits

    def clear(self, number: int, flags: int) -> int:
        """Take one mapping away. Raises Died."""
        return self.made("SetPxELong", {"ECX": self._at(number)}, (int(PageType.PT) | flags,))

    def lazily(self, count: int) -> int:
        """``count`` updates in a lazy mode. Raises Died."""
        told = self.made("SetLazyMode", {"EAX": int(LazyMode.MMU)})
        told += sum(self.clear(number, 0) for number in range(count))
        return told + self.made("SetLazyMode", {"EAX": int(LazyMode.NONE)})

    def defer(self, count: int) -> int:
        """``count`` updates that wait. Raises Died."""
        flags = int(PteFlag.CURRENT_AS | PteFlag.DEFER)
        return sum(self.clear(number, flags | self._page(number)) for number in range(count))

    def entered(self, mode: LazyMode) -> int:
        """A mode is entered while updates wait, and left again. Raises Died."""
        self.defer(_WAIT)
        told = self.made("SetLazyMode", {"EAX": int(mode)})
        self.made("SetLazyMode", {"EAX": int(LazyMode.NONE)})
        return told

    def deferred(self, count: int) -> int:
        """``count`` updates that are deferred to a flush. Raises Died."""
        return self.defer(count) + self.made("FlushTLB", {"EAX": int(FlushTlb.TLB)})


def examine_hypercalls(settings: tuple[Setting, ...], sheet: Sheet) -> None:
    """Write down a line each."""
    found: dict[str, list[str]] = {}
    left: dict[str, str] = {}
    for setting in settings:
        with Machines(setting, sheet) as machines:
            stand = machines.stand
            for line, what in itertools.chain(_batches(stand, sheet), _flags(stand, sheet)):
                if isinstance(what, str):
                    left.setdefault(line, what)
                else:
                    found.setdefault(line, []).extend(f"{one} on {setting.label}" for one in what)
    for line in (
        _LAZY,
        _LEFT,
        _DEFERRED,
        _TOLD,
        _ENTERED,
        *(line for name in FLAG_CALLS for line in _lines(name)),
    ):
        if line in found:
            sheet.judge(HYPERCALLS, line, found[line])
        else:
            sheet.skipped(HYPERCALLS, line, left[line])


def _batches(stand: Stand, sheet: Sheet) -> Iterator[tuple[str, list[str] | str]]:
    batches = _Batches(stand)
    batches.map()
    alone = batches.clear(0, 0)
    if not alone:
        yield from (
            (line, "an update makes no hypercall even alone") for line in (_LAZY, _LEFT, _DEFERRED, _TOLD)
        )
    else:
        for line, way in ((_LAZY, batches.lazily), (_DEFERRED, batches.deferred)):
            sheet.check_time()
            many, most = _fewest(batches, way), _UPDATES // BATCH
            yield line, [f"{many} for {_UPDATES}, where one alone takes {alone}"] if many > most else []
        yield _LEFT, [] if _some_leave(batches) else [f"none for {_WAIT}, where one alone takes {alone}"]
        yield _TOLD, [f"{name} makes none" for name, how in _FLUSHES if not _flushes(batches, name, how)]
    told = []
    for mode in (LazyMode.MMU, LazyMode.CPU):
        batches.map()
        many = min(batches.entered(mode) for _ in range(_TRIES))
        told += [f"{many} for mode {mode.name}"] if many else []
    yield _ENTERED, told


def _flushes(batches: _Batches, name: str, argument: int) -> bool:
    """Whether a call makes a hypercall where updates wait, each time, or there is none to make. Raises
    Died."""
    for _ in range(_TRIES):
        batches.map()
        batches.defer(_WAIT)
        if batches.stand.entry(name) is not None and not batches.made(name, {"EAX": argument}):
            return False
    return True


def _some_leave(batches: _Batches) -> bool:
    """Whether a lazy mode with updates, too few for a batch, makes a hypercall each time. Raises Died."""
    for _ in range(_TRIES):
        batches.map()
        if not batches.lazily(_WAIT):
            return False
    return True


def _fewest(batches: _Batches, way: Callable[[int], int]) -> int:
    """Hypercalls for all updates beyond those for none, of the best of a few tries. Raises Died."""
    best = _UPDATES
    for _ in range(_TRIES):
        batches.map()
        none = way(0)
        batches.map()
        best = min(best, max(0, way(_UPDATES) - none))
        if best <= _UPDATES // BATCH:
            break
    return best


def _lines(name: str) -> tuple[str, str]:
    return (
        f"{name} makes no hypercall",
        f"{name} takes {INSTRUCTIONS} instructions at most besides the return",
    )


def _flags(stand: Stand, sheet: Sheet) -> Iterator[tuple[str, list[str] | str]]:
    """With nothing to deliver, by the road that get_reloc answers."""
    for name in FLAG_CALLS:
        sheet.check_time()
        none, short = _lines(name)
        eip = stand.entry(name)
        if eip is None or not stand.flag_is_virtual:
            why = (
                "the flag is the processor's"
                if not stand.flag_is_virtual
                else "get_reloc names no entry for it"
            )
            yield none, why
            yield short, why
            continue
        exits, longest = [], []
        for enabled, mask in itertools.product((False, True), _MASKS):
            where = f"with the flag {'on' if enabled else 'off'} and EAX {mask:08X}"
            left, length = _quietest(stand, name, eip, enabled, mask)
            if left:
                exits.append(f"{left} {where}")
            if length > INSTRUCTIONS:
                longest.append(f"{length} {where}")
        yield none, exits
        yield short, longest


def _quietest(stand: Stand, name: str, eip: int, enabled: bool, mask: int) -> tuple[int, int]:
    """Hypercalls, and instructions besides the return, of the quietest of a few tries: a hypervisor's own
    clock may come in between. Raises Died."""
    tries: list[tuple[int, int]] = []
    while len(tries) < _TRIES and (0, True) not in [(left, length <= INSTRUCTIONS) for left, length in tries]:
        stand.enable(enabled)
        made = stand.call(eip, {"EAX": mask}, steps=True, see=False)
        if made.how is not How.RETURNED:
            raise Died(f"{name}: {made.how.value}: {made.why}")
        tries.append((made.exits, len(made.instructions) - 1))
    return min(tries)
