#!/bin/sh
# Creates Aliquot's namespace. The workers create its search attributes and schedules.
set -eu
temporal operator namespace describe "$TEMPORAL_NAMESPACE" >/dev/null 2>&1 ||
  temporal operator namespace create --namespace "$TEMPORAL_NAMESPACE" --retention "$RETENTION"
