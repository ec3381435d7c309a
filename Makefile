# Everything that people and machines run here. `make help` lists it.
#
# One profile (dev, opt-level 1) for clippy, docs, benches and tests, so that dependencies are compiled as seldom as
# cargo allows: once to check (clippy and docs), once to run (benches and tests).

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

CARGO ?= cargo
# What a later part of the suite may need from Debian: one "command:package" a word.
DEBIAN_NEEDS := cc:build-essential strace:strace

.PHONY: help deps test fmt-check lint docs benches-compile audit audit-if-possible suite soak bench demo release clean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 24

test: deps fmt-check lint docs benches-compile audit-if-possible suite ## The gate: everything that must hold before a change lands

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

benches-compile:
	@echo "== benches, compiled and linked"
	@$(CARGO) test --workspace --no-run --bench '*'

audit: ## Check licences and advisories of all dependencies (needs cargo-deny)
	@$(CARGO) deny --version >/dev/null 2>&1 || { echo "missing: cargo-deny. Run: cargo install --locked cargo-deny"; exit 1; }
	@$(CARGO) deny --workspace check

audit-if-possible:
	@if $(CARGO) deny --version >/dev/null 2>&1; then $(MAKE) --no-print-directory audit; else \
	    echo; echo "!! LEFT OUT: licences and advisories were NOT checked, because cargo-deny is not installed."; \
	    echo "!! Run: cargo install --locked cargo-deny && make audit"; echo; fi

suite:
	@echo "== tests"
	@$(CARGO) test --workspace

soak: deps ## The long versions of the fault tests (minutes to an hour), with a report: target/soak-report.md
	@CARGO=$(CARGO) .ci/soak

bench: deps ## Measure (release profile)
	@$(CARGO) bench --workspace --bench '*'

demo: ## A seeded class with live bots on a throw-away node
	@$(CARGO) run --release -- demo

release: deps ## The optimised binary: target/release/homeroom
	@$(CARGO) build --release --locked

clean: ## Remove everything that was built
	@$(CARGO) clean
