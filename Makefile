# Plain targets over ordinary tools. Each sets up all it needs in a virtual environment of its own,
# from Python 3.11 or newer and make alone. `make` by itself lists them.

PYTHON ?= python3
VENV ?= .venv
# What holds the versions still. `make test-all PINS=/dev/null` takes the newest of everything.
PINS ?= requirements.txt
# What else pip is told, whenever it installs something: from where, for example.
PIP_FLAGS ?=

PY := $(VENV)/bin/python

# make takes a space for the end of a name. The folder of the project itself may have one.
$(foreach name,VENV PINS,$(if $(filter 1,$(words $($(name)))),,$(error $(name) must be one path \
    without spaces; got '$($(name))')))

.DEFAULT_GOAL := help
.PHONY: help book zip pdf pdf-all slides test test-all lint notebooks evidence resources copies lab bench \
        requirements clean gpu mutants
# A target whose recipe failed half-way must not count as made.
.DELETE_ON_ERROR:

help:
	@echo "make book          build the book and say where it is"
	@echo "make zip           pack the built book into one file that opens without a network"
	@echo "make pdf           print the built book to read: no code, no reference, no solutions"
	@echo "make pdf-all       print all of it as one PDF"
	@echo "make slides        write slides for lessons, as HTML that opens anywhere and as PDF"
	@echo "make test          run the tests: unit tests, examples in docstrings, notebooks, and the"
	@echo "                   built pages where there are Node and Chromium"
	@echo "make test-all      the same, with the long runs: more cases and more pages"
	@echo "make mutants       try the tests on small faults; MODULE= names a module or an area"
	@echo "make lint          ruff and mypy, and Biome where there is Node"
	@echo "make notebooks     execute the notebooks and store their outputs"
	@echo "make evidence      measure every claim of the ledger and store the outcome"
	@echo "make resources     measure the memory and time that each notebook takes, and store them"
	@echo "make copies        write the notebooks for students and for teachers"
	@echo "make lab           open the notebooks in JupyterLab"
	@echo "make bench         measure speed and memory"
	@echo "make gpu IMAGES=   check what only a CUDA device can show, under ten minutes"
	@echo "make requirements  pin the newest versions that resolve together"
	@echo "make clean         remove the environment and everything built"

# The browser that prints. The one that has no windows does half of the work.
BROWSERS := chromium-headless-shell chromium chromium-browser google-chrome
CHROMIUM ?= $(firstword $(foreach name,$(BROWSERS),$(shell command -v $(name))))

BIOME := node_modules/.bin/biome

# Matplotlib remembers where fonts are, also those of an environment that is gone, and then warns in
# every notebook: its memory is the environment's own.
export MPLCONFIGDIR ?= $(if $(filter /%,$(VENV)),,$(CURDIR)/)$(VENV)/matplotlib

# Kernels, workers and commands start by the hundred: what they import is compiled once.
export PYTHONDONTWRITEBYTECODE :=

# The address that the site will have, where it is known: https://example.org/book. Previews of
# shared links need it.
export SITE_URL ?=

book: $(VENV)/.book node_modules/.package-lock.json
	@# Sphinx leaves pages that are no longer part of the book.
	rm -rf _build/html
	"$(VENV)/bin/jupyter-book" build . --all -W -n --keep-going
	@echo "The book is built. Open $(CURDIR)/_build/html/index.html"

PDF := neural-collapse-book.pdf
NO_BROWSER = no browser: install Chrome or Chromium, or name one: make CHROMIUM=... $@
# What it writes to stdout is for the tests. What it is at, warnings and errors it says by itself.
PRINT = CHROMIUM="$(CHROMIUM)" node tools/print_book.mjs _build/html

# The copy has the book as a PDF, too, where it can be printed.
zip: book
	@rm -f "_build/$(PDF)"
	@if [ -z "$(CHROMIUM)" ]; then \
	    echo "The copy will have no PDF: $(NO_BROWSER)" >&2; \
	else \
	    $(PRINT) "_build/$(PDF)" > _build/print.json; \
	fi
	"$(PY)" -m tools.offline_copy

pdf: book
	@if [ -z "$(CHROMIUM)" ]; then echo "$(NO_BROWSER)" >&2; exit 1; fi
	$(PRINT) "_build/$(PDF)" > _build/print.json
	@echo "The book is printed: $(CURDIR)/_build/$(PDF)"

pdf-all: book
	@if [ -z "$(CHROMIUM)" ]; then echo "$(NO_BROWSER)" >&2; exit 1; fi
	$(PRINT) "_build/all-of-$(PDF)" all > _build/print.json
	@echo "All of it is printed: $(CURDIR)/_build/all-of-$(PDF)"

# A file is for one of the workers: what its tests share is built once. The longest come first.
WORKERS ?= logical
PYTEST := "$(PY)" -m pytest -n $(WORKERS) --maxprocesses=4 --dist=loadfile --no-loadscope-reorder

slides: book
	"$(PY)" -m tools.slides
	@if [ -z "$(CHROMIUM)" ]; then \
	    echo "No browser, so no PDF: install Chrome or Chromium, or name one: make CHROMIUM=... slides" >&2; \
	else \
	    CHROMIUM="$(CHROMIUM)" node tools/print_slides.mjs _build/slides/*.html; \
	fi

test: $(VENV)/.test
	$(PYTEST)

# The long runs take JupyterLab and Dask, too.
test-all: $(VENV)/.all
	HYPOTHESIS_PROFILE=thorough $(PYTEST) -m ""

# What to try, by its path or the name of an area: make mutants MODULE=nclib/theory/shrinkage.py
MODULE ?=
# Another sample than the usual one: make mutants SEED=27
SEED ?=

mutants: $(VENV)/.mutants node_modules/.package-lock.json
	"$(PY)" -m tools.mutants $(MODULE) $(if $(SEED),--seed $(SEED))

lint: $(VENV)/.test node_modules/.package-lock.json
	"$(PY)" -m ruff check .
	"$(PY)" -m ruff format --check .
	"$(PY)" -m mypy
	@if [ -x "$(BIOME)" ]; then \
	    "$(BIOME)" check --error-on-warnings; \
	else \
	    echo "Biome is not installed (npm does that): JavaScript and CSS were not looked at." >&2; \
	    test -z "$$CI"; \
	fi

notebooks: $(VENV)/.test
	"$(PY)" -m tools.notebooks

evidence: $(VENV)/.test
	"$(PY)" -m tools.evidence

resources: $(VENV)/.test
	"$(PY)" -m tools.resources

# What students' copies have beside the gaps: make copies COPIES="--seed --nbgrader"
COPIES ?=

copies: $(VENV)/.book
	"$(PY)" -m tools.copies $(COPIES)

lab: $(VENV)/.all
	"$(PY)" -m jupyterlab book

bench: $(VENV)/.test
	"$(PY)" benchmarks/bench_theory.py
	"$(PY)" benchmarks/bench_losses.py
	"$(PY)" benchmarks/bench_metrics.py
	"$(PY)" benchmarks/bench_training.py
	"$(PY)" benchmarks/bench_monitor.py
	"$(PY)" benchmarks/bench_site.py

# On a machine with a CUDA device: make gpu IMAGES=path/to/cifar10_subset.npz
gpu: $(VENV)/.test
	"$(PY)" -m tools.gpu --images "$(IMAGES)" --out _build/gpu

# One set for every platform and every Python from 3.11 on. The last line installs nclib itself,
# so that `pip install -r requirements.txt` is all a reader without make needs.
requirements: $(VENV)/.python
	"$(PY)" -m pip install --quiet $(PIP_FLAGS) --upgrade uv
	"$(PY)" -m uv pip compile --quiet --upgrade --universal --python-version 3.11 --all-extras \
	    --no-header --annotation-style line --output-file "$(VENV)/pins.txt" pyproject.toml
	{ echo "# One complete set of versions that work together, on Linux, macOS and Windows and every"; \
	  echo "# Python from 3.11 on. Made from pyproject.toml by \`make requirements\`: do not edit."; \
	  cat "$(VENV)/pins.txt"; \
	  echo "."; } > requirements.txt

clean:
	rm -rf "$(VENV)" node_modules _build dist .pytest_cache .ruff_cache .mypy_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# MathJax for the pages, and what lints them and tests them in a browser; npm writes the target last.
# The book can do without: then there is no target, and the next `make book` tries again.
node_modules/.package-lock.json: package.json package-lock.json .npmrc
	@if ! command -v npm > /dev/null; then \
	    echo "Node is not installed: formulas in the pages will need the network."; \
	elif npm ci --no-audit --no-fund; then \
	    touch "$@"; \
	else \
	    rm -rf node_modules; \
	    echo "npm failed (see above): formulas in the pages will need the network." >&2; \
	fi

# The environment. Each stamp stands for one extra of pyproject.toml, installed.
$(VENV)/.python:
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	    echo "nclib needs Python 3.11 or newer, but $(PYTHON) --version says:" \
	         "$$("$(PYTHON)" --version 2>&1 | tail -n 1)." \
	         "Name another: make PYTHON=python3.12" >&2; exit 1; }
	"$(PYTHON)" -m venv "$(VENV)"
	touch "$@"

# pip takes no bare path among constraints: drop the line that installs nclib.
$(VENV)/constraints.txt: $(PINS) $(VENV)/.python
	sed '/^\.$$/d' "$(PINS)" > "$@"

$(VENV)/.book $(VENV)/.test $(VENV)/.mutants $(VENV)/.all: $(VENV)/.%: pyproject.toml $(VENV)/constraints.txt
	"$(PY)" -m pip install --quiet --disable-pip-version-check $(PIP_FLAGS) \
	    --constraint "$(VENV)/constraints.txt" --editable ".[$*]"
	touch "$@"
