"""The ROM's own calls, and the processor's registers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from vmirom.conform.model.steps import ANYTHING, NO_TRAP, Expected, Result
from vmirom.overlays.vmi import Answer, Call, Const, ffi

if TYPE_CHECKING:
    from vmirom.conform.model.machine import Model

__all__ = ["LEARN", "ROUTINES"]

_IOPL: Final = 0x3000
_EINVAL: Final = 0x100000000 - int(Const.EINVAL)
_ANSWERS: Final = {"native": Answer.NATIVE, "nothing": Answer.NOTHING, "translated": Answer.TRANSLATED}
_NAMES: Final = {int(call): call.name for call in Call}
_REFUSED: Final = Expected(trap=13, error=0)
_OR_REFUSED: Final = Expected(others=(_REFUSED,))
_INFO_SIZE: Final = ffi.sizeof("struct vmi_rom_info")


def _GetCallInfo(model: Model, a: Mapping[str, int]) -> Expected:  # noqa: N802
    answer = model.traits.answers.get(_NAMES.get(a["number"], ""), "")
    return Expected(int(_ANSWERS.get(answer, Answer.ABSENT)))


def _GetRomInfo(model: Model, a: Mapping[str, int]) -> Expected:  # noqa: N802
    """The first word is the size; no byte behind what there is room for is touched."""
    room = min(a["size"], 4)
    before = model.memory.get(a["dest"])
    mask = 0xFFFFFFFF if before is not None else (1 << 8 * room) - 1
    kept = (before or 0) & ~((1 << 8 * room) - 1)
    value = kept | _INFO_SIZE & ((1 << 8 * room) - 1)
    model.memory[a["dest"]] = value
    return Expected(_INFO_SIZE, peek=value, peek_mask=mask)


def _SetCounters(model: Model, a: Mapping[str, int]) -> Expected:  # noqa: N802
    array, entries = a["array"], a["entries"]
    if array == 0:
        return Expected(0)
    bad = array % 4 or entries == 0 or array + 4 * entries > 1 << 32
    return Expected(_EINVAL if bad else 0)


def _CPUID(model: Model, a: Mapping[str, int]) -> Expected:  # noqa: N802
    told = model.leaves.get((a["function"], a["sub"]))
    if told is not None:
        return Expected(told[0], registers=tuple(zip(("edx", "ecx"), told[1:], strict=True)))
    return ANYTHING


def _learn_leaf(model: Model, a: Mapping[str, int], answer: int, result: Result) -> None:
    if result.trap == NO_TRAP:
        model.leaves[a["function"], a["sub"]] = result.eax, result.edx, result.ecx


def _WRMSR(model: Model, a: Mapping[str, int]) -> Expected:  # noqa: N802
    """A host may refuse a register, as a processor does one that it has not."""
    return _OR_REFUSED


def _learn_written(model: Model, a: Mapping[str, int], answer: int, result: Result) -> None:
    """One that takes no notice of the value is let be as well."""
    if result.trap == NO_TRAP and (before := model.registers.get(a["msr"])) is not None:
        model.registers[a["msr"]] = (*before, a["value"])


def _RDMSR(model: Model, a: Mapping[str, int]) -> Expected:  # noqa: N802
    return Expected(among=model.registers.get(a["msr"], ()), others=(_REFUSED,))


def _learn_register(model: Model, a: Mapping[str, int], answer: int, result: Result) -> None:
    if result.trap == NO_TRAP:
        model.registers[a["msr"]] = (answer,)


def _ends(model: Model, a: Mapping[str, int]) -> Expected:
    """Does not come back: how the machine ends is looked at behind a run's sequences."""
    return ANYTHING


def _SetIOPLMask(model: Model, a: Mapping[str, int]) -> Expected:  # noqa: N802
    model.iopl = a["mask"] & _IOPL
    return ANYTHING


def _SetCR0(model: Model, a: Mapping[str, int]) -> Expected:  # noqa: N802
    model.control.set_cr0(a["value"])
    return ANYTHING


def _CLTS(model: Model, a: Mapping[str, int]) -> Expected:  # noqa: N802
    model.control.set_cr0(0)
    return ANYTHING


def _GetCR0(model: Model, a: Mapping[str, int]) -> Expected:  # noqa: N802
    return model.control.get_cr0()


def _SetCR2(model: Model, a: Mapping[str, int]) -> Expected:  # noqa: N802
    model.control.cr2 = a["value"]
    return ANYTHING


def _GetCR2(model: Model, a: Mapping[str, int]) -> Expected:  # noqa: N802
    return ANYTHING if model.control.cr2 is None else Expected(model.control.cr2)


def _SetCR3(model: Model, a: Mapping[str, int]) -> Expected:  # noqa: N802
    model.control.cr3 = a["value"]
    root = a["value"] & ~0x1F
    model.window.switch(model.roots.index(root) if root in model.roots else 0)
    return ANYTHING


def _GetCR3(model: Model, a: Mapping[str, int]) -> Expected:  # noqa: N802
    return ANYTHING if model.control.cr3 is None else Expected(model.control.cr3)


def _SetCR4(model: Model, a: Mapping[str, int]) -> Expected:  # noqa: N802
    return ANYTHING


def _GetCR4(model: Model, a: Mapping[str, int]) -> Expected:  # noqa: N802
    return model.control.get_cr4()


def _learn_cr4(model: Model, a: Mapping[str, int], answer: int, result: Result) -> None:
    model.control.seen_cr4(answer)


def _SetDR(model: Model, a: Mapping[str, int]) -> Expected:  # noqa: N802
    model.control.set_dr(a["num"], a["value"])
    return ANYTHING


def _GetDR(model: Model, a: Mapping[str, int]) -> Expected:  # noqa: N802
    return model.control.get_dr(a["num"])


def _learn_dr(model: Model, a: Mapping[str, int], answer: int, result: Result) -> None:
    model.control.seen_dr(a["num"], answer)


ROUTINES: Final[Mapping[str, Callable[[Model, Mapping[str, int]], Expected]]] = {
    "GetCallInfo": _GetCallInfo,
    "GetRomInfo": _GetRomInfo,
    "SetCounters": _SetCounters,
    "CPUID": _CPUID,
    "SetIOPLMask": _SetIOPLMask,
    "WRMSR": _WRMSR,
    "RDMSR": _RDMSR,
    "Reboot": _ends,
    "Shutdown": _ends,
    "SetCR0": _SetCR0,
    "CLTS": _CLTS,
    "GetCR0": _GetCR0,
    "SetCR2": _SetCR2,
    "GetCR2": _GetCR2,
    "SetCR3": _SetCR3,
    "GetCR3": _GetCR3,
    "SetCR4": _SetCR4,
    "GetCR4": _GetCR4,
    "SetDR": _SetDR,
    "GetDR": _GetDR,
}
"""What each call or routine promises."""
LEARN: Final[Mapping[str, Callable[[Model, Mapping[str, int], int, Result], None]]] = {
    "GetCR4": _learn_cr4,
    "GetDR": _learn_dr,
    "CPUID": _learn_leaf,
    "WRMSR": _learn_written,
    "RDMSR": _learn_register,
}
"""What an answer fixes."""
