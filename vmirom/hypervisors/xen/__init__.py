"""An embedded Xen 4.17 with one 32-bit PAE paravirtual initial domain.

The guest's physical memory is machine memory here; see ``domain`` for how the parts hang together. What a
guest may do and what it is answered follows observations of the real one, named in each module.

Left out, each answered loudly (an error code with its reason in the trace, or a domain crash that says why):

* other domains: grant tables, XSM, domctl, sysctl, platform_op (ENOSYS); channels to other domains (ESRCH)
* more than one virtual CPU: vcpu_op on another (ENOENT), VCPUOP_send_nmi and the time area (ENOSYS)
* physical interrupts: bind_pirq (EPERM), EOI of one (EINVAL), the rest of physdev_op (ENOSYS)
* XENMEM_exchange and add_to_physmap (ENOSYS), the FIFO event channel ABI (ENOSYS)
* SYSENTER and SYSCALL callbacks (EINVAL): these instructions fault
* far calls through call gates of the guest's GDT: the gate is stored as Xen does, its use is #GP
* a trap table of more than 4096 entries (EFAULT), a multicall of more than 65536 (EINVAL)
* failsafe callbacks are remembered; no failed return was seen to use one, #GP comes instead
"""

from vmirom.hypervisors.xen.hypervisor import XenHypervisor, make

__all__ = ["XenHypervisor", "make"]
