"""Which road the host ``kvm`` takes, what it says of it, and what it makes of results."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.hosts.kvm_rig import REFUSES, install, qemu
from vmirom.hosts import kvm
from vmirom.hosts.kvm import direct, jobs, roads
from vmirom.hosts.kvm.direct import Job, Ran
from vmirom.hosts.outcomes import Outcome
from vmirom.hosts.request import BootRequest
from vmirom.hypervisors.hypervisor import Ending, EndKind

WELL = Ran(Ending(EndKind.SHUTDOWN, "exit port", 0x10), "", b"one\n~ a note\ntwo", "", 1.5)


def request_for(backend: str, **options: str) -> BootRequest:
    return BootRequest(backend, b"a bundle", command_line="quiet", budget=7.0, options=options, host="kvm")


def answers(*results: Ran | None) -> str:
    """A QEMU that leaves these results."""
    texts = []
    for number, ran in enumerate(results):
        if ran is not None:
            jobs.write_ran(Path.cwd(), number, ran)
            texts.append((number, Path(f"{number}.result").read_text()))
    lines = [f"open(os.path.join(control, '{n}.result'), 'w').write({t!r})" for n, t in texts]
    return "\n".join([*lines, "open(os.path.join(control, 'rc'), 'w').write('0')"])


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_the_device_is_taken_where_its_self_test_passes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    qemu(tmp_path, monkeypatch, "raise SystemExit('not to be started')")
    install(monkeypatch, sentence="")
    seen: list[tuple[Job, bytes, bool]] = []

    def boot(job: Job, bundle: bytes, inside: bool) -> Ran:
        seen.append((job, bundle, inside))
        return WELL

    monkeypatch.setattr(direct, "boot", boot)
    result = kvm.boot(request_for("kvm", host_era="2008"))
    assert seen == [(Job("kvm", 16, "quiet", 7.0, "2008"), b"a bundle", False)]
    assert (result.outcome, result.road) == (Outcome.SUCCESS, "this machine's KVM")
    assert (result.transcript, result.notes) == (("one", "two"), ("a note",))
    assert (result.host, result.calls, result.status, result.seconds) == ("kvm", None, 0x10, 1.5)


def test_several_bundles_share_one_start_of_the_appliance(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    crash = Ran(Ending(EndKind.CRASH, "triple fault"), "", b"", "eax 0", 0.5)
    count = f"open({str(tmp_path / 'starts')!r}, 'a').write('x')\n"
    keep = f"import shutil; shutil.copytree(control, {str(tmp_path / 'seen')!r})\n"
    qemu(tmp_path, monkeypatch, count + keep + answers(WELL, crash))
    install(monkeypatch)
    results = kvm.boot_together([request_for("native"), request_for("kvm")])
    assert [r.outcome for r in results] == [Outcome.SUCCESS, Outcome.CRASH]
    assert results[1].registers == "eax 0"
    assert (tmp_path / "starts").read_text() == "x"
    handed = jobs.read_jobs(tmp_path / "seen")
    assert [(job.backend, job.budget, bundle) for job, bundle in handed] == [
        ("native", 7.0, b"a bundle"),
        ("kvm", 7.0, b"a bundle"),
    ]


def test_the_road_names_reason_kernel_and_qemu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    qemu(tmp_path, monkeypatch, answers(WELL))
    install(monkeypatch)
    road = kvm.boot(request_for("kvm")).road
    assert road.startswith(f"{REFUSES}; used KVM of Linux 6.1.0 under QEMU 7.2.22")


def test_a_boot_that_takes_the_appliance_down_leaves_those_before_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = answers(WELL).rpartition("\n")[0] + "\nsys.stderr.write('invalid tss type\\n'); os.abort()"
    qemu(tmp_path, monkeypatch, body)
    install(monkeypatch)
    first, second = kvm.boot_together([request_for("native"), request_for("kvm")])
    assert first.outcome is Outcome.SUCCESS
    assert second.outcome is Outcome.ERROR
    assert second.reason == "QEMU died of a busy task segment: qemu: fatal: invalid tss type"


def test_a_kvm_that_refuses_even_inside_is_said_with_its_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = "console.write('/dev/kvm refuses everything\\n[ 2.9] reboot: Restarting system\\n')\n"
    qemu(tmp_path, monkeypatch, body + "open(os.path.join(control, 'rc'), 'w').write('3')")
    install(monkeypatch)
    result = kvm.boot(request_for("kvm"))
    assert (result.outcome, result.reason) == (
        Outcome.ERROR,
        "in the appliance: /dev/kvm refuses everything",
    )
    assert kvm.self_test() == "in the appliance: /dev/kvm refuses everything"
    assert kvm.probe().self_test == "failed: in the appliance: /dev/kvm refuses everything"


def test_without_an_appliance_it_is_a_skip_that_names_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    qemu(tmp_path, monkeypatch, "raise SystemExit('not to be started')")
    install(monkeypatch)
    shutil.rmtree(tmp_path / "cache" / "kvm-appliance")
    found = kvm.probe()
    assert (found.usable, found.missing) == (False, "vmirom hosts setup kvm")
    result = kvm.boot(request_for("kvm"))
    assert result.outcome is Outcome.SKIP
    assert result.reason.startswith(REFUSES) and result.reason.endswith("; vmirom hosts setup kvm")


def test_without_qemu_it_names_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    qemu(tmp_path, monkeypatch, "")
    install(monkeypatch)
    monkeypatch.delenv("VMIROM_QEMU")
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    found = kvm.probe()
    assert (found.usable, found.missing) == (False, "apt install qemu-system-x86 && vmirom hosts setup kvm")
    assert found.found.startswith(REFUSES)


def test_it_never_starts_itself_inside_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    qemu(tmp_path, monkeypatch, "")
    install(monkeypatch)
    monkeypatch.setenv("VMIROM_INSIDE", "1")
    found = kvm.probe()
    assert not found.usable and found.found == REFUSES
    assert "inside itself" in found.missing


def test_the_devices_answer_is_asked_for_once_a_boot_of_the_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not Path("/dev/kvm").exists():
        pytest.skip("there is no /dev/kvm to remember anything of (modprobe kvm)")
    monkeypatch.setenv("VMIROM_CACHE", str(tmp_path / "cache"))
    asked: list[int] = []
    monkeypatch.setattr("vmirom.machine.kvm.self_test", lambda: asked.append(1) or "no")
    assert [roads._device_sentence(), roads._device_sentence()] == ["no", "no"]
    assert len(asked) == 1


def test_an_appliance_of_another_recipe_or_cut_short_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    qemu(tmp_path, monkeypatch, "")
    made = install(monkeypatch)
    (made.folder / "about.json").write_text("{")
    assert not kvm.probe().usable
    (made.folder / "about.json").write_text(json.dumps({"kernel": "6.1.0"}))
    assert kvm.probe().usable
    made.initrd.unlink()
    assert not kvm.probe().usable
    made.folder.rename(made.folder.with_name("6.1-anotherrecipe"))
    assert not kvm.probe().usable


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"ending": 1}', '{"ending": {"kind": "?", "reason": "", "status": 1}}']
)
def test_results_that_are_none_are_no_results(tmp_path: Path, text: str) -> None:
    (tmp_path / "0.result").write_text(text)
    assert jobs.read_ran(tmp_path, 0) is None


def test_results_come_back_as_they_went(tmp_path: Path) -> None:
    for number, ran in enumerate((WELL, Ran(None, "segment: not memory", b"\x00\xff"))):
        jobs.write_ran(tmp_path, number, ran)
        assert jobs.read_ran(tmp_path, number) == ran
