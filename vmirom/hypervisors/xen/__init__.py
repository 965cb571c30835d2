"""An embedded Xen 4.17 with one 32-bit PAE paravirtual initial domain.

The guest's physical memory is machine memory here. See ``domain`` for how the parts hang together.
"""

from vmirom.hypervisors.xen.hypervisor import XenHypervisor, make

__all__ = ["XenHypervisor", "make"]
