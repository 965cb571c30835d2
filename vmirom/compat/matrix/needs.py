"""What each backend's ROM needs of its hypervisor, in order of preference.

This is the ROM's negotiation at VMI_Init written down: it takes the first form that the hypervisor
offers, by looking at features and at answers, never at a version. A test holds the table against the
hypercalls that boots really make. (What a Xen kernel wants of the domain builder is said by the bundle in
both forms, and the builder takes the one it knows.)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

__all__ = ["NEEDS", "Need"]


@dataclass(frozen=True, slots=True)
class Need:
    """``purpose`` is served by the first of ``forms`` that is offered; where none is, by ``instead``;
    where that is empty, too, the ROM can't do without."""

    purpose: str
    forms: tuple[str, ...]
    instead: str = ""

    def served(self, offers: frozenset[str]) -> str | None:
        """How, or None."""
        for form in self.forms:
            if form in offers:
                return form
        return self.instead or None


_XEN = (
    Need("what the kernel wants", ("ELF_NOTES", "XEN_GUEST_SECTION")),
    Need("page tables", ("MMU_UPDATE",)),
    Need("mappings", ("UPDATE_VA_MAPPING",)),
    Need("table bases and flushes", ("MMUEXT_OP",)),
    Need("batches", ("MULTICALL",)),
    Need("traps", ("SET_TRAP_TABLE",)),
    Need("callbacks", ("SET_CALLBACKS",)),
    Need("descriptors", ("SET_GDT",)),
    Need("single descriptors", ("UPDATE_DESCRIPTOR",)),
    Need("kernel stack", ("STACK_SWITCH",)),
    Need("return to the guest", ("IRET",)),
    Need("FPU", ("FPU_TASKSWITCH",)),
    Need("debug registers, written", ("SET_DEBUGREG",)),
    Need("debug registers, read", ("GET_DEBUGREG",)),
    Need("timer", ("SET_TIMER_OP",)),
    Need("console", ("CONSOLE_IO",)),
    Need("pending events and the hole", ("XEN_VERSION",)),
    Need("events", ("EVENT_CHANNEL_OP", "EVENT_CHANNEL_OP_COMPAT")),
    Need("halt and shutdown", ("SCHED_OP", "SCHED_OP_COMPAT")),
    Need("I/O privilege", ("PHYSDEV_OP", "PHYSDEV_OP_COMPAT")),
    Need("memory", ("MEMORY_OP",), "what the domain was given"),
    Need("extended page directories", ("VM_ASSIST",), "what the builder set"),
    Need("stolen time", ("VCPU_OP",), "none counted"),
)
_KVM = (
    Need("clock", ("CLOCKSOURCE2", "CLOCKSOURCE"), "the PC's timer"),
    Need("page-table batches", ("MMU_OP",), "plain stores"),
    Need("stolen time", ("STEAL_TIME",), "none counted"),
)
_LGUEST = (
    Need("attachment", ("LGUEST_INIT",)),
    Need("shutdown", ("SHUTDOWN",)),
    Need("interrupts", ("LOAD_IDT_ENTRY",)),
    Need("kernel stack", ("SET_STACK",)),
    Need("table bases", ("NEW_PGTABLE",)),
    Need("flushes", ("FLUSH_TLB",)),
    Need("page tables", ("SET_PTE",)),
    Need("page directories", ("SET_PMD", "SET_PGD")),
    Need("timer", ("SET_CLOCKEVENT",)),
    Need("halt", ("HALT",)),
    Need("batches", ("FLUSH_ASYNC",)),
    Need("descriptors", ("LOAD_GDT_ENTRY",)),
    Need("thread-local segments", ("LOAD_TLS",)),
    Need("FPU", ("TS",)),
    Need("console", ("NOTIFY",)),
    Need("enabling interrupts", ("SEND_INTERRUPTS",)),
)

NEEDS: Mapping[str, tuple[Need, ...]] = MappingProxyType(
    {"native": (), "kvm": _KVM, "xen": _XEN, "lguest": _LGUEST}
)
"""By backend."""
