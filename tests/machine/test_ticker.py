"""The thread that stops engines, across a fork."""

import os
import threading
import time

import pytest

from vmirom.machine.ticker import ticker


class Stopped:
    """An engine that is due and remembers being asked."""

    def __init__(self) -> None:
        self.stop_at_ns = time.monotonic_ns()
        self.asked = threading.Event()

    def stop(self) -> None:
        self.asked.set()


def due() -> bool:
    """Whether an engine that is due is stopped."""
    engine = Stopped()
    ticker.enter(engine)
    try:
        return engine.asked.wait(5)
    finally:
        ticker.leave(engine)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork; nothing can be lost there")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_process_has_a_ticker_of_its_own() -> None:
    """The parent's thread still waits for the next engine; the child has none of it."""
    assert due()
    child = os.fork()
    if child == 0:
        os._exit(0 if due() else 1)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert due()
