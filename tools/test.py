"""Tests a checkpoint: MMAction2's ``tools/test.py`` with its arguments."""
from psp_plugin.commands.toolbox import run_tool

if __name__ == '__main__':
    run_tool('test', ('test_dataloader', ))
