# Sourced by dist_train.sh and dist_test.sh: launch GPUS SCRIPT [arguments], one process per GPU.
# Several machines: set NNODES, NODE_RANK, MASTER_ADDR and PORT on each.
launch() {
    local gpus=$1 rendezvous=(--standalone)  # one machine: any free port
    if [ "${NNODES:-1}" != 1 ] || [ -n "${PORT:-}" ]; then
        rendezvous=(--nnodes="${NNODES:-1}" --node_rank="${NODE_RANK:-0}" --master_addr="${MASTER_ADDR:-127.0.0.1}"
                    --master_port="${PORT:-29500}")
    fi
    "${PYTHON:-python}" "$(dirname "${BASH_SOURCE[0]}")/launch.py" "${rendezvous[@]}" --nproc_per_node="$gpus" "${@:2}"
}
