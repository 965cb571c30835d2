"""Fixtures and settings that all tests share."""

from __future__ import annotations

import os
from collections.abc import Iterable

import pytest
from hypothesis import HealthCheck, settings

from tests.once import use_folder

pytest_plugins = ["pytester"]  # for tests of the plugin; costs nothing where unused

# Everywhere: no deadline (machines differ), no saved examples, the same ones every time unless
# HYPOTHESIS_PROFILE=search asks for new ones. The first stage (make test) takes the share that "short" is;
# the second tries every property again with all its examples.
STEADY = settings(
    deadline=None, database=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("steady", STEADY, max_examples=100)
settings.register_profile("short", STEADY, max_examples=20)
settings.register_profile("search", deadline=None, database=None, max_examples=1000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "steady"))


@pytest.fixture(scope="session", autouse=True)
def folder_of_the_run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> None:
    """What is made once lies in the folder that the processes of xdist have in common."""
    own = tmp_path_factory.getbasetemp()
    use_folder(own.parent if hasattr(request.config, "workerinput") else own)


def pytest_collection_modifyitems(items: Iterable[pytest.Item]) -> None:
    """What GNU tools make is a second witness, and comes in the second stage."""
    for item in items:
        callspec = getattr(item, "callspec", None)
        if callspec is not None and "gnu" in callspec.id.split("-"):
            item.add_marker(pytest.mark.slow)
