# The commands of this repository; `make` alone lists them.
# Everything runs in .venv, which is made on first use and made again when a lock, pyproject.toml or the interpreter changes.

SHELL := /bin/sh
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

ifndef PYTHON
PYTHON := $(shell for python in python3.13 python3.12 python3.11 python3 python; do \
  "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo "$$python"; break; }; done)
endif

PY := .venv/bin/python
PYTEST := $(PY) -m pytest
WORKERS := -n auto --dist worksteal
# With MEASURE=1 a run of tests adds to the coverage of those before it, and writes down what passes through the REST door.
ifdef MEASURE
MEASURED := -p tests.support.exchanges --cov --cov-append --cov-report=
export EXCHANGES_TO := .cache/exchanges
endif
export PROVE_BUDGET ?= 300
unexport PYTHONDONTWRITEBYTECODE # else each worker compiles the tests again: ten seconds of each run

.PHONY: help demo test slow coverage covered prove container-test contract web web-build api bench scale lint format types lock release-prepare release-check clean env

help: ## List these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' Makefile

demo: env ## See a store at work, from first object to snapshot, without a network
	@$(PY) -m tests.demo

test: env ## The tests, but for the slow ones (make coverage), the long proofs (make prove) and those that need npm or an engine
	@$(PYTEST) -q $(WORKERS) -rs $(MEASURED) -m "not slow and not prove and not container and not npm"

slow: env ## The slow tests: many scenes of faults, floods and real git
	@$(PYTEST) -q $(WORKERS) -rs $(MEASURED) -m "slow and not prove and not container and not npm"

coverage: env ## Both, measured: they must cover the package to the last branch
	@rm -rf .coverage .cache/exchanges
	@$(MAKE) test MEASURE=1 && $(MAKE) slow MEASURE=1 && $(MAKE) covered

covered: env ## What the tests with MEASURE=1 have covered
	@$(PY) -m coverage report --fail-under=100

prove: env ## Search for counterexamples, PROVE_BUDGET seconds (300) for each proof
	@$(PYTEST) $(WORKERS) -rs -m prove

container-test: env ## Build the image and run it as the runner does; needs docker or podman
	@if [ -x ../shared/container/prepare ] && ! docker info >/dev/null 2>&1; then \
	  ready="$$(../shared/container/prepare)" && export BASE_IMAGE="$${ready##*ready: }" || exit 1; fi; \
	REQUIRE_ENGINE=1 $(PYTEST) -rs -m container

contract: env ## Hold manifest, templates and the test double against their contracts; needs npm
	@REQUIRE_NPM=1 $(PYTEST) $(WORKERS) -rs -m "not prove and not container" tests/contract

web: env ## The client and the page: types, tests, whether the committed page is the sources', and Chromium; needs npm
	@cd web && npm ci --silent --no-audit --no-fund && npm run --silent types && npm run --silent client
	@built="$$(mktemp -d)" && trap 'rm -rf "$$built"' EXIT && \
	(cd web && npx vite build site --logLevel error --emptyOutDir --outDir "$$built") && \
	{ diff -r "$$built" gh_store_action/site || { echo "The committed page is not the sources': make web-build" >&2; exit 1; }; }
	@PYTHON="$$PWD/$(PY)" node --test --test-concurrency=1 --test-reporter=spec tests/browser/*.test.mjs

web-build: ## Build the page from web/site into the package; commit what it writes
	@cd web && npm ci --silent --no-audit --no-fund && npm run --silent build

api: env ## Write docs/api.md from the docstrings; commit it.  The same as a site goes to build/api
	@$(PY) scripts/api_docs.py docs/api.md
	@$(PY) scripts/api_docs.py build/api

bench: env ## Measure requests, bytes, time and memory against gh-store 0.11.3 (an hour; BENCH=--quick: minutes, --resume: the rest)
	@$(PY) -c 'import matplotlib' 2>/dev/null || $(PY) -m pip install --quiet --disable-pip-version-check 'matplotlib>=3.9'
	@$(PY) -m tests.bench $(BENCH)

scale: env ## Measure 10,000 and 100,000 objects, the figures in docs/scale.md (an hour; OBJECTS=2000: seconds)
	@$(PY) -m tests.bench.scale $(OBJECTS)

lint: env ## ruff, the direction of imports, and the linters of workflows, Dockerfile and shell
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@.venv/bin/lint-imports --no-cache --no-logo
	@$(PY) -m check_jsonschema --builtin-schema vendor.github-actions action.yml composite/action.yml
	@$(PY) -m check_jsonschema --builtin-schema vendor.github-workflows workflows-templates/*.yml .github/workflows/*.yml
	@$(PY) -m check_jsonschema --builtin-schema vendor.dependabot .github/dependabot.yml
	@.venv/bin/zizmor --offline --no-progress --config .github/zizmor.yml \
	  action.yml composite/action.yml workflows-templates/*.yml .github/workflows/*.yml .github/dependabot.yml
	@.venv/bin/hadolint Dockerfile
	@if [ -x .venv/bin/shellcheck ]; then .venv/bin/shellcheck .ci/run; fi

format: env ## Let ruff fix what it can
	@$(PY) -m ruff check --fix .
	@$(PY) -m ruff format .

types: env ## mypy --strict on the package
	@$(PY) -m mypy

lock: ## Resolve the dependencies again into both lock files
	@$(call needs_python)
	@tools="$$(mktemp -d)" && trap 'rm -rf "$$tools"' EXIT && \
	"$(PYTHON)" -m venv "$$tools" && "$$tools/bin/python" -m pip install --quiet --disable-pip-version-check uv && \
	compile_tool() { UV_PYTHON_DOWNLOADS=never "$$tools/bin/python" -m uv pip compile --quiet --upgrade --universal \
	  --generate-hashes --no-emit-index-url --no-emit-find-links --python-version 3.11 --custom-compile-command "make lock" "$$@"; } && \
	compile() { compile_tool pyproject.toml "$$@"; } && \
	compile --output-file requirements.lock && \
	compile --extra dev --constraint requirements.lock --output-file requirements-dev.lock && \
	echo uv | compile_tool - --output-file .github/release-tools.lock && \
	compile_tool tests/contract/readers.in --output-file tests/contract/readers.lock && \
	echo "Written: requirements.lock, requirements-dev.lock, .github/release-tools.lock, tests/contract/readers.lock"

release-prepare: env ## Give the tree a release's version, date and repository: VERSION=1.2.3 REPOSITORY=owner/name
	@$(PY) scripts/release.py prepare "$(VERSION)" "$(REPOSITORY)"

release-check: env ## Is this tree ready for a tag? VERSION=1.2.3, or the version that the package says
	@version="$(or $(VERSION),$$($(PY) -m hatchling version))" && \
	$(PY) scripts/release.py check "$$version" && \
	{ [ -z "$$(git status --porcelain)" ] || { echo "The work tree has changes: commit them first." >&2; exit 1; }; } && \
	out="$$(mktemp -d)" && trap 'rm -rf "$$out"' EXIT && \
	$(PY) -m hatchling build --target wheel --directory "$$out" >/dev/null 2>&1 && \
	"$(PYTHON)" -m venv "$$out/venv" && \
	"$$out/venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock && \
	"$$out/venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps "$$out"/*.whl && \
	(cd "$$out" && "$$out/venv/bin/gh-store" --help >/dev/null) && \
	echo "Ready to tag v$$version."

clean: ## Remove the environment and everything generated
	@rm -rf web/node_modules web/client/dist .cache .venv .coverage .coverage.* .hypothesis .mypy_cache .pytest_cache .ruff_cache build dist
	@find gh_store_action tests -name __pycache__ -type d -prune -exec rm -rf {} +

define needs_python
"$(or $(PYTHON),false)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
  echo "Python 3.11 or newer is needed$(if $(PYTHON), and $(PYTHON) is not,; none was found). Install one, or name it:" \
    "make PYTHON=/path/to/python3" >&2; exit 1; }
endef

env:
	@state="$$(cksum requirements-dev.lock pyproject.toml; echo "$(PYTHON)"; pwd)"; \
	if [ "$$(cat .venv/.ready 2>/dev/null)" = "$$state" ] && $(PY) -c '' 2>/dev/null; then exit 0; fi; \
	$(call needs_python); \
	echo "Preparing the environment in .venv (once, about a minute) …" >&2; \
	rm -rf .venv; \
	"$(PYTHON)" -m venv .venv || { rm -rf .venv; \
	  echo "$(PYTHON) cannot make virtual environments. On Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }; \
	$(PY) -m pip install --quiet --disable-pip-version-check --no-input --no-deps --require-hashes -r requirements-dev.lock && \
	$(PY) -m pip install --quiet --disable-pip-version-check --no-input --no-deps --no-build-isolation --editable . || { \
	  echo "The packages of requirements-dev.lock could not be installed; pip says why above. Then run the same command again." >&2; \
	  exit 1; }; \
	printf '%s\n' "$$state" > .venv/.ready
