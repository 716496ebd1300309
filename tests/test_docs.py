"""What the documentation says is true: examples run, links and files are there, types are registered.

A block of Python below the line ``<!-- example -->`` runs, those of one page one after the other. Below the line
``<!-- example: NAME -->`` it is written to the file NAME, beside a copy of ``configs``; a config is checked then, and
the tests of a test file run.
"""
import re
import sys
from pathlib import Path

import pytest

from mmegopose.engine import check_config, load_config
from mmegopose.engine.check import find_class
from mmegopose.structures.sample import FIELDS

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob('*.md'), *ROOT.glob('docs/**/*.md'), *ROOT.glob('projects/*/README.md')])
CONTRACTS = sorted(ROOT.glob('docs/contracts/*.md'))
EXAMPLE = re.compile(r'^<!-- example(?:: (\S+))? -->\n```python\n(.*?)^```', re.MULTILINE | re.DOTALL)
FILE = re.compile(r'\b(?:configs|tools|projects|docs|mmegopose|tests)/[\w./-]+\.(?:py|sh|md|txt)\b')


def name(path):
    return str(path.relative_to(ROOT))


@pytest.fixture
def fields():
    """What a page declares is forgotten after it."""
    before = dict(FIELDS)
    yield
    FIELDS.clear()
    FIELDS.update(before)


@pytest.mark.parametrize('path', [path for path in PAGES if EXAMPLE.search(path.read_text())], ids=name)
def test_examples_run(path, tmp_path, monkeypatch, fields):
    (tmp_path / 'configs').symlink_to(ROOT / 'configs')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, 'path', [str(tmp_path), *sys.path])
    modules, namespace = set(sys.modules), dict(__name__='example')
    for file, code in EXAMPLE.findall(path.read_text()):
        if file:
            Path(file).parent.mkdir(parents=True, exist_ok=True)
            Path(file).write_text(code)
        if '_base_' in code and file:
            check_config(load_config(file), file)
        elif not file or Path(file).name.startswith('test_'):
            exec(compile(code, f'{name(path)}: {file or "example"}', 'exec'), namespace)
    for test in [value for key, value in namespace.items() if key.startswith('test_')]:
        test()
    for module in set(sys.modules) - modules:
        if module.startswith('projects.my_'):
            del sys.modules[module]


@pytest.mark.parametrize('path', CONTRACTS, ids=name)
def test_every_contract_has_an_example(path):
    assert EXAMPLE.search(path.read_text())


@pytest.mark.parametrize('path', PAGES, ids=name)
def test_links_and_files_are_there(path):
    text = path.read_text()
    for target in re.findall(r'\]\(([^)#:]+)(?:#[\w-]+)?\)', text):
        assert (path.parent / target).exists(), target
    for file in FILE.findall(text):
        assert 'my_' in file or (ROOT / file).exists(), file


def headings(path):
    return {re.sub(r'[^\w -]', '', line.lstrip('# ').lower()).replace(' ', '-')
            for line in path.read_text().splitlines() if line.startswith('#')}


@pytest.mark.parametrize('path', PAGES, ids=name)
def test_links_to_sections(path):
    for target, anchor in re.findall(r'\]\(([^)#:]*)#([\w-]+)\)', path.read_text()):
        assert anchor in headings(path.parent / target if target else path), f'{target}#{anchor}'


@pytest.mark.parametrize('path', [path for path in PAGES if path.name != 'CHANGELOG.md'], ids=name)  # has old names
def test_types_are_registered(path):
    text = path.read_text()
    own = set(re.findall(r'^(?:class|def) (\w+)|Stream\(\'(\w+)', text, re.MULTILINE))
    own = {each for pair in own for each in pair}
    for kind in set(re.findall(r"type='(\w+)'", text)) - own:
        assert kind.startswith('My') or kind.startswith('my_') or find_class(kind) is not None, kind
