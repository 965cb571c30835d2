"""A boot server: boots for callers that have threads, and never outlives one."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from vmirom.hosts.bootserver import BootServer
from vmirom.hosts.outcomes import Outcome
from vmirom.hosts.request import BootRequest

BAD = BootRequest("xen", b"no bundle")
"""Its boot is an error at once: what is tested here is the way there and back."""


def test_a_server_boots_again_and_again_in_one_process() -> None:
    with BootServer() as server:
        first = server.boot([BAD, BAD])
        process = server._process
        assert [r.outcome for r in first] == [Outcome.ERROR] * 2
        assert "not an ELF" in first[0].reason
        assert server.boot([BAD])[0].reason == first[0].reason
        assert server._process is process
    assert process is not None and process.returncode is not None


def test_a_server_that_dies_is_an_error_and_the_next_one_goes_on() -> None:
    with BootServer() as server:
        server.boot([BAD])
        assert server._process is not None
        os.kill(server._process.pid, signal.SIGKILL)
        server._process.wait()
        lost = server.boot([BAD])[0]
        assert (lost.outcome, lost.reason) == (Outcome.ERROR, "the boot server died: signal SIGKILL")
        assert "not an ELF" in server.boot([BAD])[0].reason


def test_a_trace_that_cant_be_written_is_an_os_error_of_the_caller(tmp_path: Path) -> None:
    request = BootRequest("xen", b"no bundle", trace=tmp_path / "none" / "t")
    with BootServer() as server, pytest.raises(OSError, match="No such file"):
        server.boot([request])


def test_threads_share_a_server() -> None:
    reasons: list[str] = []
    with BootServer() as server:
        threads = [
            threading.Thread(target=lambda: reasons.append(server.boot([BAD])[0].reason)) for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    assert len(reasons) == 4 and len(set(reasons)) == 1


def test_a_server_dies_with_its_caller(tmp_path: Path) -> None:
    """The caller is killed; the pipe that the server holds ends with it, and so does the server."""
    script = (
        "import os, signal\n"
        "from vmirom.hosts.bootserver import BootServer\n"
        "from vmirom.hosts.request import BootRequest\n"
        "server = BootServer()\n"
        "server.boot([BootRequest('xen', b'')])\n"
        "print(server._process.pid, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, timeout=60, check=False, text=True
    )
    assert done.returncode == -signal.SIGKILL
    server = int(done.stdout)
    try:
        handle = os.pidfd_open(server)
    except ProcessLookupError:
        return  # gone already, and nobody's child any more
    with os.fdopen(handle) as file:
        assert select.select([file], [], [], 60)[0], "the server outlives its caller"
