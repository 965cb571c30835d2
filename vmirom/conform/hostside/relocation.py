"""get_reloc asked for every number that matters and many that do not: it is total, and keeps its word.

A relocation into nowhere would be a jump of the guest into nothing; a type that nobody knows stops Linux.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from typing import Final

from vmirom.conform.hostside.contract import wrong_entry
from vmirom.conform.hostside.made import How
from vmirom.conform.hostside.sheet import Sheet, scene_of
from vmirom.conform.hostside.stand import Stand
from vmirom.conform.hostside.stores import guest_stores
from vmirom.overlays.vmi import Answer, Call, Reloc, RomHeader
from vmirom.schema.calls import GENERAL
from vmirom.schema.clauses import load_clauses
from vmirom.schema.tree import load_abi

__all__ = ["RELOCATION", "ask", "judge_answers", "numbers"]

RELOCATION: Final = "relocation"
_RANDOM: Final = 32
_BEYOND: Final = 64
_TIMER: Final = ("GetCycleCounter", "SetAlarm", "CancelAlarm", "GetWallclockTime")
_NEVER_JUMPS: Final = ("VMI-REL-08", "VMI-REL-09")
"""Clauses whose calls Linux reaches through pointers: of its own, and filled from the ROM."""
_ENTERED: Final = (Reloc.CALL_REL, Reloc.JUMP_REL)
_Asked = Mapping[int, tuple[int, int]]
"""Address and type by number."""


def numbers(seed: int) -> tuple[int, ...]:
    """Call numbers to ask for: the list, what comes behind it, each power of two and its neighbours, any
    other."""
    rng = random.Random(f"{seed}/numbers")
    powers = {(1 << bit) + n & 0xFFFFFFFF for bit in range(33) for n in (-1, 0, 1)}
    drawn = {rng.getrandbits(32) for _ in range(_RANDOM)}
    return tuple(sorted(set(range(len(Call) + _BEYOND)) | powers | drawn))


def ask(stand: Stand, seed: int, sheet: Sheet) -> _Asked | None:
    """get_reloc for each number, with anything in the other registers; None where it does not come back."""
    found: dict[int, tuple[int, int]] = {}
    changed: list[str] = []
    stored: list[str] = []
    rng = random.Random(f"{seed}/relocation")
    line = "get_reloc comes back for any number"
    for number in numbers(seed):
        sheet.check_time()
        registers = {name: rng.getrandbits(32) for name in GENERAL} | {"EAX": number}
        made = stand.call(stand.rom + int(RomHeader.GET_RELOC_OFFSET), registers)
        if made.how is not How.RETURNED:
            sheet.failed(RELOCATION, line, [f"{number:X}: {made.how.value}: {made.why}"], scene_of(stand))
            return None
        found[number] = made["EAX"], made["EDX"] & 0xFF
        changed += [f"{number:X}: {one}" for one in wrong_entry(made.before, made.after)]
        stored += [f"{number:X}: {one}" for one in guest_stores(stand, made)]
    sheet.passed(RELOCATION, line)
    sheet.judge(RELOCATION, "get_reloc keeps what a standard call keeps", changed)
    sheet.judge(RELOCATION, "get_reloc stores nothing in its guest's memory", stored)
    second = {int(call): stand.relocation(int(call)) for call in Call}
    again = [f"{n:X}: {_told(found[n])}, then {_told(now)}" for n, now in second.items() if now != found[n]]
    sheet.judge(RELOCATION, "get_reloc answers the same each time", again)
    return found


def judge_answers(stand: Stand, asked: _Asked, sheet: Sheet) -> None:
    """What was answered, against the list of calls and what Linux insists on. Raises Died."""
    known = {int(one) for one in Reloc}
    listed = {call.number for call in load_abi().resolve("vmi3", stand.setting.abi).calls}
    entered = {n: eip for n, (eip, kind) in asked.items() if kind in _ENTERED}
    end = stand.rom + stand.image.length

    def judge(line: str, wrong: Iterable[str]) -> None:
        sheet.judge(RELOCATION, line, list(wrong))

    judge(
        "each type is NONE, CALL_REL, JUMP_REL or NOP",
        (f"{_name(n)}: type {kind:X}" for n, (_, kind) in asked.items() if kind not in known),
    )
    judge(
        "a number beyond the list is NONE, at address 0",
        (
            f"{_name(n)}: {_told(one)}"
            for n, one in asked.items()
            if n not in listed and one != (0, Reloc.NONE)
        ),
    )
    judge(
        "CALL_REL and JUMP_REL name an address inside the ROM",
        (f"{_name(n)}: {eip:08X}" for n, eip in entered.items() if not stand.rom <= eip < end),
    )
    clauses = load_clauses().clauses
    for clause, line in zip(
        _NEVER_JUMPS,
        (
            "calls that Linux makes through pointers of its own are not JUMP_REL",
            "calls whose pointers Linux fills from the ROM are not JUMP_REL",
        ),
        strict=True,
    ):
        names = clauses[clause].calls
        judge(line, (name for name in names if asked[Call[name]][1] == Reloc.JUMP_REL))
    judge("IRET and SYSEXIT can be patched in where they are translated", _patched(stand, asked))
    judge(
        "if GetCycleFrequency is not NONE its address can be called, and calls 67 to 70 are CALL_REL",
        _timed(asked),
    )
    _judge_probe(stand, asked, sheet)


def _patched(stand: Stand, asked: _Asked) -> list[str]:
    wrong = []
    for name in ("IRET", "SYSEXIT"):
        kind = asked[Call[name]][1]
        if kind == Reloc.NOP or (kind == Reloc.NONE and stand.answer(Call[name]) is Answer.TRANSLATED):
            wrong.append(f"{name} is {Reloc(kind).name}")
    return wrong


def _timed(asked: _Asked) -> list[str]:
    eip, kind = asked[Call.GetCycleFrequency]
    if kind == Reloc.NONE:
        return []
    wrong = [] if kind in _ENTERED and eip else [f"GetCycleFrequency is {_told((eip, kind))}"]
    return wrong + [
        f"{name} is {_told(asked[Call[name]])}" for name in _TIMER if asked[Call[name]][1] != Reloc.CALL_REL
    ]


def _judge_probe(stand: Stand, asked: _Asked, sheet: Sheet) -> None:
    """GetCallInfo tells the same story."""
    lines = "GetCallInfo agrees with get_reloc", "GetCallInfo says absent for a number beyond the list"
    if stand.entry("GetCallInfo") is None:
        for line in lines:
            sheet.skipped(RELOCATION, line, "get_reloc names no entry for GetCallInfo")
        return
    expected = {
        Reloc.CALL_REL: Answer.TRANSLATED,
        Reloc.JUMP_REL: Answer.TRANSLATED,
        Reloc.NOP: Answer.NOTHING,
    }
    wrong, beyond = [], []
    listed = {call.number for call in load_abi().resolve("vmi3", stand.setting.abi).calls}
    for number, (_, kind) in asked.items():
        sheet.check_time()
        told = stand.answer_to(number)
        if number not in listed:
            if told != Answer.ABSENT:
                beyond.append(f"{number:X}: {told}")
        elif kind in expected:
            if told != expected[Reloc(kind)]:
                wrong.append(f"{_name(number)}: {told} where get_reloc says {Reloc(kind).name}")
        elif told not in (Answer.NATIVE, Answer.ABSENT):
            wrong.append(f"{_name(number)}: {told} where get_reloc says NONE")
    sheet.judge(RELOCATION, lines[0], wrong)
    sheet.judge(RELOCATION, lines[1], beyond)


def _name(number: int) -> str:
    return Call(number).name if number in {int(call) for call in Call} else f"{number:X}"


def _told(answer: tuple[int, int]) -> str:
    eip, kind = answer
    name = Reloc(kind).name if kind in {int(one) for one in Reloc} else f"type {kind:X}"
    return f"{name} {eip:08X}"
