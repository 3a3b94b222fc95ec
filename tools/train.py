"""Trains a config: MMAction2's ``tools/train.py`` with its arguments."""
from psp_plugin.commands.toolbox import run_tool

if __name__ == '__main__':
    run_tool('train', ('train_dataloader', 'custom_hooks', 'val_dataloader'))
