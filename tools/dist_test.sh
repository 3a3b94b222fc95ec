#!/usr/bin/env bash
# Tests a checkpoint with several processes (GPUs, or CPU cores without them):
#   bash tools/dist_test.sh CONFIG CHECKPOINT PROCESSES [ARGUMENTS OF test.py]
# As with MMAction2's script, PORT (29500), NNODES (1), NODE_RANK (0) and
# MASTER_ADDR (127.0.0.1) are read from the environment.
set -euo pipefail
if [ $# -lt 3 ]; then
  echo "usage: bash tools/dist_test.sh CONFIG CHECKPOINT PROCESSES [ARGUMENTS OF test.py]" >&2
  exit 2
fi
tools=$(cd "$(dirname "$0")" && pwd)
export PYTHONPATH="$tools/..${PYTHONPATH:+:$PYTHONPATH}"
exec python -m torch.distributed.run --nproc_per_node="$3" \
  --nnodes="${NNODES:-1}" --node_rank="${NODE_RANK:-0}" \
  --master_addr="${MASTER_ADDR:-127.0.0.1}" --master_port="${PORT:-29500}" \
  "$tools/test.py" "$1" "$2" --launcher pytorch "${@:4}"
