"""Interrupt windows: the engine stops at the first instruction at which an interrupt can be taken."""

from __future__ import annotations

import time

import pytest

from tests.machine.rig import CODE, WINDOWS, machine, mov
from vmirom.machine.engine import Halted, Preempted, Trap, Window
from vmirom.machine.unicorn import UnicornEngine, hostcode

HLT = b"\xf4"
MODES = pytest.mark.parametrize(
    ("live", "window_hook"), [(True, True), (True, False), (False, True), (False, False)]
)


def soon() -> int:
    return time.monotonic_ns() + 10_000_000_000


@pytest.mark.parametrize("live", [True, False])
def test_the_window_opens_without_code_of_the_host_s(monkeypatch: pytest.MonkeyPatch, live: bool) -> None:
    monkeypatch.setattr(hostcode, "placed", lambda code: None)
    with machine(b"\x90\xfb\x90\x90\xfa" + HLT, live=live) as engine:
        engine.eflags = 2
        assert engine.run(soon(), window=True) == Window()
        assert engine.eip == CODE + 3


@MODES
@pytest.mark.parametrize(("code", "at"), WINDOWS)
def test_window_opens_exactly(live: bool, window_hook: bool, code: bytes, at: int) -> None:
    with machine(code + HLT, live=live, window_hook=window_hook) as engine:
        engine.eflags = 2
        assert engine.run(soon(), window=True) == Window()
        assert engine.eip == CODE + at
        assert engine.interruptible


@MODES
def test_sti_hlt_is_atomic(live: bool, window_hook: bool) -> None:
    with machine(b"\xfb" + HLT + b"\x90", live=live, window_hook=window_hook) as engine:
        engine.eflags = 2
        assert engine.run(soon(), window=True) == Halted()
        assert engine.eip == CODE + 2
        assert engine.interruptible


def test_sti_cli_opens_no_window() -> None:
    with machine(b"\xfb\xfa\xeb\xfc") as engine:  # sti; cli; jmp back
        engine.eflags = 2
        assert engine.run(time.monotonic_ns() + 20_000_000, window=True) == Preempted()


def test_a_stack_switch_is_not_interrupted() -> None:
    with machine(b"\x8e\xd0\x0f\x0b") as engine:  # mov %eax,%ss; and a fault in its shadow
        engine.memory.write(0x2000, bytes(8) + bytes.fromhex("ffff0000009bcf00ffff00000093cf00"))
        engine.gdtr = (0x2000, 23)
        engine.eax = 0x10
        engine.eflags = 0x202
        assert engine.run(soon()) == Trap(6)
        assert not engine.interruptible
        engine.memory.write(CODE + 2, b"\xbc\0\x70\0\0\x90" + HLT)  # mov $0x7000,%esp
        assert engine.run(soon(), window=True) == Window()
        assert (engine.eip, engine.esp) == (CODE + 7, 0x7000)


def test_an_interruptible_guest_answers_at_once() -> None:
    with machine(b"\x40" + HLT) as engine:
        engine.eflags = 0x202
        assert engine.run(soon(), window=True) == Window()
        assert engine.eax == 0


def test_only_blocks_that_can_be_interrupted_are_python_s(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks are looked at while a window is asked for, and only then: if it can, by the host's own code."""
    looks = []
    plain = UnicornEngine._on_block

    def counted(self: UnicornEngine, handle: int, address: int, size: int, key: int) -> None:
        looks.append(address)
        plain(self, handle, address, size, key)

    monkeypatch.setattr(UnicornEngine, "_on_block", counted)
    loop = mov(1, 2_000) + b"\x49\x75\xfd" + HLT
    for filtered in (True, False):
        if not filtered:
            monkeypatch.setattr(hostcode, "placed", lambda code: None)
        filtered = filtered and hostcode.counter() is not None
        with machine(loop) as engine:
            engine.memory.write(0x4000, b"\xfb\x90\x90")
            for asked in (True, False, True, False):
                engine.eip, engine.eflags = 0x4000, 2
                assert engine.run(soon(), window=True) == Window()
                assert looks
                looks.clear()
                engine.eip, engine.eflags = CODE, 2
                assert engine.run(soon(), window=asked) == Halted()
                assert len(looks) >= 2_000 if asked and not filtered else not looks
                looks.clear()


@MODES
def test_a_shadow_ends_where_eip_is_moved(live: bool, window_hook: bool) -> None:
    with machine(b"\xfb\xcd\x80" + HLT, live=live, window_hook=window_hook) as engine:
        engine.eflags = 2
        engine.run(soon())
        assert engine.interruptible  # INT has been the instruction in the shadow
        engine.memory.write(CODE, b"\xfb\x0f\x0b")
        engine.eip = CODE
        engine.eflags = 2
        engine.run(soon())
        assert not engine.interruptible
        engine.eip += 2
        assert engine.interruptible
