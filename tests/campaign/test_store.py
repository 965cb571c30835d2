"""A campaign's file: whole or not there, each job one result, and every damage a line."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from tests.campaign.conftest import ToldCrew, rows, well
from tests.effort import examples
from vmirom.conform.campaign.drive import Progress, drive
from vmirom.conform.campaign.lock import Busy, FileLock
from vmirom.conform.campaign.plan import Plan
from vmirom.conform.campaign.refused import CampaignError, EmptyFile
from vmirom.conform.campaign.store import Store
from vmirom.hosts.outcomes import BootResult, Outcome


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "c.db"


def test_what_was_planned_is_read_back(path: Path, plan: Plan) -> None:
    Store.create(path, plan).close()
    with Store.open(path, write=False) as store:
        assert store.definition == plan.definition
        assert tuple(store.pending()) == plan.jobs
        assert {name: store.bundle(name) for name in store.bundle_names()} == plan.bundles
        assert (store.done(), store.total()) == (0, 10)
    assert [p.name for p in path.parent.iterdir()] == ["c.db"]


def test_a_result_is_read_back_as_it_was(path: Path, plan: Plan) -> None:
    result = BootResult(
        "xen",
        Outcome.CRASH,
        'a "reason"',
        ("one", "", "two\tthree"),
        ("note",),
        {"SetCR3": 3},
        {"mmu_update": 1},
        {"mmu_update: not pinned": 1},
        1.5,
        "crash",
        None,
        "SetCR3",
        "eip 0x1\neax 0x2",
    )
    with Store.create(path, plan) as store:
        assert store.record(2, result, "here")
        recorded = store.result(2)
        assert recorded is not None
        assert (recorded.result, recorded.job, recorded.worker) == (result, plan.jobs[1], "here")
        assert store.result(1) is None
        assert [r.result for r in store.results(bad=True)] == [result]


@pytest.mark.parametrize("lines", [(), ("",), ("", ""), ("a",), ("a", "")])
def test_transcripts_of_nothing_and_of_empty_lines_differ(
    path: Path, plan: Plan, lines: tuple[str, ...]
) -> None:
    with Store.create(path, plan) as store:
        store.record(1, BootResult("native", Outcome.SUCCESS, "", lines), "w")
        assert next(store.results()).result.transcript == lines


def test_a_second_result_of_a_job_changes_nothing(path: Path, plan: Plan) -> None:
    with Store.create(path, plan) as store:
        assert store.record(1, well(plan.jobs[0]), "first")
        assert not store.record(1, BootResult("native", Outcome.CRASH, "late", ("other",)), "second")
        assert store.done() == 1
        assert [(r.worker, r.result.outcome) for r in store.results()] == [("first", Outcome.SUCCESS)]
    assert rows(path, "SELECT count(*) FROM transcript") == [(1,)]


def test_equal_transcripts_are_stored_once(path: Path, plan: Plan) -> None:
    with Store.create(path, plan) as store:
        drive(store, ToldCrew(), lambda progress: None)
    assert rows(path, "SELECT lines FROM transcript") == [("hello\n",)]
    assert rows(path, "SELECT count(*), count(DISTINCT transcript) FROM result") == [(10, 1)]


def test_a_campaign_goes_on_where_it_stopped(path: Path, plan: Plan) -> None:
    crew = ToldCrew()

    def stop(progress: Progress) -> None:
        if progress.done == 4:
            raise KeyboardInterrupt

    with Store.create(path, plan) as store, pytest.raises(KeyboardInterrupt):
        drive(store, crew, stop)
    assert crew.taken == [1, 2, 3, 4]
    with Store.open(path, write=True) as store:
        assert drive(store, crew, lambda progress: None) == 6
        assert drive(store, crew, lambda progress: None) == 0
    assert crew.taken == list(range(1, 11))


def test_the_schema_itself_refuses_nonsense(path: Path, plan: Plan) -> None:
    Store.create(path, plan).close()
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA foreign_keys = ON")
        good = '{"outcome": "success", "reason": "", "seconds": 0.5}'
        for job, transcript, record in (
            (99, "x" * 64, good),  # no such job
            (1, "x" * 64, good),  # no such transcript
            (1, "x" * 64, "{"),
            (1, "x" * 64, good.replace("success", "bliss")),
        ):
            with pytest.raises((sqlite3.IntegrityError, sqlite3.OperationalError)):
                database.execute(
                    "INSERT INTO result (job, transcript, record, worker, ended) VALUES (?, ?, ?, '', '')",
                    (job, transcript, record),
                )
        with pytest.raises(sqlite3.IntegrityError):
            database.execute("UPDATE job SET seed = 'many'")
        with pytest.raises(sqlite3.IntegrityError):
            database.execute("UPDATE job SET seed = 0")


def test_two_campaigns_on_one_file_are_refused_and_readers_are_not(path: Path, plan: Plan) -> None:
    with Store.create(path, plan) as store:
        for opening in (lambda: Store.open(path, write=True), lambda: Store.create(path, plan)):
            with pytest.raises(
                CampaignError, match=rf"^locked: a campaign is running on it .process {os.getpid()}"
            ):
                opening()
        with Store.open(path, write=False) as reader:
            store.record(1, well(plan.jobs[0]), "w")
            assert reader.done() == 1
    Store.open(path, write=True).close()


def test_a_lock_falls_with_its_holder_even_if_a_child_lives_on(tmp_path: Path) -> None:
    """The holder is killed; a process that it had forked is still there and must not hold the lock."""
    script = (
        "import os, signal, sys, time\n"
        "from pathlib import Path\n"
        "from vmirom.conform.campaign.lock import FileLock\n"
        "lock = FileLock(Path(sys.argv[1]))\n"
        "if os.fork() == 0:\n"
        "    sys.stdin.read()\n"  # until the test ends it
        "    os._exit(0)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    reading, writing = os.pipe()
    try:
        killed = subprocess.run(
            [sys.executable, "-c", script, str(tmp_path / "c.db")], stdin=reading, timeout=60, check=False
        )
        assert killed.returncode < 0
        assert (tmp_path / "c.db-lock").exists()
        with FileLock(tmp_path / "c.db"), pytest.raises(Busy):
            FileLock(tmp_path / "c.db")
        assert not (tmp_path / "c.db-lock").exists()
    finally:
        os.close(writing)
        os.close(reading)


def test_a_file_that_could_not_be_filled_is_not_left_behind(path: Path, plan: Plan) -> None:
    twice = replace(plan, jobs=(*plan.jobs, plan.jobs[0]))
    with pytest.raises(CampaignError):
        Store.create(path, twice)
    assert list(path.parent.iterdir()) == []


def test_an_empty_file_is_filled_and_any_other_is_left_alone(path: Path, plan: Plan) -> None:
    path.touch()
    with pytest.raises(EmptyFile, match="holds no campaign: it is empty"):
        Store.open(path, write=False)
    Store.create(path, plan).close()
    before = path.read_bytes()
    with pytest.raises(CampaignError, match="holds something already"):
        Store.create(path, plan)
    assert path.read_bytes() == before


def refused(path: Path, *, write: bool = False) -> str:
    with pytest.raises(CampaignError) as error:
        Store.open(path, write=write)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_other_files_are_told_from_campaigns(path: Path, plan: Plan) -> None:
    path.write_bytes(b"#!/bin/sh\n" * 500)
    assert refused(path) == "not an SQLite database: file is not a database"
    path.unlink()
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE mine (x)")
    assert refused(path) == "application_id: 0x0 is not 0x564d4943: not a campaign's file"
    path.unlink()
    Store.create(path, plan).close()
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA user_version = 2")
    for write in (False, True):
        assert refused(path, write=write) == "user_version: 2 is newer than 1, which is known here"
    with pytest.raises(CampaignError, match="not a regular file"):
        Store.open(Path("/dev/null"), write=False)


def test_a_full_disk_keeps_what_was_recorded(path: Path, plan: Plan) -> None:
    """A database that may not grow stands for a disk that can't."""
    with Store.create(path, plan) as store:
        store.record(1, well(plan.jobs[0]), "w")
        pages = store._database.execute("PRAGMA page_count").fetchone()[0]
        store._database.execute(f"PRAGMA max_page_count = {pages}")
        large = replace(well(plan.jobs[1]), transcript=("x" * 100_000,))
        with pytest.raises(CampaignError, match="can't be written or read: database or disk is full"):
            store.record(2, large, "w")
        assert store.done() == 1
    with Store.open(path, write=True) as store:
        assert [job.id for job in store.pending()] == list(range(2, 11))
        assert store.record(2, large, "w")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A campaign with results."""
    path = tmp_path_factory.mktemp("whole") / "c.db"
    with pytest.MonkeyPatch.context() as patch:
        from tests.campaign.conftest import definition, plan_with

        plan = plan_with(patch, definition())
    with Store.create(path, plan) as store:
        drive(store, ToldCrew(), lambda progress: None)
    return path


def read_all(path: Path) -> None:
    from vmirom.report.campaigns import campaign_json, campaign_junit, campaign_lines, campaign_markdown

    with Store.open(path, write=False) as store:
        list(campaign_lines(store))
        campaign_markdown(store)
        campaign_json(store)
        campaign_junit(store)
        for job in store.pending():
            store.bundle(job.bundle)


PLACES = st.one_of(st.integers(0, 200), st.integers(0, 1 << 20))


@examples(150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    changes=st.lists(st.tuples(PLACES, st.integers(0, 255)), max_size=4),
    kept=st.one_of(st.just(1 << 20), st.integers(0, 1 << 20)),
)
def test_damage_is_a_line_and_never_a_traceback(
    tmp_path: Path, whole: Path, changes: list[tuple[int, int]], kept: int
) -> None:
    content = bytearray(whole.read_bytes())
    for at, value in changes:
        content[at % len(content)] = value
    path = tmp_path / "c.db"
    path.write_bytes(content if kept == 1 << 20 else content[: kept % len(content)])
    try:
        read_all(path)
    except CampaignError as error:
        assert str(error) and "\n" not in str(error)


@pytest.mark.parametrize(
    ("statement", "read"),
    [
        ("UPDATE job SET options = '[1]'; DELETE FROM result", lambda store: store.pending()),
        ("UPDATE job SET options = '[1]'", lambda store: store.job(1)),
        ("UPDATE result SET record = json_set(record, '$.calls', 'many')", lambda store: store.result(1)),
        (
            "UPDATE result SET record = json_set(record, '$.calls', 'many')",
            lambda store: list(store.results()),
        ),
        ("UPDATE campaign SET definition = '{}'", lambda store: store.definition),
        ("DELETE FROM campaign", lambda store: store.definition),
        ("UPDATE bundle SET data = x'00'", lambda store: store.bundle(store.job(1).bundle)),
    ],
)
def test_values_that_are_not_what_they_should_be_are_a_line(
    tmp_path: Path, whole: Path, statement: str, read: Callable[[Store], object]
) -> None:
    path = tmp_path / "c.db"
    shutil.copy(whole, path)
    with closing(sqlite3.connect(path)) as database:
        database.executescript(statement)
    with pytest.raises(CampaignError, match=r"^corrupt: "), Store.open(path, write=False) as store:
        read(store)


@pytest.mark.parametrize("size", [1, 50, 99, 100, 512, 4096, 8192])
def test_a_file_cut_short_is_refused(tmp_path: Path, whole: Path, size: int) -> None:
    path = tmp_path / "c.db"
    path.write_bytes(whole.read_bytes()[:size])
    assert refused(path).startswith(("not an SQLite database", "corrupt", "holds no campaign"))


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("mount"), reason="needs root and mount for a tmpfs")
def test_a_real_full_disk_and_a_real_read_only_place(tmp_path: Path, plan: Plan) -> None:
    place = tmp_path / "small"
    place.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(place)], capture_output=True, check=False
    )
    if made.returncode:
        pytest.skip(f"no tmpfs may be mounted here: {made.stderr.decode().strip()}")
    path = place / "c.db"
    try:
        with Store.create(path, plan) as store:
            store.record(1, well(plan.jobs[0]), "w")
            with pytest.raises(CampaignError, match="can't be written or read: database or disk is full"):
                store.record(2, replace(well(plan.jobs[1]), transcript=("x" * 300_000,)), "w")
            assert store.record(2, well(plan.jobs[1]), "w")
        subprocess.run(["mount", "-o", "remount,ro", str(place)], check=True)
        with Store.open(path, write=False) as store:
            assert store.done() == 2
        with pytest.raises(OSError, match="Read-only file system"):
            Store.open(path, write=True)
    finally:
        subprocess.run(["umount", str(place)], check=True)
