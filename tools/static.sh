#!/usr/bin/env bash
# Builds the program of the image: one static file without dependencies. docker/Dockerfile and `make static` use it.
#
# usage: tools/static.sh OUTPUT [VERSION]
set -euo pipefail
cd "$(dirname "$0")/.."
CGO_ENABLED=0 GOFLAGS="-mod=readonly -trimpath -buildvcs=false" \
  go build -ldflags "-s -w -X main.releaseVersion=${2:-}" -o "$1" ./cmd/aliquot
