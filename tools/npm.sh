#!/usr/bin/env bash
# Installs the dependencies of the tests of e2e/receivers and e2e/sdk: Node.js, npm and Python from the system's
# packages (as root on Debian or Ubuntu; elsewhere it prints what to install), and the npm packages that the package-lock.json of
# each folder pins. Packages that are there at that version are not installed again.
set -euo pipefail
cd "$(dirname "$0")/../e2e"

missing=()
command -v node >/dev/null || missing+=(nodejs)
command -v npm >/dev/null || missing+=(npm)
command -v python3 >/dev/null || missing+=(python3)
if [[ ${#missing[@]} -gt 0 ]]; then
  if [[ $(id -u) -ne 0 ]] || ! command -v apt-get >/dev/null; then
    echo "npm: the tests need ${missing[*]} (Debian's names): please install, Node.js 18 or newer" >&2
    exit 1
  fi
  echo "npm: installing ${missing[*]}, about a minute, once"
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq </dev/null
  apt-get install -qq -y --no-install-recommends "${missing[@]}" </dev/null >/dev/null
fi

# packages FOLDER WHAT installs the npm packages of a folder of e2e.
packages() (
  cd "$1"
  stamp=$(cat package.json package-lock.json | git hash-object --stdin)
  if [[ $(cat node_modules/.stamp 2>/dev/null) == "$stamp" ]]; then
    exit
  fi
  echo "npm: installing $2, a few seconds, once"
  npm ci --no-audit --no-fund --ignore-scripts --loglevel=error
  echo "$stamp" >node_modules/.stamp
)

packages receivers "packages that verify webhooks"
packages sdk "the vendor's SDK"
