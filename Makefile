# `make help` lists the targets. A target installs or builds what it needs. Only Go, make and git have to be there.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

# A build uses the versions of the module files and must not change these files.
export GOFLAGS := -mod=readonly $(filter-out -mod=%,$(GOFLAGS))

# The packages that `make test` tests. One package: make test TESTS=./lifecycle
# Package e2e is tested alone: its tests mostly wait, and run side by side. Some of them watch real time, which needs
# a machine that is not busy with the tests of other packages.
TESTS ?= ./e2e --then ./...
TEST_TIMEOUT ?= 30m
# The race detector also turns on checks of unsafe pointers. They are off for SQLite, which is C code translated to Go
# with many unsafe pointers: the checks took two fifths of the processor time of its tests. Races are detected in all
# packages.
RACE := -race -gcflags=modernc.org/...=-d=checkptr=0
BENCH ?= .
BENCH_TIME ?= 1s
# The number of orders that BenchmarkSearch compares with 10,000.
BENCH_ORDERS ?= 1000000
# The duration of `make chaos`, by default 100 s, and the seed of a run to repeat.
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
npm: ## install Node.js, Python and the packages for the tests of e2e/receivers and e2e/sdk
	@tools/npm.sh

.PHONY: test
test: temporal packages npm ## run all tests under the race detector
	@ALIQUOT_TEST_TEMPORAL="$(CURDIR)/bin/tools/temporal" \
		go run ./internal/testrun $(RACE) -timeout=$(TEST_TIMEOUT) $(TESTS)

.PHONY: cluster
cluster:
	@tools/install.sh temporal-server temporal-sql-tool

.PHONY: test-cluster
test-cluster: cluster packages ## run the tests on a Temporal cluster with PostgreSQL and several processes of each kind
	@ALIQUOT_TEST_CLUSTER="$(CURDIR)/bin/tools" \
		go run ./internal/testrun $(RACE) -p=1 -timeout=$(TEST_TIMEOUT) -tags=cluster \
		./internal/testservers/clustertest ./e2e/cluster

.PHONY: chaos
chaos: cluster packages ## kill processes while 500 orders are open, check the orders: make chaos DURATION=30m SEED=7
	@ALIQUOT_TEST_CLUSTER="$(CURDIR)/bin/tools" DURATION="$(DURATION)" SEED="$(SEED)" \
		go test -count=1 -v -timeout 150m -tags cluster -run TestNothingIsLostUnderFaults ./e2e/chaos

.PHONY: bench
bench: temporal cluster packages ## run the benchmarks, on SQLite and on a cluster: docs/performance.md
	ALIQUOT_TEST_TEMPORAL="$(CURDIR)/bin/tools/temporal" \
		ALIQUOT_BENCH_ORDERS=$(BENCH_ORDERS) \
		go test -run '^$$' -bench '$(BENCH)' -benchtime $(BENCH_TIME) -benchmem -timeout 3h ./lifecycle/... ./store ./e2e/...

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
generate: ## write the generated files
	go generate ./...

.PHONY: check-generated
check-generated: ## fail if a generated file is out of date
	@tools/check-generated.sh

.PHONY: static
static: ## build dist/aliquot as in the image, and print its size
	@mkdir -p dist
	tools/static.sh dist/aliquot "$$(git describe --tags --always --dirty)"
	@ls -l dist/aliquot | \
		awk '{ printf "dist/aliquot: %.1f MB, which the image adds to its base (about 2 MB)\n", $$5 / 1e6 }'

.PHONY: check-deploy
check-deploy: temporal ## check docker/ (image, compose file, chart, dashboard, alerts) against a running system
	@echo "checking docker/: about 5 minutes on 2 cores the first time, one after that"
	ALIQUOT_TEST_TEMPORAL="$(CURDIR)/bin/tools/temporal" go test -C tools/deploycheck -count=1 -timeout 20m ./...

.PHONY: check-migrations
check-migrations: ## check that the migrations stop no readers and writers of a large database
	CGO_ENABLED=0 go test -C tools/migrationcheck ./...

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
clean: ## remove build outputs, but not the data of `make run`
	rm -rf bin dist .cache
