"""Seeded faults: ROMs and hypervisors that are wrong in one known way, to prove that the checks see it.

A fault is a named patch that is applied in memory and to one process. ``rom`` and ``hypervisor`` modules list
them by backend; ``judging`` says which checks catch one.
"""

from vmirom.conform.faults.fault import CantApply, Fault, Where, applied
from vmirom.conform.faults.listed import all_faults, fault_of

__all__ = ["CantApply", "Fault", "Where", "all_faults", "applied", "fault_of"]
