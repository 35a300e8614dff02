#!/usr/bin/env bash
# Installs the named development tools into bin/tools, each at the version that tools/go.mod, tools/cluster/go.mod,
# tools/lint/go.mod or tools/supply/go.mod pins. A tool that is there at that version is not built again. Needs Go and
# git.
#
# usage: tools/install.sh temporal | temporal-server | temporal-sql-tool | golangci-lint |
#                         workflowcheck | cyclonedx-gomod | govulncheck ...
set -euo pipefail
cd "$(dirname "$0")/.."
bin=$PWD/bin/tools
mkdir -p "$bin"

# build NAME MODULE_DIR PACKAGE HOW_LONG [GO_BUILD_FLAG...] builds a tool unless its stamp is current. The stamp next to
# the binary is the hash of the module files and flags, so a changed pin builds the tool again and new file times of a
# checkout do not.
build() {
  local name=$1 dir=$2 package=$3 how_long=$4 stamp
  shift 4
  stamp=$({ cat "$dir/go.mod" "$dir/go.sum" && echo "$package" "$@"; } | git hash-object --stdin)
  if [[ -x $bin/$name && $(cat "$bin/.$name.stamp" 2>/dev/null) == "$stamp" ]]; then
    return
  fi
  echo "tools: building $name, $how_long, once"
  # A symbolic link left by an earlier installation is replaced, not followed.
  rm -f "$bin/$name" "$bin/.$name.stamp"
  GOFLAGS="-mod=readonly -buildvcs=false" go build -C "$dir" -o "$bin/$name" "$@" "$package"
  echo "$stamp" >"$bin/.$name.stamp"
  echo "tools: built bin/tools/$name"
}

# link NAME uses the program NAME on PATH instead of building one, if it runs.
link() {
  local name=$1 found version
  found=$(command -v "$name") || return
  [[ ! $found -ef $bin/$name ]] || return
  version=$("$found" --version 2>/dev/null) || return
  rm -f "$bin/.$name.stamp"
  ln -sf "$found" "$bin/$name"
  echo "tools: using $found ($version)"
}

for tool in "$@"; do
  case $tool in
    temporal)
      version=$(awk '$1 == "github.com/temporalio/cli" { print substr($2, 2) }' tools/go.mod)
      link temporal ||
        build temporal tools github.com/temporalio/cli/cmd/temporal \
          "the Temporal development server, about 4 minutes on 2 cores" \
          -ldflags "-X github.com/temporalio/cli/temporalcli.Version=$version"
      ;;
    temporal-server)
      build temporal-server tools/cluster go.temporal.io/server/cmd/server \
        "a node of a Temporal cluster, about 4 minutes on 2 cores"
      ;;
    temporal-sql-tool)
      build temporal-sql-tool tools/cluster go.temporal.io/server/cmd/tools/sql \
        "which sets up the cluster's databases, half a minute after the server"
      ;;
    golangci-lint)
      build golangci-lint tools/lint github.com/golangci/golangci-lint/v2/cmd/golangci-lint \
        "the linter, about 2 minutes on 2 cores"
      ;;
    workflowcheck)
      build workflowcheck tools/lint go.temporal.io/sdk/contrib/tools/workflowcheck \
        "the workflow determinism checker, a few seconds"
      ;;
    cyclonedx-gomod)
      build cyclonedx-gomod tools/supply github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod \
        "which lists what a program is built from, about a minute"
      ;;
    govulncheck)
      build govulncheck tools/supply golang.org/x/vuln/cmd/govulncheck \
        "the vulnerability checker, about a minute"
      ;;
    *)
      echo "tools: unknown tool $tool" >&2
      exit 2
      ;;
  esac
done
