"""Imports run one way, and inside the package they are relative. Every form of import counts, also inside functions."""
from collections import Counter
from graphlib import TopologicalSorter

import pytest
from helpers.source_tree import PACKAGE, ROOT, imports, python_files, room

FLOORS = [
    ('compat', 'config_files', 'errors', 'files', 'named_models', 'npz', 'pickles', 'plugins', 'registry', 'yaml_text'),
    ('structures',),
    ('geometry', 'rendering'),
    ('body_models',),
    ('motion',),
    ('datasets', 'models'),
    ('synthesis', 'evaluation', 'visualization'),
    ('engine',),
    ('inference', 'export'),
    ('open_benchmark',),
    ('testing', 'commands'),
    ('cli',),
    ('__main__',),
]
FLOOR = {name: floor for floor, names in enumerate(FLOORS) for name in names}
FILES = python_files('mmegopose')


def arrows():
    """``[(file and line, room, room that it imports)]`` between different rooms."""
    for path in FILES:
        here = room('.'.join(path.relative_to(ROOT).with_suffix('').parts))
        for line, module, _ in imports(path):
            if module.split('.')[0] == 'mmegopose' and here and room(module) not in ('', here):
                yield f'{path.relative_to(ROOT)}:{line}', here, room(module)


def test_files_and_rooms_stay_small():
    """No file over 400 lines, no folder with more than a dozen modules besides its face."""
    assert [str(path) for path in FILES if len(path.read_text(encoding='utf-8').splitlines()) > 400] == []
    rooms = Counter(path.parent for path in FILES if path.name != '__init__.py')
    assert [f'{room}: {count}' for room, count in rooms.items() if count > 12] == []


def test_every_room_has_a_floor():
    rooms = {path.relative_to(PACKAGE).parts[0].removesuffix('.py') for path in FILES}
    assert rooms - {'__init__'} <= set(FLOOR)


def test_no_module_imports_upwards():
    assert [f'{where} imports {target}' for where, here, target in arrows() if FLOOR[target] > FLOOR[here]] == []


def test_rooms_make_no_circle():
    graph = {name: set() for name in FLOOR}
    for _, here, target in arrows():
        graph[here].add(target)
    TopologicalSorter(graph).prepare()


def test_imports_inside_the_package_are_relative():
    absolute = [f'{path.relative_to(ROOT)}:{line}' for path in FILES for line, module, dots in imports(path)
                if module.split('.')[0] == 'mmegopose' and not dots]
    assert absolute == []


@pytest.mark.parametrize('folder', ['mmegopose', 'projects'])
def test_the_package_knows_nothing_of_its_users(folder):
    forbidden = {'mmegopose': ('projects', 'tools', 'tests', 'configs'), 'projects': ('tools',)}[folder]
    wrong = [f'{path.relative_to(ROOT)}:{line}' for path in python_files(folder) for line, module, _ in imports(path)
             if module.split('.')[0] in forbidden]
    assert wrong == []
