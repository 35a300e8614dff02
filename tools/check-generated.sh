#!/usr/bin/env bash
# Fails if a generated file is out of date. The generators run in a copy of the working tree, which is not changed.
set -euo pipefail
cd "$(dirname "$0")/.."

copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
git ls-files -z --cached --others --exclude-standard --deduplicate |
  while IFS= read -r -d '' file; do [[ ! -f $file ]] || printf '%s\0' "$file"; done |
  tar --null --files-from - -cf - | tar -xf - -C "$copy"

cd "$copy"
git init -q
git add --all
GOFLAGS="${GOFLAGS:-} -buildvcs=false" go generate ./...
git add --all --intent-to-add
if ! git diff --exit-code; then
  echo "check-generated: generated files are out of date: run make generate" >&2
  exit 1
fi
