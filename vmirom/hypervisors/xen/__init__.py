"""An embedded Xen 4.17 with one 32-bit PAE paravirtual initial domain; ``release="3.0"`` offers the calls
of 3.0.

The guest's physical memory is machine memory here; see ``domain`` for how the parts hang together. What a
guest may do and what it is answered follows observations of the real one, named in each module.

Left out, each answered loudly (an error code with its reason in the trace, or a domain crash that says
why):

* other domains: grant tables, XSM, domctl, sysctl, platform_op (ENOSYS); channels to other domains
(ESRCH)
* more than one virtual CPU: vcpu_op on another (ENOENT), VCPUOP_send_nmi and the time area (ENOSYS)
* physical interrupts: bind_pirq (EPERM), EOI of one (EINVAL), the rest of physdev_op (ENOSYS)
* XENMEM_exchange and add_to_physmap (ENOSYS), the FIFO event channel ABI (ENOSYS)
* SYSENTER and SYSCALL callbacks (EINVAL): these instructions fault
* far calls through call gates of the guest's GDT: the gate is stored as Xen does, its use is #GP
* a trap table of more than 4096 entries (EFAULT), a multicall of more than 65536 (EINVAL)
* failsafe callbacks are remembered; no failed return was seen to use one, #GP comes instead

Not observed. Where the observations are silent an answer had to be chosen, from what is generally known
of Xen, and waits to be compared with the real one:

* mmu_update of Xen's own slots in the top L2 (EPERM); of any entry from slot 3 on in a live L3 (EINVAL)
* an L2 that was pinned as such refused for slot 3 (EINVAL); no nesting of linear mappings (EINVAL)
* bits 52 to 62 of a table entry (EINVAL); other domain numbers (ESRCH); entries 4 to 511 of an L3 cleared
* the upper half of an L1 entry stored first leaves the entry not present
* a single-shot time further than 2^50 ns ahead, or negative, fires after 100 ms
* iret to ring 0 or to virtual-8086 mode kills the domain; a handler's RPL 0 is raised to 1
* set_debugreg, watchdog, poll and vcpu_op refusals; the values of MSRs; which bits the filtered CPUID
hides
* a call gate is always stored with RPL 3: one gate was seen, of a DPL that was not noted
"""

from vmirom.hypervisors.xen.hypervisor import XenHypervisor, make

__all__ = ["XenHypervisor", "make"]
