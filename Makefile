# make demo   set up, build the demo shop, index it, serve it on http://127.0.0.1:8000
# make test   the whole test suite
# make check  lint, types, the audit of dependencies, imports and the fast tests
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
UV := 0.13.8
DATA ?= data
PORT ?= 8000
CATALOGUE ?=
PRESET ?=

.PHONY: demo install install-serving install-gpu test check lint types audit lock clean

demo: install
	@$(BIN)/aisle demo --data $(DATA) --port $(PORT) $(if $(CATALOGUE),--catalogue "$(CATALOGUE)") $(if $(PRESET),--preset $(PRESET))

install: .venv/installed

.venv/installed: requirements.lock pyproject.toml
	@echo "Installing into .venv (the first time fetches about 3 GB, most of it torch) ..."
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Aisle needs Python 3.11 or newer; run make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)"; exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install -q --disable-pip-version-check uv==$(UV)
	@$(BIN)/uv pip install -q --python $(BIN)/python -r requirements.lock
	@$(BIN)/uv pip install -q --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $@

# Serving alone, without torch: for machines that only answer searches.
install-serving:
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install -q --disable-pip-version-check uv==$(UV)
	@$(BIN)/uv pip install -q --python $(BIN)/python -r requirements-serve.lock hatchling editables
	@$(BIN)/uv pip install -q --python $(BIN)/python --no-deps --no-build-isolation -e .

# FAISS's GPU build in place of the CPU one (docs/meaning.md); `make clean install` goes back.
install-gpu: install
	@$(BIN)/uv pip uninstall -q --python $(BIN)/python faiss-cpu
	@$(BIN)/uv pip install -q --python $(BIN)/python faiss-gpu==1.15.1

test: install
	@$(BIN)/python -m pytest -n auto --dist loadfile

check: install lint types audit
	@$(BIN)/python -m pytest -n auto --dist loadfile -m "not slow and not real and not browser and not kafka and not elasticsearch and not opensearch"

lint: install
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .

types: install
	@$(BIN)/mypy

# What is installed: pinned, as locked, under usable licenses, and without known vulnerabilities.
audit: install
	@$(BIN)/uv pip check -q --python $(BIN)/python
	@$(BIN)/python -m tests.dependencies.audit

# Pin everything anew, with the hashes of the files, which installing verifies; no registry host is
# written.
lock:
	@$(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 \
	  --extra serve --extra index --extra train --extra eval --extra bench --extra kafka --extra redis --extra elasticsearch --extra opensearch --extra s3 --extra mlflow --extra dev \
	  --generate-hashes --no-emit-index-url --no-header -q -o requirements.lock
	@$(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 \
	  --extra serve --extra kafka --extra redis --extra elasticsearch --extra opensearch --extra s3 \
	  --generate-hashes --no-emit-index-url --no-header -q -o requirements-serve.lock

clean:
	rm -rf .venv $(DATA)
