# make lab: set up (first time) and open the course.
# make check: lint and the quick tests, for every change.  make test: every test.
.PHONY: lab grade check test setup notebooks scoreboard bench format
.DELETE_ON_ERROR:

PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
READY := $(VENV)/.ready
JOBS ?= 2
# Whole files, slow ones first: workers share what a file fits once, and end together.
FILES := -m pytest -q -n $(JOBS) --dist loadfile --no-loadscope-reorder
UNIT := $(FILES) --doctest-modules --ignore tests/mutants tests mmlearn
LINT := $(RUN) -m ruff check . && $(RUN) -m ruff format --check .
export OMP_NUM_THREADS ?= 1

lab: $(READY)
	@$(RUN) -m mmlearn lab $(LAB_ARGS)

grade: $(READY)
	@test -n "$(LAB)" || { echo "Say which lab: make grade LAB=02"; exit 2; }
	@$(RUN) -m mmlearn grade $(LAB) || test $$? = 1  # 1: not everything is right yet

setup: $(READY)
	@echo "Ready: everything is installed in $(VENV)."

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' || \
	  { echo "This needs Python 3.11 to 3.14; name one: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	  { echo "$(PYTHON) cannot make an environment; on Debian and Ubuntu: sudo apt install" \
	    "$$($(PYTHON) -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')"; exit 1; }
	@echo "Setting up $(VENV): about 6 GB and 2 to 5 minutes, once ..."
	@start=$$(date +%s); $(PYTHON) -m venv $(if $(wildcard $(READY)),,--clear) $(VENV) && \
	  $(RUN) -m pip install --quiet --disable-pip-version-check -e ".[all]" -c constraints.txt && \
	  touch $(READY) && echo "Set up in $$(( $$(date +%s) - start )) s."

check: $(READY)
	@start=$$(date +%s); $(LINT) && $(RUN) $(UNIT) -m "not slow" && \
	echo "The quick tests passed in $$(( $$(date +%s) - start )) s."

test: $(READY)
	@start=$$(date +%s); \
	echo "1/4 lint (seconds)" && $(LINT) && \
	echo "2/4 emoji pictures and features (once, about a minute)" && \
	$(RUN) -c "from mmlearn.data import load_emoji; load_emoji().features(image='cnn').images" && \
	echo "3/4 unit tests, the examples of the docstrings, labs and grading (measured: 12 minutes on two slow cores)" && \
	$(RUN) $(UNIT) && \
	echo "4/4 every lesson and solution from top to bottom (5 minutes there)" && \
	$(RUN) $(FILES) --nbval-lax -p no:cacheprovider course solutions && \
	echo "All tests passed in $$(( $$(date +%s) - start )) s."

notebooks: $(READY)
	$(RUN) -m tools.course --execute

scoreboard: $(READY)
	$(RUN) -m mmlearn scoreboard

bench: $(READY)
	$(RUN) -m benchmarks

format: $(READY)
	$(RUN) -m ruff check --fix . && $(RUN) -m ruff format .
