#!/usr/bin/env bash
# Looks for known vulnerabilities in the code that the program calls, with govulncheck and the Go vulnerability database
# (GOVULNDB, by default https://vuln.go.dev). The exit status is 3 if there are any, and 75 if the database cannot be
# reached, so that nothing was checked.
set -euo pipefail
cd "$(dirname "$0")/.."
tools/install.sh govulncheck

status=0
report=$(bin/tools/govulncheck ./... 2>&1) || status=$?
printf '%s\n' "$report"
unreachable='vulnerability data|vuln.go.dev|index/|GOVULNDB|dial tcp|no such host'
if [[ $status -ne 0 && $status -ne 3 ]] && grep -qiE "$unreachable" <<<"$report"; then
  echo "vuln: NOT CHECKED: the vulnerability database could not be reached (${GOVULNDB:-https://vuln.go.dev})." >&2
  echo "vuln: run this where it can be, or set GOVULNDB to a copy of it." >&2
  exit 75
fi
exit "$status"
