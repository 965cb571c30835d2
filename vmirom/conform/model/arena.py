"""What the player guest shares with who runs it, by address: ``romsrc/guest/player/player.h``, in Python.

All addresses are gvas in the guest's linear mapping, the same on every backend, so that a sequence of calls
is data that can be kept.
"""

from __future__ import annotations

import enum
import struct
from typing import Final

from vmirom.overlays.vmi import Layout

__all__ = [
    "ARENA",
    "DATA",
    "DESTINATION",
    "EARLY",
    "FRAMES",
    "FRAME_NUMBERS",
    "GDTS",
    "GDT_LIMIT",
    "IDLE_TABLE",
    "IDTS",
    "IDT_LIMIT",
    "LINEAR",
    "MAGIC",
    "MAILBOX",
    "NEVER",
    "NOWHERE",
    "OPERAND",
    "PAGE",
    "PAGES",
    "RESULT",
    "RESULTS",
    "ROUTINES",
    "STACKS",
    "STEP",
    "STEPS",
    "STEPS_MAX",
    "USER_CODE",
    "USER_PAGE",
    "WINDOW",
    "WINDOW_TABLES",
    "Routine",
    "State",
]

PAGE: Final = 4096
LINEAR: Final = int(Layout.LINEAR_BASE)
ARENA: Final = 0xC0400000
PAGES: Final = 43
STEPS: Final = ARENA + PAGE
STEPS_MAX: Final = 512
RESULTS: Final = ARENA + 9 * PAGE
OPERAND: Final = ARENA + 17 * PAGE
"""Six bytes that SetGDT and SetIDT are pointed to."""
DESTINATION: Final = OPERAND + 0x100
"""Where calls that write are pointed to."""
DATA: Final = OPERAND + 0x400
"""Where string port calls are pointed to."""
GDTS: Final = (ARENA + 18 * PAGE, ARENA + 19 * PAGE)
IDTS: Final = (ARENA + 20 * PAGE, ARENA + 21 * PAGE)
GDT_LIMIT: Final = 8 * 32 - 1
IDT_LIMIT: Final = 8 * 256 - 1
IDLE_TABLE: Final = ARENA + 22 * PAGE
"""A page that serves as a table in nobody's use."""
FRAMES: Final = tuple(ARENA + (23 + n) * PAGE for n in range(8))
FRAME_NUMBERS: Final = {frame: number for number, frame in enumerate(FRAMES)}
"""Of the frames by address."""
WINDOW_TABLES: Final = (ARENA + 31 * PAGE, ARENA + 32 * PAGE)
STACKS: Final = (ARENA + 36 * PAGE, ARENA + 37 * PAGE)
"""Tops."""
WINDOW: Final = 0xE8000000
"""Eight pages that the tables of each space map."""
NOWHERE: Final = 0xE9000000
"""A page that nothing maps."""
USER_PAGE: Final = 7
"""The page of the window that stays, and holds what runs at ring 3."""
USER_CODE: Final = WINDOW + USER_PAGE * PAGE + 0xC00
"""A system call; four bytes on, a port read and a system call. Below it lies the user's stack."""

MAGIC: Final = 0x59414C50
MAILBOX: Final = struct.Struct("<12I")
"""magic, state, count, two roots, kernel CS and DS, user CS and DS, two stack tops, the window's entry."""
STEP: Final = struct.Struct("<16I")
"""routine, call, EAX EDX ECX EBX ESI EDI EBP, flags, four stack words, peek, nothing."""
RESULT: Final = struct.Struct("<14IQ")
"""EAX EDX ECX EBX ESI EDI EBP, flags, ESP's error, segments, trap, error, address, interrupts; the peek."""


class State(enum.IntEnum):
    """Who is at work: the player waits, plays, or is to end."""

    IDLE = 0
    GO = 1
    END = 2


class Routine(enum.IntEnum):
    """What the player can do besides calls, by the name that a step has."""

    load = 0
    store = 1
    execute = 2
    iret = 3
    user = 4
    sysexit = 5
    fpu = 6
    segment = 7
    breakpoint = 8
    undefined = 9
    gate = 10
    divide = 11
    wait = 12
    halt = 13
    pace = 14


ROUTINES: Final = frozenset(Routine.__members__)
"""Their names."""

EARLY: Final = 0x80000000
"""What the routine ``pace`` answers where a tick came before its time; NEVER where none came."""
NEVER: Final = 0xFFFFFFFF
