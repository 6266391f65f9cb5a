# Each target does all it needs on a fresh Debian machine with Rust.

SHELL := /bin/bash
CARGO ?= cargo
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
# Where Cargo builds.
BUILD := $(or $(CARGO_TARGET_DIR),target)
export CARGO_TERM_COLOR ?= auto

.PHONY: demo test lint bench soak docs deb fuzz schemathesis generate databases tools format

## demo: build the sample pod, export its accounts, verify them, and say in plain words what happened
# A development build: it compiles in less than half the time, and sample pods are small.
demo: compiler
	$(CARGO) build --quiet -p pappus-cli -p pappus-tests --bin pappus --bin sample-pod --bin demo-pods
	tests/demo.sh "$(BUILD)/debug" "$(BUILD)/demo"

## test: everything that can fail, on real databases in throwaway clusters
# Some tests wait for servers, browsers and leases while others compute.
test: export RUST_TEST_THREADS ?= $(shell echo $$(($$(nproc) + 1)))
test: compiler databases
	$(CARGO) build --quiet --workspace --bins --tests
	$(CARGO) test --workspace --tests
	$(CARGO) test --workspace --doc

## lint: format, clippy, licences
lint: compiler tools
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --quiet -- -D warnings
	$(CARGO) deny --log-level error check bans licenses sources

## format: put everything into the project's form
format:
	$(CARGO) fmt --all

## generate: schemas and manual pages, from the code
generate: compiler
	$(CARGO) run --quiet -p pappus-cli -- schemas schemas
	$(CARGO) run --quiet -p pappus-cli -- manual docs/man

## bench: figures, each beside its limit measured in the same run
bench: compiler databases
	$(CARGO) build --release --quiet -p pappus-cli -p pappus-tests --bins
	"$(BUILD)/release/bench" --pappus "$(BUILD)/release/pappus"

## soak: SOAK (default 1000) hostile archives at the newcomers' door; takes about 10 minutes
SOAK ?= 1000
soak: compiler
	$(CARGO) build --release --quiet -p pappus-cli -p pappus-tests --bins
	"$(BUILD)/release/soak" --uploads $(SOAK)

## docs: the code's own documentation
docs: compiler
	$(CARGO) doc --workspace --no-deps

## deb: a package for Debian, in target/debian
deb: compiler
	@command -v cargo-deb >/dev/null || $(CARGO) install --locked --quiet cargo-deb
	$(CARGO) build --release --quiet -p pappus-cli
	@mkdir -p target/completions
	@for shell in bash zsh fish; do target/release/pappus completions $$shell > target/completions/pappus.$$shell; done
	$(CARGO) deb --no-build --package pappus-cli --output target/debian/

## fuzz: every parser for FUZZ_SECONDS (default 600) each
FUZZ_SECONDS ?= 600
fuzz: compiler
	@command -v cargo-fuzz >/dev/null || $(CARGO) install --locked cargo-fuzz
	engine/fuzz/run.sh $(FUZZ_SECONDS)

## schemathesis: calls the API of the sample pod's service in all ways its description allows, EXAMPLES (default 100) of each kind
EXAMPLES ?= 100
schemathesis: compiler databases
	$(CARGO) build --quiet -p pappus-cli -p pappus-tests --bins
	tests/schemathesis.sh "$(BUILD)/debug" $(EXAMPLES)

compiler:
	@command -v cc >/dev/null || { $(SUDO) apt-get update -qq && $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq build-essential; }
	@command -v $(CARGO) >/dev/null || { echo "Rust is missing: see https://rustup.rs"; exit 1; }
.PHONY: compiler

databases:
	@tests/install-databases.sh
	@tests/install-s3-double.sh
	@tests/install-browser.sh

tools:
	@command -v cargo-deny >/dev/null || $(CARGO) install --locked --quiet cargo-deny
