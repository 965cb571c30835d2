"""Runs in the appliance: ``python -m vmirom.hosts.kvm.inside FOLDER``.

Tests KVM, then boots what lies in the folder, one after the other. Exit status 0, or 3 with one sentence if
KVM can't be used even there.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

__all__ = ["REFUSED", "main"]

REFUSED: Final = 3


def main(arguments: list[str]) -> int:
    """See the module."""
    from vmirom.machine.kvm import self_test

    sentence = self_test(inside=True)
    if sentence:
        print(sentence)
        return REFUSED
    from vmirom.hosts.kvm.direct import boot
    from vmirom.hosts.kvm.jobs import read_jobs, write_ran

    control = Path(arguments[0])
    for number, (job, bundle) in enumerate(read_jobs(control)):
        write_ran(control, number, boot(job, bundle, inside=True))
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except Exception as fault:  # noqa: BLE001 - whatever it is, the outside reads its last line
        print(f"a fault of vmirom itself: {type(fault).__name__}: {' '.join(str(fault).split())}")
        sys.exit(1)
