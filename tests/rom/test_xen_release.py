"""One Xen ROM on both ages of Xen: it tries the new form of a hypercall and believes the answer."""

import pytest

from vmirom.bundle.compose import compose
from vmirom.hosts.embedded import BootRequest, boot
from vmirom.hosts.outcomes import BootResult, Outcome
from vmirom.rom.image import load_rom
from vmirom.schema.tree import source_tree

pytestmark = pytest.mark.boot
OLD_FORMS = {"event_channel_op_compat", "physdev_op_compat", "sched_op_compat.BLOCK"}


def run(release: str) -> BootResult:
    guest = (source_tree("romsrc") / "blobs" / "reference.elf").read_bytes()
    bundle = compose(guest, load_rom("xen", "3.1").data, "xen", (3, 1))
    return boot(BootRequest("xen", bundle, budget=60, options={"release": release}))


def test_reference_guest_can_not_tell_the_age() -> None:
    old, new = run("3.0"), run("4.17")
    assert old.outcome is new.outcome is Outcome.SUCCESS, (old.reason, new.reason)
    assert old.transcript == new.transcript and len(old.transcript) > 100
    assert old.hypercalls is not None and new.hypercalls is not None
    assert set(old.hypercalls) >= OLD_FORMS
    assert not any("compat" in name for name in new.hypercalls)
    assert new.refused == {}, "a new Xen is never asked in the old form"


def test_block_is_refused_once_and_remembered() -> None:
    """How often the guest really sleeps depends on how busy the machine is: so some runs, and in each the new
    form is asked for before the first sleep and never again."""
    slept = 0
    for _ in range(8):
        old = run("3.0")
        refused = {name.split(":")[0]: hits for name, hits in (old.refused or {}).items()}
        sleeps = (old.hypercalls or {}).get("sched_op_compat.BLOCK", 0)
        assert refused.get("sched_op.BLOCK", 0) == (1 if sleeps else 0)
        slept = max(slept, sleeps)
        if slept > 1:
            break
    assert slept, "no run slept at all"
