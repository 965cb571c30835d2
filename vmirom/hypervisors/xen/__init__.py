"""An embedded Xen 4.17 with one 32-bit PAE paravirtual initial domain; ``release="3.0"`` offers the calls
of 3.0.

The guest's physical memory is machine memory here; see ``domain`` for how the parts hang together. What a
guest may do and what it is answered follows observations of the real one, named in each module.

Left out, each answered loudly (an error code with its reason in the trace, or a domain crash that says why):

* other domains: grants to and from them, XSM, the commands of domctl, sysctl and platform_op (ENOSYS);
  channels to them (ESRCH)
* more than one virtual CPU: vcpu_op on another (ENOENT)
* physical interrupts: bind_pirq (EPERM), EOI of one (EINVAL), mapping one (ENOSYS); devices behind I/O ports
  (reads are ones)
* the FIFO event channel ABI (ENOSYS), profiling beyond xenoprof_op's first command (EPERM)
* a callback for SYSENTER is taken and never entered: the instruction faults, as on AMD's processors
* call gates to an inner ring (domain crash); breakpoints in the debug registers are kept and not acted on
* a trap table of more than 4096 entries (EFAULT)
* failsafe callbacks are remembered; no failed return was seen to use one, #GP comes instead

Compared. The probe (``romsrc/guest/probe-xen``) puts 2387 questions to this hypervisor and
to Xen 4.17.5 with 32-bit guests; ``vmirom fidelity xen`` shows that they answer alike, but for those that
``vmirom/conform/accepted-xen.toml`` names with a reason. Of what was only assumed before, it settled:
Xen's own slots of the top L2 (EPERM) and the L3's entries from slot 3 on (EINVAL); a pinned L2 in slot 3 and
chains of linear mappings (EINVAL); what lies behind an L3's fourth entry; other domain numbers; far and
negative single-shot times; debug registers, watchdogs, poll and vcpu_op refusals; MSRs; call gates.

What may end the domain is asked one question a boot (``vmirom fidelity xen --deadly``): ends of every kind, a
trap without handler, stacks that can't take a frame, SYSCALL in ring 1, iret to ring 0. An iret inside a
multicall is refused here (ENOSYS), where the real one returns. A handler's RPL 0 is raised to 1. Bits 52 to
62 of a table entry are refused here (EINVAL), where the real one leaves them to software.
"""

from typing import Final

from vmirom.hypervisors.xen.hypervisor import XenHypervisor, make
from vmirom.hypervisors.xen.release import RELEASES

__all__ = ["VARIES", "XenHypervisor", "make"]

VARIES: Final = {"release": tuple(RELEASES)}
"""Options of :func:`make` that a campaign may choose, and from what."""
