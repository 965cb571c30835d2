"""Real changes of real ABIs, each with what its authors made of it; importing the package tells them all."""

from tests.compat.histories import kvm, lguest, others, sbi, vmi, xen
from tests.compat.histories.frame import HISTORIES, History

__all__ = ["HISTORIES", "History", "kvm", "lguest", "others", "sbi", "vmi", "xen"]
