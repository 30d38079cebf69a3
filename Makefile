# One command per task. Every target sets up what it needs; nothing is asked.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
FOREIGN := .venv-interop
VERSIONS := .venv-conformance
# As pip does with what it installs, but for what is installed in place: every process would compile the product anew
# where Python must write no bytecode (PYTHONDONTWRITEBYTECODE), and hundreds of processes start in a run of the tests.
COMPILE = $(BIN)/python -m compileall -q $(wildcard src/countermark/*)
# Four processes, each of which takes whole files: no test waits for another's, and both cores of a small machine work
# while one waits for a disk, a restart or a deadline.
# In the order of tests/fixtures/order.py, not by how many tests a file has: the longest have few.
PARALLEL := --numprocesses 4 --dist loadfile --no-loadscope-reorder

.PHONY: demo test nightly lint bench interop conformance docs lock clean setup
.DEFAULT_GOAL := demo

setup: $(STAMP)

$(STAMP): requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	$(COMPILE)
	@touch $(STAMP)

demo: setup ## Scenario 1 of the paper, steps (1) to (24), on this machine
	$(BIN)/countermark demo

test: setup ## every test, the linters and the type checker among them
	$(COMPILE)
	$(BIN)/python -m pytest $(PARALLEL)

nightly: setup ## the same tests, some of them in large sizes
	$(COMPILE)
	COUNTERMARK_NIGHTLY=1 $(BIN)/python -m pytest $(PARALLEL) --timeout 14400

lint: setup ## ruff, mypy and import-linter alone
	$(BIN)/python -m pytest tests/project

bench: setup ## measurements: docs/performance.md; PHOTOS=FOLDER for those of fingerprints
	$(BIN)/python -m bench $(PHOTOS)

interop: setup $(FOREIGN)/.installed ## clients that nobody here wrote use the embedded ledger
	INTEROP_PYTHON=$(FOREIGN)/bin/python $(BIN)/python -m pytest tests/interop

$(FOREIGN)/.installed: tests/interop/requirements.lock
	$(PYTHON) -m venv $(FOREIGN)
	$(FOREIGN)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps \
		-r tests/interop/requirements.lock
	@touch $@

conformance: setup ## the same fingerprints by older libraries and on lesser processors
	$(BIN)/python -m bench.conformance --environments $(VERSIONS)

docs: setup ## write the pages of docs/ that are made from code
	$(BIN)/python -m docs.generate

lock: $(VENV) ## write requirements.lock anew from pyproject.toml
	$(BIN)/python -m pip install --quiet pip-tools
	$(BIN)/pip-compile --quiet --extra dev --generate-hashes --allow-unsafe --strip-extras \
		--no-emit-index-url --no-emit-find-links --no-emit-trusted-host --no-header \
		--output-file requirements.lock pyproject.toml

$(VENV):
	$(PYTHON) -m venv $(VENV)

clean:
	rm -rf $(VENV) $(FOREIGN) $(VERSIONS) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
