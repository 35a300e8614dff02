#!/usr/bin/env bash
# Runs every fuzz test of the repository for a while. An input that fails is stored in testdata/fuzz of its package and
# fails `make test` until the code is corrected.
#
# usage: tools/fuzz.sh TIME [NAME]      TIME as of go test -fuzztime, each
set -euo pipefail
cd "$(dirname "$0")/.."
time=$1 only=${2:-}

found=$(git ls-files --cached --others --exclude-standard '*_test.go' | xargs grep -Ho '^func Fuzz[A-Za-z0-9_]*' | sort)
count=0
while IFS=: read -r file name; do
  name=${name#func }
  [[ -z $only || $name == "$only" ]] || continue
  echo "-- $name of ./$(dirname "$file"), $time"
  go test -run '^$' -fuzz "^$name\$" -fuzztime "$time" "./$(dirname "$file")"
  count=$((count + 1))
done <<<"$found"
if [[ $count -eq 0 ]]; then
  echo "fuzz: there is no such fuzz test" >&2
  exit 1
fi
echo "fuzz: $count tests found nothing"
