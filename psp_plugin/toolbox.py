"""``python -m psp_plugin.toolbox TOOL ...``: see :mod:`.commands.toolbox`."""
from psp_plugin.commands.toolbox import main, tools_folder

__all__ = ['main', 'tools_folder']

if __name__ == '__main__':
    main()
