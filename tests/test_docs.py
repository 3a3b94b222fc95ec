"""The pages: their commands, their links and what is generated of them."""
import re
import runpy

import pytest
from commands import PAGES, ROOT, braces, check, commands, variants

LINKED = [*PAGES, ROOT / 'CHANGELOG.md', ROOT / 'docs/model_zoo.md',
          *sorted(ROOT.glob('.github/**/*.md'))]


def name_of(path):
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize('page', PAGES, ids=name_of)
def test_commands_are_accepted_by_their_scripts(page, capsys):
    text = page.read_text(encoding='utf-8')
    for command in commands(text):
        for words in variants(command):
            problem = check(words, text)
            assert problem is None, (
                f'{" ".join(command)}: {problem}\n{capsys.readouterr().err}')


@pytest.mark.parametrize('line, problem', [
    ('python tools/train.py CONFIG --sed 0', 'train.py does not accept'),
    ('python tools/benchmark.py CONFIG [--round 3 | --rounds three]',
     'benchmark.py does not accept'),
    ('python -m psp_plugin.toolbox analysis_tools/get_flops CONFIG --shap 1',
     'get_flops.py does not accept'),
    ('bash tools/dist_train.sh CONFIG 2 --nothing',
     'train.py does not accept'),
    ('python tools/test.py configs/psp_{synthetic,nowhere}_5p.py CHECKPOINT',
     'there is no configs/psp_nowhere_5p.py'),
    ('python tools/trian.py CONFIG', 'there is no tools/trian.py'),
    ('python3 tools/train.py CONFIG', 'unknown command python3'),
])
def test_a_wrong_command_is_found(line, problem):
    text = f'```bash\n{line}\n```'
    command, = commands(text)
    found = [check(words, text) for words in variants(command)]
    assert any(problem in str(each) for each in found)


def test_optional_parts_and_variables():
    text = ('```bash\nO="a=1 \\\n  b=2"\n'
            'A=1 python x.py C... [--p L | --q V] [--cfg-options ...] $O '
            '# why\n```')
    command, = commands(text)
    assert list(variants(command)) == [
        ['python', 'x.py', 'C', *choice, '--cfg-options', 'key=value', 'a=1',
         'b=2'] for choice in (['--p', 'L'], ['--q', 'V'])]


def anchors(path):
    """The anchors of a page's headings, as MkDocs makes them."""
    text = re.sub(r'```.*?```', '', path.read_text(encoding='utf-8'),
                  flags=re.DOTALL)
    titles = re.findall(r'^#+ (.+)$', text, re.MULTILINE)
    plain = [re.sub(r'[^\w\s-]', '', title).strip().lower()
             for title in titles]
    return {re.sub(r'[-\s]+', '-', title) for title in plain}


@pytest.mark.parametrize('page', LINKED, ids=name_of)
def test_relative_links_lead_somewhere(page):
    text = re.sub(r'```.*?```', '', page.read_text(encoding='utf-8'),
                  flags=re.DOTALL)
    for target in re.findall(r'\]\(([^)\s]+)\)', re.sub('`[^`]*`', '', text)):
        if re.match(r'https?://', target):
            continue
        path, _, anchor = target.partition('#')
        found = (page.parent / path).resolve() if path else page
        assert found.exists(), f'{name_of(page)} links to {target}'
        if anchor and found.suffix == '.md':
            assert anchor in anchors(found), (
                f'{name_of(page)} links to {target}')


@pytest.mark.parametrize('page', PAGES, ids=name_of)
def test_files_that_a_page_names_exist(page):
    text = re.sub(r'```.*?```', '', page.read_text(encoding='utf-8'),
                  flags=re.DOTALL)
    for path in re.findall(
            r'`((?:configs|docs|psp_plugin|tests|tools)/[^\s`<>\[:]+)`', text):
        for name in braces(path):
            assert list(ROOT.glob(name)), f'{name_of(page)} names {name}'


def test_model_zoo_is_that_of_the_metafiles(tmp_path):
    zoo = runpy.run_path(str(ROOT / 'docs/make_model_zoo.py'))
    page = zoo['PAGE'].read_text(encoding='utf-8')
    assert page == zoo['make_page'](), 'run python docs/make_model_zoo.py'
    assert page.count('\n| `') == len(
        [path for path in ROOT.glob('configs/**/*.py')
         # configs/skeleton has second names of configs.
         if not {'_base_', 'skeleton'}
         & set(path.relative_to(ROOT).parts)])


def test_readme_is_one_page():
    lines = (ROOT / 'README.md').read_text(encoding='utf-8').splitlines()
    assert len(lines) <= 120
    assert all(len(line) <= 122 for line in lines if line[:1] != '|')


@pytest.mark.parametrize('page', LINKED, ids=name_of)
def test_lists_and_tables_are_seen_as_such(page):
    """Python-Markdown wants a blank line in front of a list or a table."""
    lines = re.sub(r'```.*?```', '', page.read_text(encoding='utf-8'),
                   flags=re.DOTALL).splitlines()
    for before, line in zip(lines, lines[1:]):
        if re.match(r'[-+*] |\d+\. |\|', line):
            assert not before or re.match(r'[-+*] |\d+\. |\|| ', before), (
                f'{name_of(page)}: no blank line before {line!r}')
        assert not re.match(r'\s+[+] ', line), f'{name_of(page)}: {line!r}'


def test_docstrings_are_rendered_without_sphinx_roles():
    griffe = pytest.importorskip('griffe')
    extension = runpy.run_path(str(ROOT / 'docs/griffe_docstrings.py'))
    docstring = griffe.Docstring(
        'See :class:`~a.B` and ``c``.\n\nExample:\n    >>> 1\n    1')
    function = griffe.Function('f', docstring=docstring)
    extension['PlainDocstrings']().on_object(obj=function)
    assert docstring.value == (
        'See `a.B` and `c`.\n\nExamples:\n    >>> 1\n    1')
