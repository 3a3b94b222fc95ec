"""The command line that runs the toolbox's scripts."""
import re
import sys

import pytest
from mmengine.config import Config
from page import PAGE

from psp_plugin.commands import toolbox


def test_help_lists_the_tools(capsys):
    with pytest.raises(SystemExit) as end:
        toolbox.main(['--help'])
    assert end.value.code == 0
    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    assert {'train', 'test', 'analysis_tools/get_flops',
            'data/skeleton/gen_ntu_rgbd_raw'} <= set(lines)


@pytest.mark.parametrize('name, advice', [
    ('get_flops', 'did you mean analysis_tools/get_flops?'),
    ('nothing', '`python -m psp_plugin.toolbox --help` lists'),
    ('../test', 'did you mean test?'),
])
def test_unknown_tool_exits_with_one_sentence(name, advice):
    with pytest.raises(SystemExit) as end:
        toolbox.main([name, '--shape', '1'])
    assert f'has no tool {name!r}: ' in end.value.code
    assert advice in end.value.code and '\n' not in end.value.code


def test_toolbox_without_tools_exits_with_advice(monkeypatch, tmp_path):
    monkeypatch.setattr(toolbox, 'tools_folder', lambda: tmp_path)
    with pytest.raises(SystemExit, match='pip install -e') as end:
        toolbox.main(['train'])
    assert str(tmp_path) in end.value.code


def test_script_gets_its_arguments_as_main(monkeypatch, tmp_path, capsys):
    folder = tmp_path / 'analysis_tools'
    folder.mkdir()
    (folder / 'echo.py').write_text('import sys; print(__name__, *sys.argv)')
    monkeypatch.setattr(toolbox, 'tools_folder', lambda: tmp_path)
    monkeypatch.setattr(sys, 'argv', sys.argv)
    toolbox.main(['analysis_tools/echo', 'a', '--help', '-x=1'])
    assert capsys.readouterr().out.split() == [
        '__main__', str(folder / 'echo.py'), 'a', '--help', '-x=1']


def test_command_of_the_page_prints_the_tools_folder(capsys):
    (line, ) = re.findall(r'^TOOLS=\$\(python -c \'(.+)\'\)$', PAGE, re.M)
    exec(line, {})
    assert capsys.readouterr().out.strip() == str(toolbox.tools_folder())
    assert (toolbox.tools_folder() / 'train.py').is_file()


@pytest.mark.parametrize('option', [False, True])
@pytest.mark.parametrize('saved', [False, True])
def test_resume_with_load_from(monkeypatch, tmp_path, option, saved):
    """The run's own checkpoint comes first, then the config's."""
    own, other = tmp_path / 'run/last_checkpoint', tmp_path / 'other.pth'
    other.touch()
    own.parent.mkdir()
    if saved:
        own.touch()
    entry = f'load_from={str(other)!r}'
    (tmp_path / 'a.py').write_text('' if option else entry)
    tool = toolbox.load_tool('train')
    argv = ['train', str(tmp_path / 'a.py'), '--resume', '--work-dir',
            str(tmp_path / 'run')]
    argv += ['--cfg-options', entry.replace("'", '')] * option
    monkeypatch.setenv('LOCAL_RANK', '0')
    monkeypatch.setattr(sys, 'argv', argv)
    args = tool.parse_args()
    options = toolbox.resume_options(args, toolbox.read_config(args))
    monkeypatch.setattr(sys, 'argv', [*argv, '--cfg-options', *options])
    cfg = tool.merge_args(Config.fromfile(args.config), tool.parse_args())
    assert (cfg.resume, cfg.load_from) == (
        (True, None) if saved else (False, str(other)))
