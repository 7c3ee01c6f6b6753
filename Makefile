# `make` alone lists what there is. Everything runs inside .venv, made on first use.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help setup test test-unit test-all demo build check lint types mutants colab wheels wheelhouse site screenshots

help:
	@echo "make setup      make .venv and install both packages into it"
	@echo "make test-unit  run the tests that start no kernel and train nothing: under two minutes"
	@echo "make test       run all tests but those that only repeat"
	@echo "make test-all   run all tests, then make mutants and make colab"
	@echo "make demo       grade a small made-up class and show the report"
	@echo "make build      make source/ and release/ from the texts in course/"
	@echo "make check      say whether source/ and release/ are what course/ builds"
	@echo "make mutants    put small faults into all solutions and list those that no check notices"
	@echo "make colab      run the notebooks as Colab does: with convcourse's wheel and nothing else"
	@echo "make wheels     build both wheels into dist/"
	@echo "make wheelhouse gather all wheels that Containerfile needs, for this Python"
	@echo "make site       write the course's site to site/"
	@echo "make screenshots take the pictures of docs/images/ in Chromium"
	@echo "make lint       check the style of the code"
	@echo "make types      check the types of both packages"

setup: $(STAMP)

# The stamp is newer than both lists of dependencies exactly when .venv follows them.
# pip would compile eleven thousand modules on one core; compileall takes all cores and leaves out the
# packages' own tests, and it does not matter when a package has a file that this Python cannot read.
$(STAMP): helpers/pyproject.toml autograder/pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "This needs Python 3.11 or newer, and $(PYTHON) is older: run make PYTHON=python3.12 or another one that you have." >&2; \
	  exit 1; }
	@echo "Making $(VENV) with $$($(PYTHON) --version) and installing TensorFlow, Keras, nbgrader and JupyterLab: some minutes, once."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile -e ./helpers -e "./autograder[notebooks,test]"
	@$(BIN)/python -m compileall -q -j 0 -x '/tests?/' $(VENV)/lib >/dev/null 2>&1 || true
	@touch $@
	@echo "Ready: $(BIN)/jupyter lab opens the notebooks, $(BIN)/autograder --help lists the instructor's commands."

# The same bytes on every machine with the same setuptools: notebooks carry the wheel's SHA-256.
WHEEL := umask 022 && SOURCE_DATE_EPOCH=315532800 $(BIN)/python -m build --wheel --outdir dist

# Over several processes; tests/conftest.py says how many, and what stays together.
# ARGS go to pytest, as in make test ARGS="-m notebook".
PYTEST := $(BIN)/python -m pytest -q -n auto

test-unit: $(STAMP)
	$(PYTEST) -m "unit and not slow" $(ARGS)

test: $(STAMP)
	$(PYTEST) -m "not slow" $(ARGS)

test-all: $(STAMP)
	$(PYTEST) $(ARGS)
	$(MAKE) mutants
	$(MAKE) colab

demo: $(STAMP)
	@$(WHEEL) helpers >/dev/null
	$(BIN)/autograder demo

build: $(STAMP)
	$(BIN)/autograder build

check: $(STAMP)
	$(BIN)/autograder build --check

# What was judged before, by the same checks, is not judged again.
mutants: $(STAMP)
	$(BIN)/autograder mutate

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(STAMP)
	$(BIN)/mypy

wheels: $(STAMP)
	$(WHEEL) helpers
	$(WHEEL) autograder

# Everything that Containerfile installs: both wheels and what they depend on.
wheelhouse: wheels
	$(BIN)/python -m pip download --quiet --disable-pip-version-check --only-binary :all: \
	  --find-links dist --dest wheelhouse "convcourse-autograder[notebooks]"

# A virtual environment with TensorFlow, matplotlib, scikit-learn and the wheel, as a student's is.
colab: $(STAMP)
	rm -rf .colab
	$(BIN)/python -m build --wheel --outdir .colab helpers >/dev/null
	$(PYTHON) -m venv .colab/venv
	.colab/venv/bin/python -m pip install --quiet --disable-pip-version-check .colab/*.whl
	cp -r source tests/colab/run_notebook.py .colab
	cd .colab && COURSE_PROFILE=offline venv/bin/python run_notebook.py source/*/*.ipynb

# What the site needs stands in a file of its own, because nobody needs it to teach or to learn.
SITE_STAMP := $(VENV)/.site-installed
$(SITE_STAMP): $(STAMP) docs/requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r docs/requirements.txt
	@touch $@

site: $(SITE_STAMP)
	$(BIN)/python website/build.py

# CHROMIUM names the browser's program, if it is not chromium.
screenshots: $(SITE_STAMP)
	$(BIN)/python website/screenshots.py
