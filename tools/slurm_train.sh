#!/usr/bin/env bash
# Runs MMAction2's slurm_train.sh with the plugin on PYTHONPATH.
TOOLBOX=$(python -c 'from importlib.util import find_spec; print(find_spec("mmaction").submodule_search_locations[0])') || exit
export PYTHONPATH="$(cd "$(dirname "$0")/.." && pwd):$PYTHONPATH"
exec bash "$TOOLBOX/.mim/tools/slurm_train.sh" "$@"
