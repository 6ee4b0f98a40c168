# make run: the app. make test: all tests, in real Chromium too. Both make their own environment first.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement

.PHONY: run test check shots bench model train-labs clean

run: $(VENV)/app.installed
	$(BIN)/streamlit run app.py

test: $(VENV)/tests.installed
	sh tests/browser/install_chromium.sh
	$(BIN)/python -m pytest -n 2 --maxschedchunk 1

check: $(VENV)/tests.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright

shots: $(VENV)/tests.installed
	sh tests/browser/install_chromium.sh
	$(BIN)/python -m tests.browser.shots

model: $(VENV)/app.installed
	$(BIN)/python -m core.download_model '$(ID)'

train-labs: $(VENV)/app.installed
	$(BIN)/python -m core.train_labs

bench: $(VENV)/benchmarks.installed
	sh tests/browser/install_chromium.sh
	$(BIN)/python -m benchmarks

clean:
	rm -rf $(VENV) shots benchmarks/results

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/app.installed: requirements.txt | $(VENV)/bin/python
	$(INSTALL) requirements.txt
	touch $@

$(VENV)/tests.installed: requirements.txt tests/requirements.txt | $(VENV)/bin/python
	$(INSTALL) tests/requirements.txt
	touch $@

$(VENV)/benchmarks.installed: requirements.txt tests/requirements.txt benchmarks/requirements.txt | $(VENV)/bin/python
	$(INSTALL) benchmarks/requirements.txt
	touch $@
