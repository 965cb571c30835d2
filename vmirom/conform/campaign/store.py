"""A campaign's file: one SQLite database, which survives any kill and counts nothing twice.

Each result is a transaction of its own, made durable before the next begins, and a job's number is the
primary key of its result. The journal is SQLite's rollback journal, not a write-ahead log: a campaign writes
a few times a second, so speed is no reason, and with it the file alone is always the whole campaign, may lie
on a shared or a read-only file system, and can be copied as it is. Transcripts are stored once, by sha256.
"""

from __future__ import annotations

import datetime
import hashlib
import importlib.resources
import sqlite3
import stat
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import msgspec

from vmirom import __version__
from vmirom.conform.campaign.definition import Definition
from vmirom.conform.campaign.lock import Busy, FileLock
from vmirom.conform.campaign.plan import Job, Plan
from vmirom.conform.campaign.refused import CampaignError, EmptyFile
from vmirom.hosts.outcomes import BootResult, Outcome

__all__ = ["SCHEMA_VERSION", "Group", "Recorded", "Store"]

APPLICATION_ID: Final = 0x564D4943  # "VMIC"
SCHEMA_VERSION: Final = 1
_PATIENCE: Final = 5.0
"""Seconds to wait for a reader that has the file."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """One result as it is stored. ``transcript`` is the sha256 under which its lines are."""

    job: Job
    result: BootResult
    transcript: str
    worker: str
    ended: str


@dataclass(frozen=True, slots=True)
class Group:
    """Jobs of one cell that ended alike: same outcome, same transcript, same reason. ``outcome`` is None for
    those that have no result yet; ``first`` is the lowest job number; ``seconds`` is the sum."""

    guest: str
    backend: str
    host: str
    abi: str
    outcome: Outcome | None
    transcript: str
    reason: str
    count: int
    first: int
    seconds: float


class Store:
    """An open campaign. Whoever opens it to write is alone; readers are welcome at any time.

    Every method raises CampaignError where the file is damaged, full, or can't be written.
    """

    def __init__(self, path: Path, database: sqlite3.Connection, lock: FileLock | None) -> None:
        self._path = path
        self._database = database
        self._lock = lock
        with _told():
            self.definition = _definition(database)

    @classmethod
    def create(cls, path: Path, plan: Plan) -> Store:
        """A new file with a whole plan, or none; an empty one is filled. Raises CampaignError, OSError."""
        lock = _locked(path)
        new = not path.exists()
        try:
            with _told():
                database = _connect(path, "rwc")
                try:
                    _fill(database, plan)
                    return cls(path, database, lock)
                except BaseException:
                    database.close()
                    if new:
                        path.unlink(missing_ok=True)
                    raise
        except BaseException:
            lock.release()
            raise

    @classmethod
    def open(cls, path: Path, *, write: bool) -> Store:
        """A file that holds a campaign. Raises CampaignError, and OSError where there is none."""
        if not stat.S_ISREG(path.stat().st_mode):
            raise CampaignError("not a regular file")
        lock = _locked(path) if write else None
        try:
            with _told():
                database = _connect(path, "rw" if write else "ro")
                try:
                    _check(database)
                    return cls(path, database, lock)
                except BaseException:
                    database.close()
                    raise
        except BaseException:
            if lock is not None:
                lock.release()
            raise

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()
        if self._lock is not None:
            self._lock.release()

    @property
    def begun(self) -> tuple[str, str]:
        """When (UTC) and by which version of vmirom."""
        with _told():
            when, version = self._database.execute("SELECT begun, vmirom FROM campaign").fetchone()
            return str(when), str(version)

    def total(self) -> int:
        """Jobs in all."""
        return self._count("SELECT count(*) FROM job")

    def done(self) -> int:
        """Jobs that have a result."""
        return self._count("SELECT count(*) FROM result")

    def _count(self, question: str) -> int:
        with _told():
            return int(self._database.execute(question).fetchone()[0])

    def pending(self) -> Iterator[Job]:
        """Jobs without a result, in their order, as of now."""
        with _told():
            rows = self._database.execute(
                f"SELECT {_JOB} FROM job WHERE id NOT IN (SELECT job FROM result) ORDER BY id"
            ).fetchall()
            return iter([_job(row) for row in rows])

    def job(self, number: int) -> Job:
        """One job. Raises CampaignError if there is none of that number."""
        with _told():
            row = self._database.execute(f"SELECT {_JOB} FROM job WHERE id = ?", (number,)).fetchone()
            if row is None:
                raise CampaignError(f"job {number}: there are 1 to {self.total()}")
            return _job(row)

    def bundle(self, sha256: str) -> bytes:
        """A bundle's bytes. Raises CampaignError if they are not what they were."""
        with _told():
            row = self._database.execute("SELECT data FROM bundle WHERE sha256 = ?", (sha256,)).fetchone()
        if row is None or hashlib.sha256(row[0]).hexdigest() != sha256:
            raise CampaignError(f"corrupt: bundle {sha256[:12]} is not what its name says")
        return bytes(row[0])

    def bundle_names(self) -> frozenset[str]:
        """The sha256 of every bundle."""
        with _told():
            return frozenset(name for (name,) in self._database.execute("SELECT sha256 FROM bundle"))

    def record(self, job: int, result: BootResult, worker: str) -> bool:
        """Store a result, durably; False, and nothing changed, if the job has one already."""
        with _told(), _transaction(self._database):
            return _record(self._database, job, result, worker)

    def results(self, *, bad: bool = False) -> Iterator[Recorded]:
        """All results in the order of jobs; with ``bad``, those that are neither success nor skip."""
        only = "WHERE outcome NOT IN ('success', 'skip')" if bad else ""
        with _told():
            for row in self._database.execute(_RECORDED.format(only)):
                yield self._recorded(row)

    def result(self, job: int) -> Recorded | None:
        """The result of one job, if it has one."""
        with _told():
            row = self._database.execute(_RECORDED.format("WHERE job = ?"), (job,)).fetchone()
            return self._recorded(row) if row is not None else None

    def lines(self, transcript: str) -> tuple[str, ...]:
        """A transcript by its sha256."""
        with _told():
            row = self._database.execute(
                "SELECT lines FROM transcript WHERE sha256 = ?", (transcript,)
            ).fetchone()
            return tuple(row[0].split("\n")[:-1]) if row is not None else ()

    def groups(self) -> list[Group]:
        """Jobs that ended alike, by cell, in the order of their first jobs."""
        with _told():
            rows = self._database.execute(_GROUPS).fetchall()
            return [
                Group(guest, backend, host, abi, Outcome(o) if o else None, t or "", r or "", count, first, s)
                for guest, backend, host, abi, o, t, r, count, first, s in rows
            ]

    def _recorded(self, row: tuple[Any, ...]) -> Recorded:
        *job, transcript, record, worker, ended = row
        result = msgspec.json.decode(record, type=BootResult)
        return Recorded(
            _job(tuple(job)), replace(result, transcript=self.lines(transcript)), transcript, worker, ended
        )


_JOB: Final = "id, guest, backend, host, abi, seed, memory_mib, command_line, options, budget, bundle"
_RECORDED: Final = (
    f"SELECT {_JOB}, transcript, record, worker, ended FROM job JOIN result ON job = id {{}} ORDER BY id"
)
_GROUPS: Final = """
    SELECT guest, backend, host, abi, outcome, transcript, reason, count(*), min(id), total(seconds)
    FROM job LEFT JOIN result ON job = id
    GROUP BY guest, backend, host, abi, outcome, transcript, reason ORDER BY min(id)
"""


def _job(row: tuple[Any, ...]) -> Job:
    number, guest, backend, host, abi, seed, memory, line, options, budget, bundle = row
    told = msgspec.json.decode(options, type=dict[str, str | int | bool])
    return Job(number, guest, backend, host, abi, seed, memory, line, told, budget, bundle or "")


def _record(database: sqlite3.Connection, job: int, result: BootResult, worker: str) -> bool:
    if database.execute("SELECT 1 FROM result WHERE job = ?", (job,)).fetchone():
        return False
    lines = "".join(f"{line}\n" for line in result.transcript)
    digest = hashlib.sha256(lines.encode()).hexdigest()
    database.execute("INSERT OR IGNORE INTO transcript VALUES (?, ?)", (digest, lines))
    record = msgspec.json.encode(replace(result, transcript=())).decode()
    database.execute(
        "INSERT INTO result (job, transcript, record, worker, ended) VALUES (?, ?, ?, ?, ?)",
        (job, digest, record, worker, _now()),
    )
    return True


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")


def _locked(path: Path) -> FileLock:
    try:
        return FileLock(path)
    except Busy as busy:
        raise CampaignError(f"locked: a campaign is running on it ({busy})") from None


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    name = f"file:{urllib.parse.quote(str(path.absolute()).encode(errors='surrogateescape'))}?mode={mode}"
    database = sqlite3.connect(name, timeout=_PATIENCE, isolation_level=None, uri=True)
    try:
        for setting in ("foreign_keys=ON", "synchronous=FULL", "cell_size_check=ON"):
            database.execute(f"PRAGMA {setting}")
    except BaseException:
        database.close()
        raise
    return database


@contextmanager
def _transaction(database: sqlite3.Connection) -> Iterator[None]:
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
        database.execute("COMMIT")
    except BaseException:
        if database.in_transaction:
            database.execute("ROLLBACK")
        raise


def _fill(database: sqlite3.Connection, plan: Plan) -> None:
    with _transaction(database):
        if _pragma(database, "application_id") or database.execute("SELECT 1 FROM sqlite_schema").fetchone():
            raise CampaignError("holds something already; a campaign begins with a file of its own")
        schema = importlib.resources.files(__package__ or "").joinpath("schema.sql").read_text()
        for statement in filter(None, (text.strip() for text in schema.split(";\n"))):
            database.execute(statement)
        database.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        database.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        definition = msgspec.json.encode(plan.definition).decode()
        database.execute("INSERT INTO campaign VALUES (1, ?, ?, ?)", (definition, __version__, _now()))
        database.executemany("INSERT INTO bundle VALUES (?, ?)", plan.bundles.items())
        database.executemany(
            f"INSERT INTO job ({_JOB}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", map(_row, plan.jobs)
        )
        for job, result in plan.settled.items():
            _record(database, job, result, "plan")


def _row(job: Job) -> tuple[Any, ...]:
    options = msgspec.json.encode(job.options).decode()
    return (
        *(job.id, job.guest, job.backend, job.host, job.abi, job.seed),
        *(job.memory_mib, job.command_line, options, job.budget, job.bundle or None),
    )


def _pragma(database: sqlite3.Connection, name: str) -> int:
    return int(database.execute(f"PRAGMA {name}").fetchone()[0])


def _check(database: sqlite3.Connection) -> None:
    """That it is a campaign, of a version known here, and whole."""
    if not _pragma(database, "schema_version") and not _pragma(database, "page_count"):
        raise EmptyFile("holds no campaign: it is empty")
    found = _pragma(database, "application_id")
    if found != APPLICATION_ID:
        raise CampaignError(f"application_id: {found:#x} is not {APPLICATION_ID:#x}: not a campaign's file")
    version = _pragma(database, "user_version")
    if version > SCHEMA_VERSION:
        raise CampaignError(f"user_version: {version} is newer than {SCHEMA_VERSION}, which is known here")
    if version < 1:
        raise CampaignError(f"user_version: {version} is no version of a campaign's file")
    said = database.execute("PRAGMA quick_check(1)").fetchone()
    if said is None or said[0] != "ok":
        raise CampaignError(f"corrupt: {said[0] if said else 'no answer to quick_check'}")


def _definition(database: sqlite3.Connection) -> Definition:
    row = database.execute("SELECT definition FROM campaign").fetchone()
    if row is None:
        raise CampaignError("corrupt: it has no definition")
    return msgspec.json.decode(row[0], type=Definition)


@contextmanager
def _told() -> Iterator[None]:
    """What SQLite says, and values that are not what they should be, as refusals."""
    try:
        yield
    except sqlite3.Error as error:
        raise CampaignError(_sentence(error)) from None
    except (msgspec.DecodeError, ValueError, TypeError, UnicodeError) as error:
        raise CampaignError(f"corrupt: {error}") from None


def _sentence(error: sqlite3.Error) -> str:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    text = " ".join(str(error).split())
    if code == sqlite3.SQLITE_NOTADB:
        return f"not an SQLite database: {text}"
    if code == sqlite3.SQLITE_CORRUPT:
        return f"corrupt: {text}"
    if code in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN):
        return f"can't be written or read: {text}"
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return f"locked: another program holds it for more than {_PATIENCE:g} s"
    return f"corrupt: {text}"
