#!/usr/bin/env bash
# Installs what the tests of e2e/receivers need: Node.js, npm and Python from the
# system's packages (as root on Debian or Ubuntu; elsewhere it says what to
# install), and the npm packages that e2e/receivers/package-lock.json pins. What
# is there at that version is left alone.
set -euo pipefail
cd "$(dirname "$0")/../e2e/receivers"

missing=()
command -v node >/dev/null || missing+=(nodejs)
command -v npm >/dev/null || missing+=(npm)
command -v python3 >/dev/null || missing+=(python3)
if [[ ${#missing[@]} -gt 0 ]]; then
  if [[ $(id -u) -ne 0 ]] || ! command -v apt-get >/dev/null; then
    echo "receivers: the tests need ${missing[*]} (Debian's names): please install, Node.js 18 or newer" >&2
    exit 1
  fi
  echo "receivers: installing ${missing[*]}, about a minute, once"
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq </dev/null
  apt-get install -qq -y --no-install-recommends "${missing[@]}" </dev/null >/dev/null
fi

stamp=$(cat package.json package-lock.json | git hash-object --stdin)
if [[ $(cat node_modules/.stamp 2>/dev/null) == "$stamp" ]]; then
  exit
fi
echo "receivers: installing npm packages that verify webhooks, a few seconds, once"
npm ci --no-audit --no-fund --ignore-scripts --loglevel=error
echo "$stamp" >node_modules/.stamp
