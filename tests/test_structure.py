"""The rooms of the package import downwards only, each by its public face."""
import re

from rooms import ROOT, arrows, modules, room

# From the ground up: a room imports rooms of lower floors only.
FLOORS = (
    ('errors', 'skeletons', 'version', 'compat'),
    ('annotations', 'configs', 'models'),
    ('datasets', ),
    ('recordings', 'engine'),
    ('psp_plugin', ),  # what `import psp_plugin` registers
    ('commands', ),
    ('tooling', 'toolbox'),
    ('apis', ),
    ('tools', ),
)
# Other rooms import from the `__init__` of these, not from their files.
FACES = ('annotations', 'recordings')


def test_rooms_import_downwards_only():
    floor = {name: number for number, names in enumerate(FLOORS)
             for name in names}
    upwards = [(name, other) for name, others in arrows().items()
               for other in others if floor[other] >= floor[name]]
    assert not upwards


def test_rooms_with_a_face_are_imported_by_it():
    text = {module: path.read_text(encoding='utf-8')
            for module, path in modules(ROOT).items()}
    past = [(module, source) for module in text
            for source in re.findall(r'from psp_plugin\.([\w.]+) import',
                                     text[module])
            if room(source) in FACES and room(module) != room(source)
            and source not in FACES]
    assert not past


def test_training_needs_neither_commands_nor_tooling():
    needed = {'datasets', 'engine', 'models'}
    while True:
        more = set().union(*(arrows()[name] for name in needed)) | needed
        if more == needed:
            break
        needed = more
    assert needed == {'annotations', 'datasets', 'engine', 'errors', 'models',
                      'skeletons'}


def test_each_room_has_a_description():
    for name in {room(module) for module in modules(ROOT)}:
        path = ROOT / 'psp_plugin' / name / '__init__.py'
        if path.is_file():
            text = path.read_text(encoding='utf-8')
            assert re.match(r'"""[A-Z][^"]+\."""|"""[A-Z][^"]+\.\n"""', text)
