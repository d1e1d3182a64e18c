# Everything a new machine needs: Python 3.11, pip, make and git. `make demo` shows the engine at work, `make test` checks it.

PYTHON ?= $(shell command -v python3.11 || echo python3)
BIN := .venv/bin

.PHONY: setup up demo test chaos bench lock clean

setup: .venv/ready

.venv/ready: requirements.lock pyproject.toml
	@command -v $(PYTHON) >/dev/null && $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or later is missing: install it, or say 'make PYTHON=…' with its path."; exit 1; }
	@echo "setting up .venv (once; a minute or so) …"
	@rm -rf .venv && { $(PYTHON) -m venv .venv 2>/dev/null || $(MAKE) --silent venv-without-ensurepip; }
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

# Some distributions ship Python's venv without its ensurepip; pip can fetch virtualenv instead.
.PHONY: venv-without-ensurepip
venv-without-ensurepip:
	@rm -rf .venv && tool=$$(mktemp -d) && \
		$(PYTHON) -m pip install --quiet --disable-pip-version-check --target "$$tool" virtualenv && \
		PYTHONPATH="$$tool" $(PYTHON) -m virtualenv --quiet .venv && rm -rf "$$tool" || \
		{ echo "No virtual environment can be made: install Python's venv module (Debian: python3-venv)."; exit 1; }

up: setup
	@$(BIN)/jiesu up

demo: setup
	@$(BIN)/jiesu demo

test: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -n 3

# Kills processes under load and checks that nothing was lost; `.venv/bin/jiesu chaos --help` for seed and length.
chaos: setup
	@$(BIN)/jiesu chaos

bench: setup
	@$(BIN)/jiesu bench case
	@$(BIN)/jiesu bench intake
	@$(BIN)/jiesu bench notify
	@$(BIN)/jiesu bench alerts
	@$(BIN)/jiesu bench codec

# Pins every dependency with its hashes; needs uv.
lock:
	uv pip compile --quiet --universal --python-version 3.11 --extra dev --generate-hashes --no-emit-index-url \
		--output-file requirements.lock pyproject.toml

clean:
	rm -rf .venv .jiesu .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
