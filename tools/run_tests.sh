#!/usr/bin/env bash
# Install the test extra and run the linter and the tests; arguments go to pytest.
set -euo pipefail
cd "$(dirname "$0")/.."
source tools/environment.sh
install_mmegopose '.[tests]'
export OMP_NUM_THREADS="${OMP_NUM_THREADS:-1}"
ruff check .
python -m pytest "$@"
