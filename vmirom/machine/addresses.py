"""The kinds of address, as distinct types, and the arithmetic of 4 KiB frames."""

from typing import Final, NewType

Gpa = NewType("Gpa", int)
"""Guest-physical address as the engine sees it. Under Xen the engine's physical memory is machine memory."""
Gva = NewType("Gva", int)
"""Guest-virtual (linear) address."""
Pfn = NewType("Pfn", int)
"""Frame number in the guest's own (pseudo-)physical space."""
Mfn = NewType("Mfn", int)
"""Machine frame number; differs from a pfn under Xen only."""

PAGE_SHIFT: Final = 12
PAGE_SIZE: Final = 1 << PAGE_SHIFT
PAGE_MASK: Final = 0xFFFFF000
