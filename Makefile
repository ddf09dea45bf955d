# Everything needs Python 3.11 or newer and make; on Debian as root, what else is missing is installed by apt.

PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
TYPES := tools/slack_types/node_modules/.package-lock.json
ARGS ?=
# Most tests wait for servers for most of their time: one more than there are cores.
PROCESSES ?= $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)

# Many processes of ours start in the tests: what one of them has compiled, the next need not.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help install demo test quick check fix bench soak pictures lock browser older sudo mariadb

help:  ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1\t/' | expand -t 12

install: $(VENV)/.developer  ## the environment for working on the code, in .venv

demo: $(VENV)/.demo  ## everything on this machine, with a page in the browser; no Slack, no Docker, no account
	@$(RUN) -m countersign demo $(ARGS)

test: $(VENV)/.developer $(TYPES) browser older sudo mariadb  ## all tests, on SQLite and PostgreSQL, with real servers and a real browser
	@$(RUN) -m pytest --numprocesses $(PROCESSES) --dist loadscope --no-loadscope-reorder $(ARGS)

quick: $(VENV)/.developer  ## the tests that need no server but Redis and no browser, in two minutes
	@$(RUN) -m pytest --quick --numprocesses $(PROCESSES) --dist loadscope --no-loadscope-reorder $(ARGS)

check: $(VENV)/.developer  ## format, lint, types, arrows
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/pyright
	@$(VENV)/bin/lint-imports
	@$(VENV)/bin/countersign policy lint access.example.yml
	@$(VENV)/bin/countersign policy test access.tests.example.yml --policy access.example.yml | tail -n 1
	@$(VENV)/bin/countersign policy coverage access.tests.example.yml --policy access.example.yml

fix: $(VENV)/.developer  ## what can be mended by itself
	@$(VENV)/bin/ruff check --fix .
	@$(VENV)/bin/ruff format .

bench: $(VENV)/.developer  ## the benchmarks, each beside its floor; writes bench/results.json
	@$(RUN) -m bench $(ARGS)

soak: $(VENV)/.developer  ## the long runs; SOAK_MINUTES says how long the chaos lasts, SOAK_SEED which one
	@$(RUN) -m pytest --soak -m soak $(ARGS)

pictures: $(VENV)/.developer browser  ## the pictures of the README, taken of the real page
	@$(RUN) -m docs.pictures

lock: $(VENV)/.developer  ## the newest stable version of every dependency, with hashes
	@set -e; for set in "run:" "mysql:--extra mysql" "demo:--extra local --extra demo --group build" \
	    "dev:--extra local --extra demo --extra mysql --group build --group dev"; do \
	  $(VENV)/bin/uv pip compile pyproject.toml $${set#*:} --upgrade --universal --generate-hashes --no-emit-index-url \
	    --no-header --quiet --output-file requirements/$${set%%:*}.txt; done

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Countersign needs Python 3.11 or newer; this is $$($(PYTHON) --version). Try: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || \
	  { echo "Python cannot make an environment here. On Debian and Ubuntu: apt-get install python3-venv"; exit 1; }

$(VENV)/.demo: requirements/demo.txt pyproject.toml | $(VENV)/bin/python
	@test -e $(VENV)/.developer || { echo "Installing what the demo needs, about 190 MB in $(VENV) …"; \
	  $(RUN) tools/install.py requirements/demo.txt && \
	  $(RUN) -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .; }
	@touch $@

$(VENV)/.developer: requirements/dev.txt pyproject.toml | $(VENV)/bin/python
	@echo "Installing what working on the code needs …"
	@$(RUN) tools/install.py requirements/dev.txt
	@$(RUN) -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(TYPES): tools/slack_types/package-lock.json | $(VENV)/.developer
	@echo "Installing Slack's types, against which the tests compile …"
	@$(RUN) -m tools.slack_types --install

browser:
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null || { \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    echo "Installing Chromium for the browser tests …"; \
	    apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core fonts-noto-color-emoji >/dev/null; \
	  else echo "The browser tests need Chromium. On Debian: sudo apt-get install chromium; on a Mac: brew install chromium"; exit 1; fi; }

# What it cannot install is not tried: the tests for it are not chosen, and with CI=true one of them fails.
older:
	@ls -d /usr/lib/postgresql/1[345]/bin/initdb >/dev/null 2>&1 || { \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    echo "Installing PostgreSQL 15 for the tests of a server before version 16 …"; \
	    conf=/etc/postgresql-common/createcluster.conf; \
	    test -e $$conf || { mkdir -p $${conf%/*}; echo "create_main_cluster = false" >$$conf; }; \
	    apt-get update -qq && DEBIAN_FRONTEND=noninteractive UCF_FORCE_CONFFOLD=1 \
	      apt-get install -y -qq --no-install-recommends postgresql-15 >/dev/null; \
	  fi; \
	  ls -d /usr/lib/postgresql/1[345]/bin/initdb >/dev/null 2>&1 || \
	    echo "There is no PostgreSQL before version 16 here to try on. On Debian 12: sudo apt-get install postgresql-15"; }

# The programs of the provider command are tried on a real sudo; without one their tests are not chosen.
sudo:
	@command -v visudo >/dev/null || { \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    echo "Installing sudo for the tests of the provider command …"; \
	    apt-get update -qq && apt-get install -y -qq --no-install-recommends sudo >/dev/null; \
	  else echo "There is no sudo here to try on. On Debian, as root: apt-get install sudo"; fi; }

# The provider mysql is tried on servers that the tests start; these packages bring the programs and no service.
mariadb:
	@test -x /usr/sbin/mariadbd || command -v mariadbd >/dev/null || { \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    echo "Installing MariaDB for the tests of the provider mysql …"; \
	    apt-get update -qq && DEBIAN_FRONTEND=noninteractive \
	      apt-get install -y -qq --no-install-recommends mariadb-server-core mariadb-client-core >/dev/null; \
	  else echo "There is no MariaDB here to try on. On Debian: sudo apt-get install mariadb-server-core mariadb-client-core"; fi; }
