# Sourced by quickstart.sh and run_tests.sh from the repository root: a virtual environment with mmegopose in it.
export OMP_WAIT_POLICY="${OMP_WAIT_POLICY:-PASSIVE}"

install_mmegopose() {  # $1: what pip installs, e.g. '.' or '.[tests]'
  if [ -z "${VIRTUAL_ENV:-}${CONDA_PREFIX:-}" ]; then
    [ -d .venv ] || python3 -m venv .venv
    source .venv/bin/activate
  fi
  echo "Installing mmegopose into $(python -c 'import sys; print(sys.prefix)')"
  python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e "$1"
}
