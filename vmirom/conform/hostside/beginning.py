"""The ROM before its guest has done anything: the state of entry, vmi_init, get_reloc over all numbers.

Nothing of what a ROM claims is taken from a list of ours: what it answers here is what it is held to
elsewhere."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Final

from vmirom.conform.hostside.contract import wrong_entry
from vmirom.conform.hostside.entry import examine_entry, wrong_root
from vmirom.conform.hostside.made import How
from vmirom.conform.hostside.relocation import ask, judge_answers
from vmirom.conform.hostside.sheet import Sheet, scene_of
from vmirom.conform.hostside.stand import Stand
from vmirom.conform.hostside.stores import guest_stores
from vmirom.conform.model.arena import DESTINATION, LINEAR, PAGE
from vmirom.conform.model.player import Setting, symbol
from vmirom.overlays.vmi import Answer, Call, Layout, Reloc, RomHeader
from vmirom.schema.calls import GENERAL

__all__ = ["INIT", "REFUSAL", "ROOT", "Refused", "answers_of", "examine_beginning"]

INIT: Final = "init"
ROOT: Final = "root"
REFUSAL: Final = "refusal"
_MINUS_ONE: Final = 0xFFFFFFFF
_FILL: Final = 0xA5
_FILLED: Final = 16
_ROM_STATE: Final = LINEAR + int(Layout.STATE_GPA) + PAGE * int(Layout.STATE_ROM)


class Refused(Exception):
    """vmi_init says that it failed: nothing else can be known."""


def examine_beginning(setting: Setting, seed: int, sheet: Sheet) -> None:
    """Write down a line each, and the ROM's answers. Raises Refused, and Died where the guest is not even
    entered or get_reloc stops coming back."""
    stand = Stand(setting, up=False, per_call=sheet.patience)
    try:
        info = examine_entry(stand, sheet)
        if _initialise(stand, seed, sheet) and (asked := ask(stand, seed, sheet)):
            judge_answers(stand, asked, sheet)
            sheet.answers = answers_of(stand)
            sheet.judge(ROOT, "GetCR3 returns the root that boot info tells", wrong_root(stand, info))
            _without_state(setting, sheet)
    finally:
        stand.close()


def answers_of(stand: Stand) -> dict[str, str]:
    """What the ROM says of each call, as the lock of shipped ROMs has it: translated, nothing, native; a call
    that is absent is left out. Raises Died."""
    told = {}
    for call in Call:
        _, kind = stand.relocation(int(call))
        if kind in (Reloc.CALL_REL, Reloc.JUMP_REL):
            told[call.name] = "translated"
        elif kind == Reloc.NOP:
            told[call.name] = "nothing"
        elif stand.answer(call) in (Answer.NATIVE, None):
            told[call.name] = "native"
    return told


def _initialise(stand: Stand, seed: int, sheet: Sheet) -> bool:
    """Whether it came back. Raises Refused."""
    stand.watch_stores()
    rng = random.Random(f"{seed}/init")
    made = stand.call(stand.rom + int(RomHeader.INIT_OFFSET), {name: rng.getrandbits(32) for name in GENERAL})
    back = "vmi_init comes back to its caller"
    if made.how is not How.RETURNED:
        sheet.failed(INIT, back, [f"{made.how.value}: {made.why}"], scene_of(stand))
        return False
    sheet.passed(INIT, back)
    kept = list(wrong_entry(made.before, made.after))
    sheet.judge(INIT, "vmi_init keeps what a standard call keeps", kept)
    sheet.judge(INIT, "vmi_init stores nothing in its guest's memory", guest_stores(stand, made))
    sheet.judge(
        INIT,
        "vmi_init answers 0 if it succeeded, else -1",
        [f"it answers {made['EAX']:08X}"] if made["EAX"] not in (0, _MINUS_ONE) else [],
    )
    if made["EAX"]:
        raise Refused(f"vmi_init answers {made['EAX']:08X}: it failed")
    return True


def _without_state(setting: Setting, sheet: Sheet) -> None:
    """As where the boot stub never ran: the ROM's own state is empty."""
    lines = (
        "vmi_init answers -1 where it has to fail",
        "a guest whose vmi_init failed goes on, with nothing of its memory changed",
    )
    stand = Stand(setting, up=False, per_call=sheet.patience)
    try:
        stand.watch_stores()
        stand.put(_ROM_STATE, bytes(PAGE * int(Layout.STATE_ROM_PAGES)))
        made = stand.call(stand.rom + int(RomHeader.INIT_OFFSET), {})
        if made.how is not How.RETURNED:
            wrong: Sequence[str] = [f"with its state wiped out: {made.how.value}: {made.why}"]
            sheet.failed(REFUSAL, lines[0], wrong, scene_of(stand))
            sheet.failed(REFUSAL, lines[1], wrong)
            return
        if made["EAX"] == 0:
            for line in lines:
                sheet.skipped(REFUSAL, line, "vmi_init succeeds with its state wiped out, too")
            return
        sheet.judge(REFUSAL, lines[0], [f"it answers {made['EAX']:08X}"] if made["EAX"] != _MINUS_ONE else [])
        sheet.judge(
            REFUSAL,
            lines[1],
            [*wrong_entry(made.before, made.after), *guest_stores(stand, made), *_goes_on(stand)],
        )
    finally:
        stand.close()


def _goes_on(stand: Stand) -> list[str]:
    """What is wrong with the guest's own code running on."""
    made = stand.call(symbol("memset"), {}, (DESTINATION, _FILL, _FILLED))
    if made.how is not How.RETURNED:
        return [f"its own code: {made.how.value}: {made.why}"]
    found = stand.get(DESTINATION, _FILLED)
    return [] if found == bytes((_FILL,)) * _FILLED else [f"its own code stored {found.hex()}"]
