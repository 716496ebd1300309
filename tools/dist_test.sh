#!/usr/bin/env bash
# Usage: dist_test.sh CONFIG CHECKPOINT GPUS [arguments of test.py]
# Several machines: set NNODES, NODE_RANK, MASTER_ADDR and PORT on each.
set -e
TOOLS=$(dirname "$0")
source "$TOOLS/launch.sh"
launch "$3" "$TOOLS/test.py" "$1" "$2" --launcher pytorch "${@:4}"
