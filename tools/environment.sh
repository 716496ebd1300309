# Sourced by quickstart.sh and run_tests.sh from the repository root: a virtual environment with mmegopose in it.
export OMP_WAIT_POLICY="${OMP_WAIT_POLICY:-PASSIVE}"

install_mmegopose() {  # $1: what pip installs, e.g. '.' or '.[tests]'
  if [ -z "${VIRTUAL_ENV:-}${CONDA_PREFIX:-}" ]; then
    [ -d .venv ] || python3 -m venv .venv
    source .venv/bin/activate
  fi
  echo "Installing mmegopose into $(python -c 'import sys; print(sys.prefix)')"
  if ! command -v nvidia-smi > /dev/null && ! python -c 'import torch' 2> /dev/null; then  # not the gigabytes of CUDA
    python -m pip install --quiet --disable-pip-version-check --retries 0 -c constraints.txt torch \
      --index-url https://download.pytorch.org/whl/cpu || echo 'torch comes from your package index instead'
  fi
  python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e "$1"
}
