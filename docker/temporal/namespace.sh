#!/bin/sh
# Makes the namespace that Aliquot works in. Search attributes and schedules are the workers' own business.
set -eu
temporal operator namespace describe "$TEMPORAL_NAMESPACE" >/dev/null 2>&1 ||
  temporal operator namespace create --namespace "$TEMPORAL_NAMESPACE" --retention "$RETENTION"
