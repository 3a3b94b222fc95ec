"""The rooms of the package: their lines, imports and longest functions.

``python tests/rooms.py [CHECKOUT]`` prints them as Markdown; files are read,
not imported.
"""
import ast
import sys
from collections import defaultdict
from pathlib import Path
from typing import Dict, Iterator, List, NamedTuple, Set, Tuple

ROOT = Path(__file__).resolve().parents[1]


class Function(NamedTuple):
    """A function and where it is defined."""
    lines: int
    name: str


def modules(root: Path) -> Dict[str, Path]:
    """The modules of package and tools by their dotted names."""
    paths = [*root.glob('psp_plugin/**/*.py'), *root.glob('tools/**/*.py')]
    return {'.'.join(path.relative_to(root).with_suffix('').parts
                     ).removesuffix('.__init__'): path for path in paths}


def room(module: str) -> str:
    """The folder or file directly in the package; ``tools`` for a command.

    The package's own ``__init__`` is the room ``psp_plugin``.
    """
    return module.removeprefix('psp_plugin.').split('.')[0]


def imported(module: str, path: Path, known: Set[str]) -> Iterator[str]:
    """Yields the modules of the package that a module imports anywhere."""
    parts = module.split('.')
    package = parts if path.name == '__init__.py' else parts[:-1]
    for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names if name.name in known)
        elif isinstance(node, ast.ImportFrom):
            base = package[:len(package) - node.level + 1] * bool(node.level)
            source = '.'.join([*base, *filter(None, [node.module])])
            if source in known:
                for name in node.names:
                    inner = f'{source}.{name.name}'
                    yield inner if inner in known else source


def arrows(root: Path = ROOT) -> Dict[str, Set[str]]:
    """Which rooms each room imports."""
    known = modules(root)
    found: Dict[str, Set[str]] = defaultdict(set)
    for module, path in known.items():
        found[room(module)].update(
            room(other) for other in imported(module, path, set(known)))
    return {name: others - {name} for name, others in found.items()}


def sizes(root: Path = ROOT) -> Dict[str, Tuple[int, int]]:
    """Files and lines of each room."""
    found: Dict[str, Tuple[int, int]] = {}
    for module, path in modules(root).items():
        files, lines = found.get(room(module), (0, 0))
        count = len(path.read_text(encoding='utf-8').splitlines())
        found[room(module)] = files + 1, lines + count
    return found


def longest_functions(root: Path = ROOT, count: int = 10) -> List[Function]:
    """The longest functions, docstrings and decorators included."""
    found = [Function(node.end_lineno - node.lineno + 1,
                      f'{module}.{node.name}')
             for module, path in modules(root).items()
             for node in ast.walk(ast.parse(path.read_text(encoding='utf-8')))
             if isinstance(node, ast.FunctionDef)]
    return sorted(found, reverse=True)[:count]


def main() -> None:
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT
    imports = arrows(root)
    print('| room | files | lines | imports |\n|---|---|---|---|')
    for name, (files, lines) in sorted(sizes(root).items(),
                                       key=lambda item: -item[1][1]):
        print(f'| {name} | {files} | {lines} | '
              f'{", ".join(sorted(imports[name]))} |')
    print('\n| lines | function |\n|---|---|')
    for function in longest_functions(root):
        print(f'| {function.lines} | `{function.name}` |')


if __name__ == '__main__':
    main()
