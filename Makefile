# Portcullis. `make run` starts it, `make test` checks everything; the rest is one line each.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
FUZZ_SECONDS ?= 60
export CCACHE_DIR ?= $(CURDIR)/build/ccache
export CCACHE_SLOPPINESS := pch_defines,time_macros,include_file_mtime,include_file_ctime
export CCACHE_BASEDIR := $(CURDIR)

.PHONY: eval help run build web test test-full lint format reference bench bench-peers bench-streams profile fuzz assurance \
        test-n8n chaos clean dev

help:
	@echo "make run        build and start the gateway on http://127.0.0.1:8000"
	@echo "make test       build with sanitizers and run all tests and checks"
	@echo "make test-full  that, and ThreadSanitizer, slow and failing state, chaos, long fuzzing; hours"
	@echo "make build      the release binary, build/release/portcullis"
	@echo "make lint | format | reference | assurance"
	@echo "make eval       what the detection rules catch, and what they refuse wrongly"
	@echo "make bench | bench-peers | bench-streams | profile | fuzz | chaos | test-n8n"

web:
	@scripts/install-packages.sh web
	@scripts/npm-install.sh
	@node web/build.mjs build/web

build: web
	@scripts/install-packages.sh build
	@scripts/cmake-build.sh release portcullis

run: build
	@scripts/run.sh

dev: web
	@scripts/install-packages.sh build test
	@scripts/cmake-build.sh dev all

test:
	@scripts/test.sh

test-full:
	@scripts/test-full.sh

lint: dev
	@scripts/lint.sh

format:
	@scripts/install-packages.sh test
	@git ls-files --cached --others --exclude-standard '*.cpp' '*.hpp' | xargs clang-format-19 -i

reference: dev
	@scripts/reference.sh write

assurance: dev
	@node scripts/assurance.mjs

bench: web
	@scripts/install-packages.sh build bench
	@scripts/cmake-build.sh bench all
	@build/bench/bench/micro_bench

eval: build
	@scripts/install-packages.sh bench
	@scripts/eval.sh

bench-peers: build
	@scripts/install-packages.sh bench
	@python3 bench/peers/compare.py

bench-streams: build
	@scripts/install-packages.sh bench
	@scripts/cmake-build.sh bench live_tokens
	@python3 bench/idle_streams.py
	@python3 bench/live_tokens.py

profile: web
	@scripts/install-packages.sh build test
	@scripts/cmake-build.sh profile portcullis
	@scripts/profile.sh

chaos: web
	@scripts/install-packages.sh build web test
	@scripts/npm-install.sh
	@scripts/cmake-build.sh dev portcullis
	@CHAOS_SECONDS=$${CHAOS_SECONDS:-300} node --test --test-concurrency=1 tests/chaos/chaos.test.mjs tests/chaos/redis.test.mjs

fuzz: web
	@scripts/install-packages.sh build
	@scripts/cmake-build.sh fuzz all
	@scripts/fuzz.sh $(FUZZ_SECONDS)

test-n8n: build
	@scripts/install-packages.sh n8n
	@scripts/test-n8n.sh

clean:
	rm -rf build
