# wharf: the targets a newcomer and CI need. Each does its own set-up.
PREFIX ?= $(HOME)/.local
DESTDIR ?=
TARGET := $(if $(CARGO_TARGET_DIR),$(CARGO_TARGET_DIR),target)
RELEASE := $(TARGET)/release
STAGE := $(TARGET)/stage

.PHONY: help setup build demo test lint check install bench fuzz generated clean-demo

help:
	@echo "make demo      build wharf, set up a shop with four years of sales, ask it something"
	@echo "make test      everything that CI runs: format, lints, all tests"
	@echo "make install   into PREFIX (default ~/.local): bin/, lib/, man pages, completions"
	@echo "make bench     wharf against its peers, as ratios in one run"
	@echo "make fuzz      the fuzz targets of fuzz/, SECONDS=600 each"

setup:
	@sh scripts/libduckdb.sh
	@sh scripts/redoc.sh

# Beside release/, so that the programs also run where they were built.
build: setup
	cargo build --release --bins
	@ln -sfn $(abspath .libduckdb) $(TARGET)/lib

# An installed tree, so that the demo runs what a user would run.
$(STAGE): build
	@$(MAKE) --no-print-directory install PREFIX=$(abspath $(STAGE)) >/dev/null

demo: $(STAGE)
	@$(STAGE)/bin/wharf demo $(if $(CI),--yes,)

test: setup
	@sh scripts/test-tools.sh
	@sh scripts/faces.sh
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	cargo build --bins
	@sh scripts/run-tests.sh
	@sh scripts/fuzz.sh 5

install: build
	@install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/lib $(DESTDIR)$(PREFIX)/share/man/man1
	@install -d $(DESTDIR)$(PREFIX)/share/bash-completion/completions $(DESTDIR)$(PREFIX)/share/zsh/site-functions $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d
	@install -m 755 $(RELEASE)/wharf $(RELEASE)/wharfd $(DESTDIR)$(PREFIX)/bin/
	@install -m 644 .libduckdb/libduckdb.so $(DESTDIR)$(PREFIX)/lib/
	@install -m 644 man/*.1 $(DESTDIR)$(PREFIX)/share/man/man1/
	@install -m 644 completions/wharf.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/wharf
	@install -m 644 completions/_wharf $(DESTDIR)$(PREFIX)/share/zsh/site-functions/
	@install -m 644 completions/wharf.fish $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/
	@echo "installed into $(DESTDIR)$(PREFIX)"

# For long: what make test does for five seconds each.
fuzz:
	@sh scripts/test-tools.sh
	@sh scripts/fuzz.sh $(or $(SECONDS),600)

# Man pages and completion snippets are made from the argument tree; a test fails when they are stale.
generated: setup
	cargo build --bins
	rm -rf man && $(TARGET)/debug/wharf man man
	sh scripts/completions.sh $(TARGET)/debug/wharf completions

bench: build
	@sh scripts/bench-tools.sh
	@python3 scripts/bench.py $(RELEASE)
	@cargo bench --quiet -p wharf-daemon --bench statement --bench policy
	@cargo bench --quiet -p wharf-warehouses --bench snowflake
