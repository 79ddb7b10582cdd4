# Every command of this house. Each makes what it needs from this machine's python3 and apt.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help setup lint check test demo bench strangers kubernetes conformance peers format

UV := .venv/bin/uv
PYTHON := .venv/bin/python
# Nothing but the interpreter that .venv was made with; uv must not fetch another.
export UV_PYTHON_DOWNLOADS := never
export UV_PROJECT_ENVIRONMENT := .venv
unexport VIRTUAL_ENV
# Compiling every module again in each process would double the time of the tests.
unexport PYTHONDONTWRITEBYTECODE
# Unit tests wait for the disk at every commit; what they write is thrown away in the end.
MEMORY := $(shell test -w /dev/shm && echo /dev/shm)

help: ## what can be made
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' Makefile

setup: ## .venv with Silo and its tools
	@sh tools/bootstrap.sh
	@$(UV) sync --quiet --frozen --inexact --python $(PYTHON)

format: setup ## lay out the code and mend what can be mended
	$(PYTHON) -m ruff format .
	$(PYTHON) -m ruff check --fix .

lint: setup
	$(PYTHON) -m ruff format --check --quiet .
	$(PYTHON) -m ruff check --quiet .
	$(PYTHON) -m mypy
	.venv/bin/lint-imports --no-logo
	.venv/bin/deptry --no-ansi src

check: lint ## under a minute: layout, lint, types, contracts, unit tests
	PYTEST_DEBUG_TEMPROOT=$(MEMORY) $(PYTHON) -m pytest -q -n 2

test: lint strangers ## everything, az, docker, podman, skopeo, oras and browsers included
	$(PYTHON) -m pytest -q -p no:randomly --durations=15 tests/unit tests/contract tests/architecture tests/wire tests/system

demo: setup ## see it work: registry, container groups, a cluster, and refusals
	@$(PYTHON) -m tools.strangers demo
	@$(PYTHON) -m tools.demo

bench: setup ## compare with docker-registry, docker, podman, plain Kubernetes; writes bench/results
	@$(PYTHON) -m tools.strangers bench
	@status=0; for part in bench bench.containers bench.clusters; do \
		$(PYTHON) -m $$part || status=1; done; exit $$status

strangers: setup
	@$(UV) sync --quiet --frozen --inexact --group strangers --python $(PYTHON)
	@$(PYTHON) -m tools.strangers test

kubernetes: setup ## build what clusters run, every version (test does it too)
	@$(PYTHON) -m tools.strangers kubernetes

conformance: setup ## judge a cluster by upstream's own tests, hours; writes bench/results
	@$(PYTHON) -m tools.strangers demo
	$(PYTHON) -m tools.conformance
