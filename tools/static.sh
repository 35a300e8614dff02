#!/usr/bin/env bash
# Builds the program as the image holds it: one static file that needs nothing
# around it. docker/Dockerfile and `make static` use this.
#
# usage: tools/static.sh OUTPUT [VERSION]
set -euo pipefail
cd "$(dirname "$0")/.."
CGO_ENABLED=0 GOFLAGS="-mod=readonly -trimpath -buildvcs=false" \
  go build -ldflags "-s -w -X main.releaseVersion=${2:-}" -o "$1" ./cmd/aliquot
