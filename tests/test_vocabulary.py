"""Names of the package and keys of its configs against ``docs/glossary.md``."""
from collections import defaultdict
from fnmatch import fnmatch

from helpers.identifiers import Name, keys_of_config, names_given, public_definitions
from helpers.source_tree import ROOT, python_files

from mmegopose.registry import STREAMS
from mmegopose.structures.sample import FIELDS

GLOSSARY = (ROOT / 'docs/glossary.md').read_text(encoding='utf-8')
FILES = python_files('mmegopose')


def table(title: str) -> list:
    """Rows of the table below a title of the glossary, without code marks."""
    text = GLOSSARY.split(f'## {title}\n')[1].split('\n## ')[0]
    rows = [[cell.strip().strip('`') for cell in line.strip('|').split('|')] for line in text.splitlines()
            if line.startswith('|')]
    return rows[2:]


def has(name, word: str, position: str) -> bool:
    """Whether a name has a banned word, or its plural, at the position where it is banned."""
    whole = name.words if len(name.words) == 1 else []
    part = {'part of a name': name.words, 'whole name': whole, 'count': whole if name.kind == 'count' else [],
            'first word of a constant': name.words[:1] if name.kind == 'constant' else []}[position]
    return word in part or f'{word}s' in part


def test_names_are_words_of_the_glossary():
    banned = table('Words that name nothing here')
    exceptions = [(name, where) for name, where, _ in table('Exceptions')]
    names = [name for path in FILES for name in names_given(path)]
    names += [key for path in python_files('configs') for key in keys_of_config(path)]
    names += [Name(key, 'key', 'structures', 0) for key in [*STREAMS.module_dict, *FIELDS]]
    wrong, used = [], set()
    for name in names:
        found = [say for word, position, say in banned if has(name, word, position)]
        allowed = [rule for rule in exceptions if fnmatch(name.name, rule[0]) and fnmatch(name.path, rule[1])]
        used |= set(allowed) if found else set()
        if found and not allowed:
            wrong.append(f'{name}: say {found[0]}')
    assert wrong == []
    assert [rule for rule in exceptions if rule not in used] == [], 'exceptions that nothing needs'


def test_no_two_things_share_a_public_name():
    places = defaultdict(list)
    for path in FILES:
        for name in public_definitions(path):
            places[name.name].append(str(name))
    assert [found for found in places.values() if len(found) > 1] == []


def test_a_file_name_comes_once_unless_it_names_a_data_set_or_a_method():
    text = GLOSSARY.split('## File names\n')[1].split('\n## ')[0]
    rooms = [f'mmegopose/{word}/*' for word in text.replace('\n', ' ').split('`') if '/' in word]
    assert len(rooms) == 8
    places = defaultdict(list)
    for path in FILES:
        where = str(path.relative_to(ROOT))
        if path.name != '__init__.py' and not any(fnmatch(where, room) for room in rooms):
            places[path.name].append(where)
    assert [found for found in places.values() if len(found) > 1] == []
