#!/usr/bin/env bash
# Install the test extra and run the linter, the type checker and the tests; arguments go to pytest.
# The tests run in two processes, each with one thread; WORKERS=0: in this one.
set -euo pipefail
cd "$(dirname "$0")/.."
source tools/environment.sh
install_mmegopose '.[tests]'
export OMP_NUM_THREADS="${OMP_NUM_THREADS:-1}"
ruff check .
mypy
python -m pytest -n "${WORKERS:-2}" --dist loadscope "$@"
