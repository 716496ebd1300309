"""One name, one meaning: no two public functions or classes of the package share a name."""
import ast
from collections import defaultdict
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / 'mmegopose'


def test_public_names_are_unique():
    places = defaultdict(list)
    for path in sorted(PACKAGE.rglob('*.py')):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not node.name.startswith('_'):
                places[node.name].append(str(path.relative_to(PACKAGE)))
    assert len(places) > 300
    shared = {name: files for name, files in places.items() if len(files) > 1}
    assert not shared
