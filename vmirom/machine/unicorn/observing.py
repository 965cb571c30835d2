"""Looking on while an engine runs: every store with the address that it reaches, every instruction.

Both cost a call of Python each time, and are for checks, not for boots. Translated code carries what looks
on, so that putting it in and taking it out drops all translations."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from vmirom.machine.unicorn import library as lib
from vmirom.machine.unicorn.engine import UnicornEngine

__all__ = ["InstructionSeen", "StoreSeen", "instructions_seen", "stores_seen"]

StoreSeen = Callable[[int, int, int], None]
"""Told of a store before it is made: physical address, bytes (1, 2, 4, 8), value. EIP is at the instruction.
A store that the guest's or the host's protection refuses may be told of as well."""
InstructionSeen = Callable[[int], None]
"""Told the linear address of an instruction before it is executed."""


@contextmanager
def stores_seen(engine: UnicornEngine, seen: StoreSeen, quiet: Iterable[int] = ()) -> Iterator[None]:
    """Within, ``seen`` is told of every store of the guest but those that begin in a frame of ``quiet``,
    which cost nothing; let them be few. An exception from it ends the run behind the block and is raised."""
    u = lib.constants("unicorn_const")

    told = engine._guarded(seen, None)

    def on_store(_handle: int, _access: int, address: int, size: int, value: int, _key: int) -> bool:
        told(address, size, value & (1 << 8 * size) - 1)
        return True

    begin = 0
    ranges = []
    for frame in (*sorted(quiet), engine.memory.size >> 12):
        if begin < frame << 12:
            ranges.append((begin, (frame << 12) - 1))
        begin = frame + 1 << 12
    with _hooked(engine, u.UC_HOOK_MEM_WRITE, lib.MEMORY_CALLBACK, on_store, ranges):
        yield


@contextmanager
def instructions_seen(engine: UnicornEngine, gva: int, length: int, seen: InstructionSeen) -> Iterator[None]:
    """Within, ``seen`` is told of every instruction that begins in [gva, gva+length)."""
    u = lib.constants("unicorn_const")

    told = engine._guarded(seen, None)

    def on_code(_handle: int, address: int, _size: int, _key: int) -> None:
        told(address)

    with _hooked(engine, u.UC_HOOK_CODE, lib.CODE_CALLBACK, on_code, [(gva, gva + length - 1)]):
        yield


@contextmanager
def _hooked(
    engine: UnicornEngine,
    kind: int,
    prototype: object,
    seen: Callable[..., object],
    ranges: Iterable[tuple[int, int]],
) -> Iterator[None]:
    machine = engine.machine
    handles = [machine.hook(kind, prototype, seen, *one) for one in ranges]
    machine.control(engine._tb_flush)
    try:
        yield
    finally:
        if not engine._closed:
            for handle in handles:
                machine.unhook(handle)
            machine.control(engine._tb_flush)
