#!/usr/bin/env bash
# Looks for known vulnerabilities in what the program calls, with govulncheck and
# the Go vulnerability database (GOVULNDB, by default https://vuln.go.dev). Ends
# with 3 when there are any, and with 75 when the database cannot be reached:
# then nothing has been checked.
set -euo pipefail
cd "$(dirname "$0")/.."
tools/install.sh govulncheck

status=0
report=$(bin/tools/govulncheck ./... 2>&1) || status=$?
printf '%s\n' "$report"
if [[ $status -ne 0 && $status -ne 3 ]] && grep -qiE 'vulnerability data|vuln.go.dev|index/|GOVULNDB|dial tcp|no such host' <<<"$report"; then
  echo "vuln: NOT CHECKED: the vulnerability database could not be reached (${GOVULNDB:-https://vuln.go.dev})." >&2
  echo "vuln: run this where it can be, or set GOVULNDB to a copy of it." >&2
  exit 75
fi
exit "$status"
