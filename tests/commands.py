"""The commands of the pages, and the parsers that they are meant for."""
import argparse
import glob
import importlib.util
import itertools
import re
import runpy
import shlex
import sys
from pathlib import Path
from typing import Dict, Iterator, List, NoReturn, Optional

import pytest

ROOT = Path(__file__).resolve().parents[1]
# The scripts of the installed toolbox.
TOOLBOX = Path(
    importlib.util.find_spec('mmaction').origin).parent / '.mim/tools'
# The model zoo has no commands; two pages only include files of the root.
PAGES = sorted({ROOT / 'README.md', ROOT / 'CONTRIBUTING.md'}
               | set(ROOT.glob('docs/**/*.md'))
               - {ROOT / 'docs/model_zoo.md', ROOT / 'docs/contributing.md',
                  ROOT / 'docs/changelog.md'})
# Commands of other projects, which are not parsed here.
FOREIGN = {'mim', 'mkdocs', 'mypy', 'pip', 'pre-commit', 'pytest', 'ruff'}
# Words of the pages that stand for a number.
NUMBERS = {'N', 'V', 'M', 'PROCESSES'}
# The place of the script's own arguments behind those of a shell script.
SHELL = {'dist_train': ('train', 1), 'dist_test': ('test', 2),
         'slurm_train': ('train', 4), 'slurm_test': ('test', 4)}


class Parsed(BaseException):
    """Ends a script once it has parsed its arguments."""


def parse(script: Path, arguments: List[str]) -> None:
    """Runs a script up to and including the parsing of its arguments.

    Args:
        script (Path): The script.
        arguments (list[str]): Its arguments.

    Raises:
        SystemExit: If its parser refuses them.
        AssertionError: If it ends without parsing arguments.
    """
    original = argparse.ArgumentParser.parse_args

    def parse_args(parser, *args, **kwargs) -> NoReturn:
        parser.allow_abbrev = False
        original(parser, *args, **kwargs)
        raise Parsed

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(argparse.ArgumentParser, 'parse_args', parse_args)
        patch.setattr(sys, 'argv', [str(script), *arguments])
        patch.setattr(sys, 'path', list(sys.path))
        patch.setenv('LOCAL_RANK', '0')  # the toolbox's scripts set it
        try:
            runpy.run_path(str(script), run_name='__main__')
        except Parsed:
            return
    raise AssertionError(f'{script} has parsed no arguments')


def braces(word: str) -> List[str]:
    """Expands ``a{b,c}d`` as a shell does."""
    parts = re.split(r'\{([^{}]*,[^{}]*)\}', word)
    options = [part.split(',') if i % 2 else [part]
               for i, part in enumerate(parts)]
    return [''.join(chosen) for chosen in itertools.product(*options)]


def expand(word: str) -> List[str]:
    """Expands braces and wildcards of a path of the repository."""
    words = []
    for path in braces(word):
        found = sorted(glob.glob(path, root_dir=ROOT)) if re.match(
            r'(configs|docs|tests|tools)/.*[*?]', path) else []
        words += found or [path]
    return words


def variants(words: List[str]) -> Iterator[List[str]]:
    """Resolves ``[optional parts]``, ``A | B`` in them, and ``...``.

    Args:
        words (list[str]): Words of a command as they stand on the page.

    Yields:
        list[str]: The command with all optional parts, once for each
            alternative.
    """
    parts: List[List[List[str]]] = []  # alternatives of words
    optional = False
    for word in words:
        starts = not optional and word.startswith('[')
        if starts or not optional:
            parts.append([[]])
        optional = optional or starts
        ends = optional and word.endswith(']') and '[' not in word[1:]
        word = word[starts:len(word) - ends]
        if optional and word == '|':
            parts[-1].append([])
        elif word == '...':
            if sum(parts, [])[-1:] == [['--cfg-options']] or (
                    parts[-1][-1] and parts[-1][-1][-1] == '--cfg-options'):
                parts[-1][-1].append('key=value')
        else:
            parts[-1][-1].append(word[:-3] if word.endswith('...') else word)
        optional = optional and not ends
    for i in range(max(map(len, parts))):
        yield [word for part in parts for word in part[min(i, len(part) - 1)]]


def commands(text: str) -> Iterator[List[str]]:
    """Reads the commands of a page.

    Args:
        text (str): The page: blocks of ``bash``, and commands with arguments
            in its prose and tables.

    Yields:
        list[str]: The words of a command, without comments and variables.
    """
    variables: Dict[str, str] = {}
    lines = []
    for block in re.findall(r'```bash\n(.*?)```', text, re.DOTALL):
        lines += re.sub(r'\\\n\s*', ' ', block).splitlines()
    prose = re.sub(r'```.*?```', '', text, flags=re.DOTALL)
    inline = re.findall(r'`(python (?:docs|tools)/[^\s`]+\s[^`]+)`', prose)
    lines += [' '.join(line.split()) for line in inline]
    for line in lines:
        line = re.sub(r'\$(\w+)', lambda m: variables.get(m[1], m[0]), line)
        words = shlex.split(line, comments=True)
        for i, command in itertools.groupby(words, lambda w: w == '&&'):
            command = list(command)
            while command and re.match(r'\w+=', command[0]):
                name, _, value = command.pop(0).partition('=')
                variables[name] = value
                if value.startswith('$('):
                    command = []  # what it prints is not needed
            if command and not i:
                yield command


def created(text: str) -> List[str]:
    """Names of the configs that a page has its reader write."""
    return re.findall(r'```python\n# (\S+\.py)\n', text)


def check(words: List[str], text: str) -> Optional[str]:
    """Checks a command of a page.

    Args:
        words (list[str]): The words of the command.
        text (str): The page.

    Returns:
        str, optional: What is wrong with it.
    """
    for path in itertools.chain(*map(expand, words)):
        if re.match(r'(configs|docs|tests|tools)/\S+\.\w+$', path) and not (
                (ROOT / path).exists() or path in created(text)):
            return f'there is no {path}'
    words = [word if word not in NUMBERS else '1'
             for word in itertools.chain(*map(expand, words))]
    if words[0] in FOREIGN:
        return None
    if words[0] == 'bash':
        name, own = SHELL[Path(words[1]).stem]
        given = words[2:]
        words = ['python', f'tools/{name}.py', *given[:own], *given[own + 1:]]
        if name.startswith('slurm'):  # partition and job come first
            words = ['python', f'tools/{name}.py', *given[2:]]
    if words[0] != 'python':
        return f'unknown command {words[0]}'
    if words[1] == '-c':
        compile(words[2], 'page', 'exec')
        called = re.search(r'import (\w+); \1\.main\(\)', words[2])
        if not called:
            return None
        script, arguments = ROOT / f'tools/{called[1]}.py', words[3:]
    elif words[1:3] == ['-m', 'psp_plugin.toolbox']:
        if words[3] in ('TOOL', '--help'):
            return None
        script, arguments = TOOLBOX / f'{words[3]}.py', words[4:]
    else:
        script, arguments = ROOT / words[1], words[2:]
    if not script.is_file():
        return f'there is no {script}'
    try:
        parse(script, arguments)
    except SystemExit:
        return f'{script.name} does not accept {shlex.join(arguments)}'
    return None
