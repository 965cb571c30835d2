"""KVM's hypercalls, one method each. Numbers and structures are those of abi/backends/kvm.py; behaviour is
that of Linux's kvm_emulate_hypercall, and of kvm_pv_mmu_op for the 2008 one.

An unknown number, or one whose feature is not advertised, is -KVM_ENOSYS (-1000).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from vmirom.hypervisors.kvm.era import Era
from vmirom.machine.engine import Engine
from vmirom.machine.memory import BadAddress
from vmirom.overlays.kvm import (
    HYPERCALL_FEATURES,
    ClockPairingType,
    Errno,
    Feature,
    Hypercall,
    MmuLimit,
    MmuOp,
    ffi,
)

__all__ = ["Calls", "MmuOpFailed"]

_SECOND: Final = 1_000_000_000
_ICR_REFUSED: Final = 0xC0800  # a destination mode or shorthand has no place in this call
_ICR_MODE: Final = 0x700
_ICR_LOWEST: Final = 0x100
_CR4_PAE: Final = 0x20
_OUR_APIC_ID: Final = 0

Answer = tuple[int, str]
"""Result and, if it is an error, why."""


class MmuOpFailed(Exception):
    """MMU_OP on memory that is not there: KVM_RUN itself fails, and the machine with it."""


class Calls:
    """The calls of one machine. ``send(vector)`` queues an interrupt, ``wake()`` ends a halt."""

    def __init__(
        self, engine: Engine, era: Era, send: Callable[[int], None], wake: Callable[[], None]
    ) -> None:
        self._engine = engine
        self._memory = engine.memory
        self._send = send
        self._wake = wake
        table: dict[Hypercall, Callable[[int, int, int, int], Answer]] = {
            Hypercall.VAPIC_POLL_IRQ: self._vapic_poll_irq,
            Hypercall.MMU_OP: self._mmu_op,
            Hypercall.KICK_CPU: self._kick_cpu,
            Hypercall.SEND_IPI: self._send_ipi,
            Hypercall.SCHED_YIELD: self._sched_yield,
        }
        if era.has(Feature.CLOCKSOURCE_STABLE):  # no feature tells of it, and old hosts have no such number
            table[Hypercall.CLOCK_PAIRING] = self._clock_pairing
        self._table = {
            number: call
            for number, call in table.items()
            if all(era.has(feature) for feature in HYPERCALL_FEATURES.get(number, ()))
        }

    def call(self, number: int, arguments: tuple[int, int, int, int]) -> tuple[str, int, str]:
        """(name, signed result, why it was refused). Raises MmuOpFailed."""
        try:
            known = Hypercall(number)
        except ValueError:
            return f"hypercall {number}", -int(Errno.ENOSYS), "unknown number"
        served = self._table.get(known)
        if served is None:
            return known.name, -int(Errno.ENOSYS), "not advertised by this host"
        result, why = served(*arguments)
        return known.name, result, why

    def _vapic_poll_irq(self, _0: int, _1: int, _2: int, _3: int) -> Answer:
        return 0, ""

    def _kick_cpu(self, _flags: int, apic_id: int, _2: int, _3: int) -> Answer:
        if apic_id == _OUR_APIC_ID:
            self._wake()
        return 0, ""

    def _sched_yield(self, _apic_id: int, _1: int, _2: int, _3: int) -> Answer:
        return 0, ""

    def _send_ipi(self, low: int, high: int, lowest_id: int, icr: int) -> Answer:
        if icr & _ICR_REFUSED:
            return -int(Errno.EINVAL), "destination mode or shorthand in the ICR"
        if not self._names_us(low | high << 32, lowest_id):
            return 0, ""
        if icr & _ICR_MODE not in (0, _ICR_LOWEST):
            return 0, ""  # NMI, SMI, INIT: this machine has nobody to take them
        self._send(icr & 0xFF)
        return 1, ""

    def _names_us(self, bitmap: int, lowest_id: int) -> bool:
        at = _OUR_APIC_ID - lowest_id
        return at >= 0 and bool(bitmap >> at & 1)

    def _clock_pairing(self, gpa: int, kind: int, _2: int, _3: int) -> Answer:
        if kind != ClockPairingType.WALLCLOCK:
            return -int(Errno.EOPNOTSUPP), f"clock type {kind}"
        try:
            pairing: Any = self._memory.view(gpa, ffi, "struct kvm_clock_pairing")
        except BadAddress:
            return -int(Errno.EFAULT), f"gpa {gpa:#x} is not memory"
        now = self._engine.clock.wall_ns()
        pairing.sec, pairing.nsec = now // _SECOND, now % _SECOND
        pairing.tsc = self._engine.tsc()
        pairing.flags = 0
        ffi.memmove(pairing.pad, bytes(ffi.sizeof("struct kvm_clock_pairing") - 28), 36)
        return 0, ""

    # MMU_OP

    def _mmu_op(self, length: int, gpa_low: int, gpa_high: int, _3: int) -> Answer:
        """A batch; the answer is how many bytes of it were done. An operation that is cut off or unknown
        ends the batch."""
        gpa = gpa_low | gpa_high << 32
        done = 0
        for _ in range(MmuLimit.BATCH):
            used = self._one_mmu_op(gpa + done, length - done)
            if not used:
                break
            done += used
        return done, "" if done == length else f"{length - done} bytes left"

    def _one_mmu_op(self, gpa: int, left: int) -> int:
        """Bytes used, or 0 if this is the end."""
        try:
            header: Any = self._view(gpa, left, "struct kvm_mmu_op_header")
            if header is None:
                return 0
            if header.op == MmuOp.WRITE_PTE:
                write: Any = self._view(gpa, left, "struct kvm_mmu_op_write_pte")
                return 0 if write is None else self._write_pte(write.pte_phys, write.pte_val)
            if header.op == MmuOp.FLUSH_TLB:
                self._engine.flush_tlb()
                return int(ffi.sizeof("struct kvm_mmu_op_flush_tlb"))
            if header.op == MmuOp.RELEASE_PT and left >= ffi.sizeof("struct kvm_mmu_op_release_pt"):
                self._engine.flush_tlb()
                return int(ffi.sizeof("struct kvm_mmu_op_release_pt"))
        except BadAddress as wrong:
            raise MmuOpFailed(f"MMU_OP: {wrong}") from None
        return 0

    def _view(self, gpa: int, left: int, ctype: str) -> Any:
        return self._memory.view(gpa, ffi, ctype) if left >= ffi.sizeof(ctype) else None

    def _write_pte(self, gpa: int, value: int) -> int:
        """Four bytes without PAE, as the host sees which kind of entry it is."""
        if self._engine.cr4 & _CR4_PAE:
            self._memory.put64(gpa, value)
        else:
            self._memory.put32(gpa, value)
        return int(ffi.sizeof("struct kvm_mmu_op_write_pte"))
