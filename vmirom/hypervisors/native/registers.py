"""Which model-specific registers the processor has. unicorn reads any other one as zero; a real processor
raises #GP. Intel SDM volume 4, the architectural ones of a P6 with NX.
"""

from __future__ import annotations

from typing import Final

from vmirom.overlays.native import Msr

__all__ = ["has_msr"]

_ONES: Final = frozenset(
    {int(msr) for msr in Msr}
    | {0x17, 0x2A, 0x8B, 0xFE, 0x179, 0x17A, 0x1A0, 0x1D9, 0x250, 0x258, 0x259, 0x277, 0x2FF, 0xC0000103}
)
_RANGES: Final = (range(0x200, 0x210), range(0x268, 0x270), range(0x400, 0x428))  # MTRRs, machine checks


def has_msr(index: int) -> bool:
    """Whether RDMSR and WRMSR of ``index`` are the processor's own business."""
    return index in _ONES or any(index in some for some in _RANGES)
