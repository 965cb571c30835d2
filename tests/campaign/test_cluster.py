"""Campaigns on a real Dask cluster: scheduler and workers as processes on 127.0.0.1, some of them killed."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import vmirom
from tests.campaign.conftest import rows

if importlib.util.find_spec("distributed") is None:
    pytest.skip("no distributed here: pip install 'vmirom[cluster]'", allow_module_level=True)

pytestmark = [
    pytest.mark.boot,
    pytest.mark.slow,
    pytest.mark.timeout(300),
    # threads and sockets of the client's end after it is closed, in their own time
    pytest.mark.filterwarnings("ignore"),
]

LIMIT = 60.0


class Cluster:
    """Processes of one cluster, each with a log; all are ended with it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file = folder / "scheduler.json"
        self._all: list[subprocess.Popen[bytes]] = []
        self.scheduler = self._start("scheduler", "--port", "0", "--dashboard-address", "127.0.0.1:0")
        self.address = ""

    def wait(self) -> None:
        """Until the scheduler says where it is."""
        end = time.monotonic() + LIMIT
        while not (address := self._written()):  # it has no other way to say that it is ready
            assert self.scheduler.poll() is None and time.monotonic() < end, self.log("scheduler")
            time.sleep(0.1)
        self.address = address

    def _written(self) -> str:
        try:
            return str(json.loads(self._file.read_text())["address"])
        except (FileNotFoundError, json.JSONDecodeError):
            return ""

    def worker(self, name: str) -> subprocess.Popen[bytes]:
        """A worker with one thread."""
        return self._start(
            "worker",
            "--nthreads",
            "1",
            "--no-nanny",
            "--name",
            name,
            "--local-directory",
            str(self._folder / name),
        )

    def _start(self, kind: str, *options: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", f"distributed.cli.dask_{kind}", "--host", "127.0.0.1"]
        command += ["--scheduler-file", str(self._file), "--no-dashboard", *options]
        environment = dict(os.environ)
        environment["PYTHONPATH"] = str(Path(vmirom.__file__).parent.parent)
        environment["DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES"] = (
            "0" if self._folder.name == "strict" else "3"
        )
        environment.pop("PYTHONWARNINGS", None)
        with (self._folder / f"{kind}.log").open("ab") as log:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment,
                start_new_session=True,
            )
        self._all.append(process)
        return process

    def log(self, kind: str) -> str:
        return (self._folder / f"{kind}.log").read_text()

    def end(self) -> None:
        for process in reversed(self._all):
            process.kill()
            process.wait()


@pytest.fixture
def cluster(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Cluster]:
    folder = tmp_path / getattr(request, "param", "cluster")
    folder.mkdir()
    made = Cluster(folder)
    try:
        made.wait()
        yield made
    finally:
        made.end()


def campaign(file: Path, *more: str) -> subprocess.Popen[str]:
    options = ["--on", "native", "--seeds", "0-11", "--vary", "memory"]
    return subprocess.Popen(
        [sys.executable, "-m", "vmirom", "campaign", "run", str(file), *options, *more],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def until(process: subprocess.Popen[str], least: int) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        if " of 12 jobs" in line and int(line.split()[0]) >= least:
            return
    assert process.stderr is not None
    raise AssertionError(process.stderr.read())


def test_a_worker_is_killed_half_way_and_every_job_has_exactly_one_result(
    cluster: Cluster, tmp_path: Path
) -> None:
    file = tmp_path / "c.db"
    first, _second = cluster.worker("first"), cluster.worker("second")
    with campaign(file, "--scheduler", cluster.address) as process:
        until(process, 4)
        first.kill()
        first.wait()
        printed, errors = process.communicate(timeout=200)
    assert (process.returncode, errors) == (0, ""), printed
    assert "12 of 12 jobs: 12 success" in printed
    assert rows(file, "SELECT count(*), count(DISTINCT job) FROM result") == [(12, 12)]
    assert rows(file, "SELECT count(*) FROM job WHERE id NOT IN (SELECT job FROM result)") == [(0,)]
    workers = {str(worker) for (worker,) in rows(file, "SELECT DISTINCT worker FROM result")}
    assert workers and all(worker.startswith("tcp://127.0.0.1:") for worker in workers)


def test_a_scheduler_that_dies_is_a_line_and_the_rest_is_done_without_it(
    cluster: Cluster, tmp_path: Path
) -> None:
    file = tmp_path / "c.db"
    cluster.worker("only")
    with campaign(file, "--scheduler", cluster.address) as process:
        until(process, 2)
        cluster.scheduler.kill()
        _, errors = process.communicate(timeout=120)
    assert process.returncode == 2
    assert errors.startswith(f"vmirom: the scheduler at {cluster.address} is gone")
    assert errors.count("\n") == 1
    kept = dict(rows(file, "SELECT job, ended FROM result"))
    assert 2 <= len(kept) < 12
    with campaign(file) as process:
        process.communicate(timeout=120)
    assert process.returncode == 0
    now = dict(rows(file, "SELECT job, ended FROM result"))
    assert len(now) == 12 and kept.items() <= now.items()


@pytest.mark.parametrize("cluster", ["strict"], indirect=True)
def test_a_job_that_kills_its_worker_is_an_error_and_the_next_worker_goes_on(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The boot itself runs beside the worker and can't kill it; here the task does, on a cluster that gives
    none a second chance."""
    import cloudpickle

    from tests.campaign import conftest as told
    from vmirom.conform.campaign import cluster as module
    from vmirom.conform.campaign.drive import Progress, drive
    from vmirom.conform.campaign.store import Store

    def boot(version: str, requests: list[object]) -> object:
        memory = requests[0].memory_mib  # type: ignore[attr-defined]
        if memory == 16:
            os.kill(os.getpid(), signal.SIGKILL)
        return [vmirom.hosts.outcomes.BootResult("native", vmirom.hosts.outcomes.Outcome.SUCCESS, "")], "me"

    boot.__module__ = "__main__"  # goes there by value
    monkeypatch.setattr(module, "boot_there", cloudpickle.loads(cloudpickle.dumps(boot)))
    cluster.worker("first")
    plan = told.plan_with(monkeypatch, told.definition("0-2", ("native",)))
    crew = module.DaskCrew(cluster.address)

    def watch(progress: Progress) -> None:
        if progress.done == 1:
            cluster.worker("second")

    try:
        with Store.create(tmp_path / "c.db", plan) as store:
            drive(store, crew, watch)
            found = {r.job.seed: (r.result.outcome.value, r.result.reason) for r in store.results()}
    finally:
        crew.close()
    assert [found[seed][0] for seed in range(3)] == ["error", "success", "success"]
    assert found[0][1].startswith("the workers that had it died, one after the other: ")


def test_a_cluster_that_is_not_there_or_has_no_worker_is_a_line_in_bounded_time(cluster: Cluster) -> None:
    from vmirom.conform.campaign.cluster import ClusterError, DaskCrew

    with pytest.raises(ClusterError, match=r"has no worker after 0\.5 s"):
        DaskCrew(cluster.address, alone=0.5)
    cluster.end()
    with pytest.raises(ClusterError, match=f"no scheduler at {cluster.address}: "):
        DaskCrew(cluster.address, connect=1)
    for address in ("nonsense", "tcp://", "tcp://127.0.0.1", "ftp://127.0.0.1:1", ""):
        with pytest.raises(ClusterError, match="no scheduler at "):
            DaskCrew(address, connect=1)


def test_without_distributed_a_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    from vmirom.conform.campaign.cluster import ClusterError, DaskCrew

    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(
        ClusterError, match=r"^--scheduler needs distributed: pip install 'vmirom\[cluster\]'$"
    ):
        DaskCrew("tcp://127.0.0.1:1")
