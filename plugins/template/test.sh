#!/bin/sh
# Runs lamina's conformance suite on this plugin; see `lamina plugin check --help` for what it takes.
exec "${LAMINA:-lamina}" plugin check "$(dirname "$(realpath "$0")")" "$@"
