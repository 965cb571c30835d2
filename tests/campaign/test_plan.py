"""From a definition to jobs: what seeds mean, in which order jobs run, which go together."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.campaign.conftest import GUEST, definition, plan_with
from vmirom.conform.campaign.definition import Seeds, differences
from vmirom.conform.campaign.plan import Job, units
from vmirom.conform.campaign.refused import CampaignError
from vmirom.conform.campaign.variation import KINDS, variation
from vmirom.hosts import registry
from vmirom.hosts.backends import backend_names
from vmirom.hypervisors import kvm, lguest, xen
from vmirom.overlays import vmi

SEEDS = st.integers(1, (1 << 31) - 1)


@given(st.lists(st.tuples(st.integers(0, 300), st.integers(0, 40)), min_size=1, max_size=6))
def test_seeds_are_a_set_of_numbers_whatever_the_ranges(parts: list[tuple[int, int]]) -> None:
    seeds = Seeds.parse(",".join(f"{first}-{first + more}" for first, more in parts))
    wanted = sorted({number for first, more in parts for number in range(first, first + more + 1)})
    assert list(seeds) == wanted and len(seeds) == len(wanted)
    assert Seeds.parse(str(seeds)) == seeds


@pytest.mark.parametrize(
    "text", ["", "a", "1-", "-1", "3-2", "1,,2", "1-2-3", "99999999999", "2147483648", "\u0661"]
)
def test_what_is_no_seed_is_refused(text: str) -> None:
    with pytest.raises(CampaignError, match=r"^seeds: "):
        Seeds.parse(text)


@pytest.mark.parametrize("backend", backend_names())
def test_seed_0_is_the_plain_boot(backend: str) -> None:
    plain = variation(0, backend, KINDS, 16, "quiet")
    assert (plain.memory_mib, plain.command_line, plain.options) == (16, "quiet", {})


@given(seed=SEEDS, backend=st.sampled_from(backend_names()), vary=st.sets(st.sampled_from(KINDS)))
def test_a_seed_changes_what_it_may_and_always_the_same(seed: int, backend: str, vary: set[str]) -> None:
    changed = variation(seed, backend, vary, 16, "quiet")
    assert changed == variation(seed, backend, vary, 16, "quiet")
    assert 8 <= changed.memory_mib <= 64 if "memory" in vary else changed.memory_mib == 16
    assert changed.command_line == ("quiet" + f" vmirom.seed={seed}" * ("command-line" in vary))
    layout = {"seed"} & set(changed.options)
    assert layout == ({"seed"} if "layout" in vary and backend in ("xen", "lguest") else set())
    eras = {"kvm": kvm.VARIES, "xen": xen.VARIES, "lguest": lguest.VARIES}.get(backend, {})
    phase = {"phase"} & set(changed.options)
    assert phase == ({"phase"} if "phase" in vary else set())
    assert set(changed.options) - layout - phase == (set(eras) if "era" in vary else set())
    assert all(changed.options[name] in values for name, values in eras.items() if name in changed.options)


@given(seed=SEEDS)
def test_memory_is_the_same_on_every_backend(seed: int) -> None:
    assert len({variation(seed, backend, KINDS, 16, "").memory_mib for backend in backend_names()}) == 1


def test_seeds_reach_every_choice() -> None:
    told = [variation(seed, "lguest", KINDS, 16, "") for seed in range(1, 400)]
    assert {one.memory_mib for one in told} == set(range(8, 65))
    assert {one.options["release"] for one in told} == set(lguest.VARIES["release"])
    assert {one.options["stable_tsc"] for one in told} == {True, False}


def test_what_a_seed_drew_is_never_drawn_otherwise() -> None:
    """A replay years later must be the same boot: these numbers stand."""
    assert [variation(seed, "kvm", KINDS, 16, "").memory_mib for seed in (1, 2, 3, 4)] == [44, 33, 40, 61]
    assert [variation(seed, "kvm", KINDS, 16, "").options["host_era"] for seed in (1, 2, 3, 5)] == [
        "2026",
        "2008",
        "2008",
        "2026",
    ]


def test_jobs_run_everywhere_with_one_seed_before_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = plan_with(monkeypatch, definition("0,5"))
    assert [(job.id, job.seed, job.backend) for job in plan.jobs] == [
        (1, 0, "native"),
        (2, 0, "xen"),
        (3, 5, "native"),
        (4, 5, "xen"),
    ]
    assert set(plan.bundles) == {job.bundle for job in plan.jobs} and len(plan.bundles) == 2


def test_jobs_of_a_host_that_gathers_go_together_and_others_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "gathers", lambda host: host == "slow")
    jobs = [
        Job(n, "g", "kvm", "slow" if n % 2 else "quick", "3.1", n, 16, "", {}, 1.0, "") for n in range(10)
    ]
    assert [[job.id for job in unit] for unit in units(jobs, together=2)] == [
        [0],
        [2],
        [1, 3],
        [4],
        [6],
        [5, 7],
        [8],
        [9],
    ]


def test_definitions_that_cant_be_run(monkeypatch: pytest.MonkeyPatch) -> None:
    import msgspec

    good = definition()
    assert good.jobs == 10
    room = vmi.Const.COMMAND_LINE_MAX - 1 - len(" vmirom.seed=2147483647")
    for changes, line in (
        ({"guests": good.guests * 2}, "guests: two are called g"),
        ({"guests": ()}, "guests: none"),
        ({"places": ()}, "places: none"),
        ({"versions": ()}, "versions: none"),
        ({"seeds": Seeds.parse("0-999999")}, "2000000 jobs are more than 1000000"),
        ({"vary": ("luck",)}, "vary: 'luck' is not one of"),
        ({"append": "\x01"}, "append: only printable ASCII"),
        ({"append": "x" * (room + 1)}, f"append: {room + 1} bytes; at most {room}"),
    ):
        with pytest.raises(CampaignError, match=line):
            msgspec.structs.replace(good, **changes).check()
    msgspec.structs.replace(good, append="x" * room).check()
    assert plan_with(monkeypatch, good).definition == good


def test_what_differs_is_named() -> None:
    assert differences(definition(), definition()) == []
    assert differences(definition("0-4"), definition("0-5")) == ["seeds 0-4, not 0-5"]
    assert len(GUEST) > 0
