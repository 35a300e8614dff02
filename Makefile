# `make help` lists the targets. Everything but Go, make and git is installed or
# built when it is first needed.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

# The module files decide the versions; a build must not change them.
export GOFLAGS := -mod=readonly $(filter-out -mod=%,$(GOFLAGS))

# What `make test` gives to go test. One package: make test TESTS=./lifecycle
# go test starts packages in this order. Package e2e takes longest and mostly waits, so it runs beside all others.
TESTS ?= ./e2e ./...
TEST_TIMEOUT ?= 30m
# The race detector comes with checks of unsafe pointers. SQLite is C translated to Go and full of them: there the checks took two fifths
# of the processor time of its tests. Races are looked for in all packages.
RACE := -race -gcflags=modernc.org/...=-d=checkptr=0
BENCH ?= .
BENCH_TIME ?= 1s
# With how many orders BenchmarkSearch compares its 10,000.
BENCH_ORDERS ?= 1000000
# How long `make chaos` rages, 100 s unless given, and the seed of a run that is to be replayed.
DURATION ?=
SEED ?=
FUZZ ?=
FUZZ_TIME ?= 10s

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run
run: build temporal ## start everything on this machine: Temporal, API, workers, simulated lab
	PATH="$(CURDIR)/bin/tools:$$PATH" bin/aliquot dev

.PHONY: build
build: ## build bin/aliquot
	@[[ -x bin/aliquot ]] || echo "building bin/aliquot: about 2 minutes on 2 cores the first time, seconds after that"
	go build -o bin/aliquot ./cmd/aliquot

.PHONY: tools
tools: ## build the pinned development tools into bin/tools
	@tools/install.sh temporal golangci-lint workflowcheck

.PHONY: temporal
temporal:
	@tools/install.sh temporal

.PHONY: packages
packages: ## install the system packages that the tests need
	@tools/packages.sh

.PHONY: npm
npm: ## install what the tests of e2e/receivers and e2e/sdk need
	@tools/npm.sh

.PHONY: test
test: temporal packages npm ## run all tests under the race detector
	@ALIQUOT_TEST_TEMPORAL="$(CURDIR)/bin/tools/temporal" \
		go run ./internal/testrun $(RACE) -timeout $(TEST_TIMEOUT) $(TESTS)

.PHONY: cluster
cluster:
	@tools/install.sh temporal-server temporal-sql-tool

.PHONY: test-cluster
test-cluster: cluster packages ## run the tests on a Temporal cluster of two nodes, PostgreSQL and several processes of each kind
	@ALIQUOT_TEST_CLUSTER="$(CURDIR)/bin/tools" \
		go run ./internal/testrun $(RACE) -p 1 -timeout $(TEST_TIMEOUT) -tags cluster ./internal/testservers/clustertest ./e2e/cluster

.PHONY: chaos
chaos: cluster packages ## kill everything while 500 orders are under way, and compare all accounts: make chaos DURATION=30m SEED=7
	@ALIQUOT_TEST_CLUSTER="$(CURDIR)/bin/tools" DURATION="$(DURATION)" SEED="$(SEED)" \
		go test -count=1 -v -timeout 150m -tags cluster -run TestNothingIsLostUnderFaults ./e2e/chaos

.PHONY: bench
bench: temporal cluster packages ## run the benchmarks, on SQLite and on a cluster: docs/performance.md
	ALIQUOT_TEST_TEMPORAL="$(CURDIR)/bin/tools/temporal" \
		ALIQUOT_BENCH_ORDERS=$(BENCH_ORDERS) \
		go test -run '^$$' -bench '$(BENCH)' -benchtime $(BENCH_TIME) -benchmem -timeout 3h ./lifecycle/... ./e2e/...

.PHONY: lint
lint: ## run the linters and the workflow determinism check
	@tools/install.sh golangci-lint workflowcheck
	bin/tools/golangci-lint run
	bin/tools/workflowcheck -config workflowcheck.config.yaml ./workflows/...

.PHONY: fmt
fmt: ## format the code
	@tools/install.sh golangci-lint
	bin/tools/golangci-lint fmt

.PHONY: generate
generate: ## write the generated files anew
	go generate ./...

.PHONY: check-generated
check-generated: ## fail if a generated file is not what its generator writes
	@tools/check-generated.sh

.PHONY: static
static: ## build dist/aliquot as the image holds it, and say how large it is
	@mkdir -p dist
	tools/static.sh dist/aliquot "$$(git describe --tags --always --dirty)"
	@ls -l dist/aliquot | awk '{ printf "dist/aliquot: %.1f MB, all that the image adds to its base (about 2 MB)\n", $$5 / 1e6 }'

.PHONY: check-deploy
check-deploy: temporal ## check docker/: image, compose file, chart, dashboard and alerts, against a system that runs
	@echo "docker/ is checked with the libraries of its readers: about 5 minutes on 2 cores the first time, one after that"
	ALIQUOT_TEST_TEMPORAL="$(CURDIR)/bin/tools/temporal" go test -C tools/deploycheck -count=1 -timeout 20m ./...

.PHONY: sbom
sbom: build ## write dist/aliquot.cdx.json, the bill of materials of bin/aliquot (CycloneDX), and check all licences
	@tools/install.sh cyclonedx-gomod
	@mkdir -p dist
	go run ./internal/licences -out docs/licences.md
	bin/tools/cyclonedx-gomod bin -json -licenses -std -output dist/aliquot.cdx.json bin/aliquot

.PHONY: vuln
vuln: ## look for known vulnerabilities; fails when the database cannot be reached
	@tools/vuln.sh

.PHONY: fuzz
fuzz: ## run every fuzz test for FUZZ_TIME; one of them: make fuzz FUZZ=FuzzDecode
	@tools/fuzz.sh $(FUZZ_TIME) $(FUZZ)

.PHONY: clean
clean: ## remove what was built; the data of `make run` stays
	rm -rf bin dist .cache
