"""What goes into the appliance and comes out of it: a list of boots, and how each ended, as files.

A result is written as soon as there is one, so that a boot that takes the appliance down does not take
those before it along.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from vmirom.hosts.kvm.direct import Job, Ran
from vmirom.hypervisors.hypervisor import Ending, EndKind

__all__ = ["read_jobs", "read_ran", "write_jobs", "write_ran"]

_LIST: Final = "jobs.json"


def write_jobs(control: Path, jobs: Sequence[tuple[Job, bytes]]) -> None:
    """Leave boots and their bundles in the control folder. Raises OSError."""
    for number, (_, bundle) in enumerate(jobs):
        (control / f"{number}.bundle").write_bytes(bundle)
    (control / _LIST).write_text(json.dumps([asdict(job) for job, _ in jobs]))


def read_jobs(control: Path) -> list[tuple[Job, bytes]]:
    """What :func:`write_jobs` left."""
    jobs = [Job(**fields) for fields in json.loads((control / _LIST).read_text())]
    return [(job, (control / f"{number}.bundle").read_bytes()) for number, job in enumerate(jobs)]


def write_ran(control: Path, number: int, ran: Ran) -> None:
    """Leave how boot ``number`` ended; a file of that name is always whole. Raises OSError."""
    fields: dict[str, Any] = asdict(ran) | {"console": base64.b64encode(ran.console).decode()}
    if ran.ending is not None:
        fields["ending"] = {**asdict(ran.ending), "kind": ran.ending.kind.value}
    part = control / f"{number}.part"
    part.write_text(json.dumps(fields))
    part.rename(control / f"{number}.result")


def read_ran(control: Path, number: int) -> Ran | None:
    """How boot ``number`` ended, or None if it did not come to an end."""
    try:
        fields = json.loads((control / f"{number}.result").read_text())
        ending = fields["ending"]
        if ending is not None:
            ending = Ending(EndKind(ending["kind"]), str(ending["reason"]), ending["status"])
        console = base64.b64decode(fields["console"])
        return Ran(ending, str(fields["error"]), console, str(fields["registers"]), float(fields["seconds"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
