# make demo    set up, and score an article
# make test    set up for development, and run the tests that are quick: under three minutes
# make test-all  run every test
# make lint    check style, types and imports
# make docs    build the site in build/docs
# make train   train both models on what ships with the code; RECIPE=default on every corpus
PYTHON ?= python3
CORPORA ?= $(FRAMESCOPE_CORPORA)
BIN := .venv/bin
RECIPE ?= house
SAMPLE := classifier/samples/harbour.txt
corpora := $(if $(CORPORA),--corpora "$(CORPORA)")
# Installs a Debian package where that is allowed; else says what to type.
apt = { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && apt-get update -qq && apt-get install -yqq $(1); } || echo "$(1) is missing; on Debian: sudo apt-get install $(1)" >&2

.PHONY: demo html picture test test-all lint docs train eval chromium

demo: .venv/scoring
	$(BIN)/framescope score $(SAMPLE)

html: .venv/scoring
	$(BIN)/framescope score $(SAMPLE) --format html --output demo.html

picture: html .venv/development chromium # the README's; MARK is the sentence it shows open
	$(BIN)/python tools/picture.py demo.html docs/report.png $(or $(MARK),11)

test: .venv/development chromium
	$(BIN)/pytest -n auto --dist loadfile

test-all: .venv/complete .venv/annotators chromium
	$(BIN)/pytest -n auto --dist loadfile -m ""

lint: .venv/development
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: .venv/complete # -W: a warning is an error
	$(BIN)/sphinx-build -W --keep-going -q -b html docs build/docs

train: .venv/development
	$(BIN)/framescope train baseline $(corpora) --recipe $(RECIPE) --output runs/$(RECIPE)-baseline
	$(BIN)/framescope train transformer $(corpora) --recipe $(RECIPE) --output runs/$(RECIPE)-transformer

eval: .venv/development
	$(BIN)/framescope eval $(corpora)

chromium: # draws the HTML report in the tests, which skip that where it is missing
	@command -v chromium >/dev/null || $(call apt,chromium)

$(BIN)/python:
	@$(PYTHON) -c "import ensurepip" 2>/dev/null || $(call apt,python3-venv)
	@$(PYTHON) -m venv .venv || { rm -rf .venv; exit 1; }

# The stamps: an environment is set up once, and again when pyproject.toml has changed.
.venv/scoring: pyproject.toml | $(BIN)/python
	@echo "Setting up .venv to score; a minute or so, once"
	@$(BIN)/pip install --quiet --editable .
	@touch $@

.venv/development: pyproject.toml | $(BIN)/python
	@echo "Setting up .venv to train and test; some minutes, once"
	@$(BIN)/pip install --quiet --editable ".[training,batch,serve,annotate,hub,dev]"
	@touch $@

.venv/annotators: | $(BIN)/python # tools that people label in, whose requirements are their own
	@echo "Setting up .venv-annotators with Label Studio; a minute, once"
	@$(PYTHON) -m venv .venv-annotators
	@.venv-annotators/bin/pip install --quiet label-studio==1.23.2
	@touch $@

.venv/complete: .venv/development # what the long tests run against: a cluster, an object store, clients
	@$(BIN)/pip install --quiet --editable ".[training,batch,serve,annotate,hub,tracking,ray,real,docs,dev]"
	@touch $@
