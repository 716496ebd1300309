#!/usr/bin/env bash
# Usage: dist_train.sh CONFIG GPUS [arguments of train.py]
# Several machines: set NNODES, NODE_RANK, MASTER_ADDR and PORT on each.
set -e
TOOLS=$(dirname "$0")
source "$TOOLS/launch.sh"
launch "$2" "$TOOLS/train.py" "$1" --launcher pytorch "${@:3}"
