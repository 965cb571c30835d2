"""Fixtures and settings that all tests share."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

pytest_plugins = ["pytester"]  # for tests of the plugin; costs nothing where unused

# One profile everywhere: no deadline (machines differ), no saved examples, the same ones every time unless
# HYPOTHESIS_PROFILE=search asks for new ones.
settings.register_profile(
    "steady", deadline=None, database=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("search", deadline=None, database=None, max_examples=1000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "steady"))
