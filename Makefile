# Thin targets; each prints the command it runs. `make boot` and `make test` need Python 3.11 or later
# and nothing else: no root, no compiler. The environment is .venv, made when it is missing.

PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
BARE   := $(VENV)/.installed
STAMP  := $(VENV)/.installed-test
DEV    := $(VENV)/.installed-dev

BOOT_OPTIONS ?=
TEST_OPTIONS ?=
# pytest rewrites assertions when it first meets a file; kept, whatever the environment says of bytecode
PYTEST := PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest

.PHONY: boot test test-slow check roms roms-check docs clean

boot: $(BARE)
	$(BIN)/vmirom boot $(BOOT_OPTIONS)

# the first stage: every part, with a fifth of the examples that hypothesis tries; files stay with one worker
test: $(STAMP)
	HYPOTHESIS_PROFILE=$${HYPOTHESIS_PROFILE:-short} $(PYTEST) -m "not slow" $(or $(TEST_OPTIONS),-n auto --dist worksteal)

# the second stage: real hypervisors, wheels in fresh environments, a browser, a second toolchain, all seeded faults,
# and what hypothesis tries again with all its examples; tests of one real host stay with one worker
test-slow: $(STAMP)
	$(PYTEST) -m "slow or hypothesis or sampled" $(or $(TEST_OPTIONS),-n auto --dist loadgroup)

check: $(DEV)
	$(BIN)/ruff check .
	$(BIN)/mypy

roms: $(STAMP)
	$(BIN)/vmirom rom build

roms-check: $(STAMP)
	$(BIN)/vmirom rom build --check

docs: $(STAMP)
	$(BIN)/python -m vmirom.generate

clean:
	rm -rf $(VENV) build dist

# installed anew when what is to be installed changes; compiled, because a boot takes less time than that, and
# where PYTHONDONTWRITEBYTECODE is set it would be done again by every command
$(BARE): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e .
	$(BIN)/python -m compileall -q abi vmirom
	touch $@

$(STAMP): $(BARE)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[test]'
	$(PYTEST) --collect-only -qq tests/[a-l]*/ >/dev/null & $(PYTEST) --collect-only -qq tests/[m-z]*/ >/dev/null; wait
	touch $@

$(DEV): $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[test,dev]'
	touch $@
