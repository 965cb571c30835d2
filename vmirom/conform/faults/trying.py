"""All faults, or some, one after another in worker processes."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from typing import Final

from vmirom.conform.faults.judging import Found, run_one

__all__ = ["try_all"]

_DIED: Final = "the process that tried it died"


def try_all(
    names: Sequence[str],
    *,
    every: bool = False,
    jobs: int | None = None,
    watcher: Callable[[Found], None] | None = None,
) -> list[Found]:
    """Try faults (or controls) by name, ``jobs`` at a time (default: one a CPU); in the order of ``names``.

    ``every``: also check what was caught already. Each worker has one fault in force at a time.
    KeyboardInterrupt passes through.
    """
    found: dict[str, Found] = {}
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=jobs or os.cpu_count() or 1, mp_context=context) as pool:
        futures = {pool.submit(run_one, name, every): name for name in names}
        try:
            for future in as_completed(futures):
                name = futures[future]
                try:
                    found[name] = future.result()
                except BrokenProcessPool:
                    found[name] = Found(name, (), 0.0, _DIED)
                except Exception as error:  # noqa: BLE001 - a fault that breaks the checks themselves
                    found[name] = Found(name, (), 0.0, f"{type(error).__name__}: {error}")
                if watcher is not None:
                    watcher(found[name])
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return [found[name] for name in names]
