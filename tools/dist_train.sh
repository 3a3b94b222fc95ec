#!/usr/bin/env bash
# Trains a config with several processes (GPUs, or CPU cores without them):
#   bash tools/dist_train.sh CONFIG PROCESSES [ARGUMENTS OF train.py]
# As with MMAction2's script, PORT (29500), NNODES (1), NODE_RANK (0) and
# MASTER_ADDR (127.0.0.1) are read from the environment. MAX_RESTARTS (0) is
# how often all processes are started again after one has died; with --resume
# they go on from the last checkpoint.
set -euo pipefail
if [ $# -lt 2 ]; then
  echo "usage: bash tools/dist_train.sh CONFIG PROCESSES [ARGUMENTS OF train.py]" >&2
  exit 2
fi
if [ "${MAX_RESTARTS:-0}" != 0 ] && [[ " ${*:3} " != *" --resume "* ]]; then
  echo "MAX_RESTARTS=$MAX_RESTARTS needs --resume: without it a restarted training would begin anew" >&2
  exit 2
fi
if [ "${MAX_RESTARTS:-0}" != 0 ] && [[ " ${*:3} " =~ " --resume "([^ -][^ ]*) ]] \
    && [ "${BASH_REMATCH[1]}" != auto ]; then
  echo "MAX_RESTARTS=$MAX_RESTARTS needs --resume without ${BASH_REMATCH[1]}: a restarted training would begin at it again" >&2
  exit 2
fi
tools=$(cd "$(dirname "$0")" && pwd)
export PYTHONPATH="$tools/..${PYTHONPATH:+:$PYTHONPATH}"
if [ "${MAX_RESTARTS:-0}" = 0 ]; then
  rendezvous=(--node_rank="${NODE_RANK:-0}" --master_port="${PORT:-29500}"
    --master_addr="${MASTER_ADDR:-127.0.0.1}")
else  # the static rendezvous keeps the addresses of dead processes, as does
  # the other one unless it makes a store of addresses for each attempt
  export TORCH_DISABLE_SHARE_RDZV_TCP_STORE=1
  rendezvous=(--max_restarts="$MAX_RESTARTS" --rdzv_backend=c10d
    --rdzv_endpoint="${MASTER_ADDR:-127.0.0.1}:${PORT:-29500}")
  if [ "${NODE_RANK:-0}" = 0 ]; then
    rendezvous+=(--rdzv_conf=is_host=true
      --local_addr="${MASTER_ADDR:-127.0.0.1}")
  else
    rendezvous+=(--rdzv_conf=is_host=false)
  fi
fi
exec python -m torch.distributed.run --nproc_per_node="$2" \
  --nnodes="${NNODES:-1}" "${rendezvous[@]}" \
  "$tools/train.py" "$1" --launcher pytorch "${@:3}"
