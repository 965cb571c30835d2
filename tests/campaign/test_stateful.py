"""Record, kill and resume in any order, against a model: nothing is lost, nothing counted twice."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.campaign.conftest import ToldCrew, definition, plan_with, rows
from tests.effort import examples
from vmirom.conform.campaign.drive import Progress, drive
from vmirom.conform.campaign.matrix import read_matrix
from vmirom.conform.campaign.plan import Job
from vmirom.conform.campaign.store import Store
from vmirom.hosts.outcomes import BootResult, Outcome

OUTCOMES = st.sampled_from(list(Outcome))
LINES = st.lists(st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=6), max_size=3)


class Killed(Exception):
    """Stands for SIGKILL between two steps of the loop."""


class CampaignMachine(RuleBasedStateMachine):
    """``model`` is what was recorded, by job; the file must say the same after every step."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.path = self.folder / "c.db"
        self.model: dict[int, BootResult] = {}
        self.store: Store | None = None

    @initialize()
    def begin(self) -> None:
        with pytest.MonkeyPatch.context() as patch:
            plan = plan_with(patch, definition("0-5"))
        self.jobs = {job.id: job for job in plan.jobs}
        self.store = Store.create(self.path, plan)

    def teardown(self) -> None:
        if self.store is not None:
            self.store.close()
        shutil.rmtree(self.folder)

    def result_for(self, job: Job, outcome: Outcome, lines: list[str]) -> BootResult:
        return BootResult(job.backend, outcome, f"by {outcome.value}", tuple(lines), seconds=0.25)

    @rule(job=st.integers(1, 12), outcome=OUTCOMES, lines=LINES)
    @precondition(lambda self: self.store is not None)
    def record(self, job: int, outcome: Outcome, lines: list[str]) -> None:
        assert self.store is not None
        result = self.result_for(self.jobs[job], outcome, lines)
        assert self.store.record(job, result, "w") == (job not in self.model)
        self.model.setdefault(job, result)

    @rule(stop=st.integers(0, 12), outcome=OUTCOMES, lines=LINES)
    @precondition(lambda self: self.store is not None)
    def run_until(self, stop: int, outcome: Outcome, lines: list[str]) -> None:
        """The loop itself, cut off behind its ``stop``th new result."""
        assert self.store is not None
        pending = [job for job in self.jobs if job not in self.model]
        crew = ToldCrew(lambda job: self.result_for(job, outcome, lines))
        done: list[int] = []

        def watch(progress: Progress) -> None:
            if progress.last is not None:
                done.append(progress.last.job.id)
                if len(done) == stop:
                    raise Killed

        try:
            drive(self.store, crew, watch)
        except Killed:
            pass
        else:
            assert done == pending
        self.model.update({job: self.result_for(self.jobs[job], outcome, lines) for job in done})
        assert done == pending[: len(done)]

    @rule(torn=st.booleans())
    @precondition(lambda self: self.store is not None)
    def kill(self, torn: bool) -> None:
        """The process goes without a word: what was not committed is gone, and nothing else."""
        assert self.store is not None
        if torn:
            self.store._database.execute("BEGIN IMMEDIATE")
            self.store._database.execute("DELETE FROM result")
        self.store._database.close()
        if self.store._lock is not None:
            self.store._lock.forget()
        self.store = None

    @rule()
    @precondition(lambda self: self.store is None)
    def resume(self) -> None:
        self.store = Store.open(self.path, write=True)

    @invariant()
    def file_says_what_the_model_says(self) -> None:
        if not hasattr(self, "jobs"):
            return
        with Store.open(self.path, write=False) as reader:
            assert {r.job.id: r.result for r in reader.results()} == self.model
            assert [job.id for job in reader.pending()] == [j for j in self.jobs if j not in self.model]
            matrix = read_matrix(reader)
            assert (matrix.done, matrix.pending) == (len(self.model), 12 - len(self.model))
            assert matrix.counts.total() == len(self.model)
        transcripts = {result.transcript for result in self.model.values()}
        assert rows(self.path, "SELECT count(*) FROM transcript") == [(len(transcripts),)]
        assert rows(self.path, "PRAGMA foreign_key_check") == []


TestCampaign = CampaignMachine.TestCase
TestCampaign.settings = examples(40, stateful_step_count=25)
