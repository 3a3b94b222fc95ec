"""The command line that runs the toolbox's scripts."""
import re
import sys

import pytest
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
