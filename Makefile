# Hygie: every road starts here. `make demo` and `make test` do all set-up on a fresh machine.
# Needs python3 (3.11 or later) with venv; uses uv when it is on the PATH.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
T ?= tests
UV := $(shell command -v uv 2>/dev/null)

ifeq ($(UV),)
install = $(BIN)/python -m pip install --quiet --disable-pip-version-check
else
# pip compiles what it installs, uv only when asked: without, the first start, or every one where Python may not write,
# parses the sources of all libraries (0.6 s)
install = $(UV) pip install --quiet --compile-bytecode --python $(BIN)/python
endif

.PHONY: demo test check fix docs bench soak lock wheel dev clean

demo: $(VENV)/run.stamp ## a fictitious establishment on loopback, scanned from end to end
	$(BIN)/hygie demo

test: dev ## what CI runs: static checks, then every test against real servers
	@tests/lab/packages.sh || echo missing > $(VENV)/packages.missing
	@$(MAKE) --no-print-directory check
	$(BIN)/pytest $(T)
	@if [ -e $(VENV)/packages.missing ]; then rm $(VENV)/packages.missing; tests/lab/packages.sh; fi

check: dev ## format, lint, types, import law
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

fix: dev ## format and repair what a machine can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: dev ## regenerate the pages of rules, criteria and commands
	$(BIN)/python -m docs.generate

bench: dev ## side by side with peers, into docs/measurements.md; B=NAME for one of them
	$(BIN)/python -m bench $(B)

soak: dev ## long proofs: kill rounds, restarts
	$(BIN)/pytest -m soak --timeout 3600 $(T)

wheel: dev ## the wheel in dist/
	$(BIN)/python -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir dist .

lock: ## renew the hash-pinned locks (needs uv)
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate \
	  pyproject.toml requirements/build.in -o requirements/run.lock
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate \
	  --extra postgres --group dev pyproject.toml requirements/build.in -o requirements/dev.lock

dev: $(VENV)/dev.stamp

$(BIN)/python:
	$(if $(UV),$(UV) venv --quiet --seed --python $(PYTHON) $(VENV),$(PYTHON) -m venv $(VENV))

$(VENV)/run.stamp: requirements/run.lock pyproject.toml | $(BIN)/python
	@[ -e $(VENV)/dev.stamp ] || $(install) --require-hashes -r requirements/run.lock
	@[ -e $(VENV)/dev.stamp ] || $(install) --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/dev.stamp: requirements/dev.lock pyproject.toml | $(BIN)/python
	@$(install) --require-hashes -r requirements/dev.lock
	@$(install) --no-deps --no-build-isolation -e .
	@touch $@

clean: ## remove what was built
	rm -rf $(VENV) dist build hygie-demo
