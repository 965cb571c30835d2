"""The page stays small, whatever happened, and is the same for the same run."""

from __future__ import annotations

from tests.report.made_runs import OCCASION, made_run, whole_run, worst_run
from vmirom.report.conformance.page import PAGE_MAX, conformance_page


def test_four_backends_on_all_hosts() -> None:
    page = conformance_page(whole_run(), OCCASION)
    assert len(page) < PAGE_MAX
    assert page.count(b'role="gridcell"') == 16 * len(whole_run().selection.chosen)


def test_a_run_in_which_every_line_failed() -> None:
    page = conformance_page(worst_run(), OCCASION)
    assert len(page) < PAGE_MAX
    assert b"Left out to keep this page small" in page and b"more are left out" in page


def test_the_same_run_gives_the_same_page() -> None:
    assert conformance_page(made_run(), OCCASION) == conformance_page(made_run(), OCCASION)
