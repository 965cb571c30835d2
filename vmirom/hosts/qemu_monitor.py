"""QEMU's monitor for programs (QMP): when a machine has stopped and why, and what its processors looked like.

A QEMU that is started with :meth:`Monitor.arguments` stays when its guest resets or powers off, until it is
told to quit: so it can be looked at. Whatever it answers, or does not, nothing here waits longer than
two seconds or raises.
"""

from __future__ import annotations

import json
import os
import re
import socket
import time
from pathlib import Path
from typing import Any, Final

__all__ = ["UNTOLD", "Monitor"]

UNTOLD: Final = "untold"
"""The machine stopped before anyone could be told why."""
_WAIT: Final = 2.0
_SOCKET_MAX: Final = 100
"""Bytes that the name of a socket may have."""
_ANSWER_MAX: Final = 1 << 20
_MEMORY_MAX: Final = 4096
_CPU: Final = re.compile(r"^CPU#(\d+)$", re.MULTILINE)
_HALTED: Final = re.compile(r"\bHLT=1\b")


class Monitor:
    """The monitor of one QEMU, at a socket in ``folder``, where also pieces of memory are left."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "qmp"
        self._piece = folder / "piece"
        self._usable = hasattr(socket, "AF_UNIX") and len(os.fsencode(self._path)) <= _SOCKET_MAX
        self._line: socket.socket | None = None
        self._received = bytearray()
        self._reason = ""

    def arguments(self) -> list[str]:
        """For QEMU; none where the folder's name is too long for a socket: machines then go at once."""
        if not self._usable:
            return []
        return ["-qmp", f"unix:{str(self._path).replace(',', ',,')},server=on,wait=off", "-no-shutdown"]

    def stopped(self) -> str:
        """Why the machine has stopped, in QEMU's words (``guest-reset``, ``guest-shutdown``), or UNTOLD;
        empty while it runs. Does not wait."""
        if self._line is None and not self._connect():
            return ""
        for message in self._messages():
            self._note(message)
        return self._reason

    def registers(self) -> str:
        """What QEMU says of its processors, those that do not halt first; empty where it does not say it."""
        answer = self._ask("human-monitor-command", {"command-line": "info registers -a"})
        text = answer.replace("\r", "") if isinstance(answer, str) else ""
        parts = _CPU.split(text)[1:]
        dumps = [
            (n, dump.partition("\nFCW")[0].strip()) for n, dump in zip(parts[::2], parts[1::2], strict=True)
        ]
        if len(dumps) < 2:
            return (dumps[0][1] if dumps else text.partition("\nFCW")[0]).strip()
        dumps.sort(key=lambda dump: bool(_HALTED.search(dump[1])))
        return "\n".join(f"CPU#{number}\n{dump}" for number, dump in dumps)

    def memory(self, gva: int, length: int, processor: int = 0) -> bytes:
        """``length`` bytes as that processor sees them; none where they are not all there."""
        where = {
            "val": gva,
            "size": min(length, _MEMORY_MAX),
            "filename": str(self._piece),
            "cpu-index": processor,
        }
        self._piece.unlink(missing_ok=True)
        if self._ask("memsave", where) is None:
            return b""
        try:
            found = self._piece.read_bytes()
        except OSError:
            return b""
        return found if len(found) == length else b""

    def stop(self) -> None:
        """Let the machine stand still, if it runs."""
        self._ask("stop", {})

    def quit(self) -> None:
        """Tell QEMU to end."""
        self._send("quit", {})

    def close(self) -> None:
        """Give the connection back."""
        if self._line is not None:
            self._line.close()
        self._line, self._usable = None, False

    def _connect(self) -> bool:
        if not self._usable or not self._path.exists():
            return False
        line = socket.socket(socket.AF_UNIX)
        try:
            line.settimeout(_WAIT)
            line.connect(str(self._path))
        except OSError:
            line.close()
            return False
        self._line = line
        self._send("qmp_capabilities", {})
        status = self._ask("query-status", {})
        if isinstance(status, dict) and status.get("status") == "shutdown" and not self._reason:
            self._reason = UNTOLD
        return True

    def _note(self, message: dict[str, Any]) -> None:
        data = message.get("data")
        if message.get("event") == "SHUTDOWN" and not self._reason:
            self._reason = str(data.get("reason", UNTOLD)) if isinstance(data, dict) else UNTOLD

    def _send(self, command: str, arguments: dict[str, Any]) -> bool:
        if self._line is None:
            return False
        message = {"execute": command, "arguments": arguments, "id": command}
        try:
            self._line.settimeout(_WAIT)
            self._line.sendall(json.dumps(message).encode() + b"\n")
        except OSError:
            return False
        return True

    def _ask(self, command: str, arguments: dict[str, Any]) -> Any:
        """What QEMU returns; None where it refuses, or says nothing in time."""
        if not self._send(command, arguments):
            return None
        deadline = time.monotonic() + _WAIT
        while self._line is not None and (left := deadline - time.monotonic()) > 0:
            for message in self._messages(left):
                if message.get("id") == command:
                    return message.get("return")
                self._note(message)
        return None

    def _messages(self, wait: float = 0.0) -> list[dict[str, Any]]:
        """Those that have come whole, after at most ``wait`` seconds for more."""
        if self._line is None:
            return []
        try:
            self._line.settimeout(wait)
            came = self._line.recv(_ANSWER_MAX)
            if not came:
                self.close()
        except (BlockingIOError, TimeoutError):
            return []
        except OSError:
            self.close()
            return []
        self._received += came
        *lines, rest = bytes(self._received).split(b"\n")
        self._received = bytearray(rest if len(rest) <= _ANSWER_MAX else b"")
        return [message for line in lines if (message := _parsed(line))]


def _parsed(line: bytes) -> dict[str, Any]:
    try:
        message = json.loads(line)
    except ValueError:
        return {}
    return message if isinstance(message, dict) else {}
