"""The package as text: its files, and what each of them imports, in whatever form and at whatever depth."""
import ast
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / 'mmegopose'


def python_files(*folders: str) -> list:
    """Python files below folders of the repository, in order of their names; configs of shipped models are none."""
    return sorted(path for folder in folders for path in (ROOT / folder).rglob('*.py')
                  if PACKAGE / 'assets' not in path.parents)


def imports(path: Path) -> list:
    """``[(line, dotted module, dots)]``: relative imports are resolved, ``dots`` is how many they had."""
    package = path.relative_to(ROOT).parent.parts
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'), str(path))):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name, 0) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = [*package[:len(package) - node.level + 1]] if node.level else []
            base += node.module.split('.') if node.module else []
            found += [(node.lineno, '.'.join([*base, alias.name]), node.level) for alias in node.names]
        elif isinstance(node, ast.Call) and 'import_module' in ast.unparse(node.func) and node.args:
            name = node.args[0]
            found += [(node.lineno, name.value, 0)] if isinstance(name, ast.Constant) else []
    return found


def room(module: str) -> str:
    """Top-level part of ``mmegopose`` that a dotted module name lies in; '' for the package itself."""
    parts = module.split('.')
    known = (PACKAGE / parts[1]).is_dir() or (PACKAGE / f'{parts[1]}.py').is_file() if len(parts) > 1 else False
    return parts[1] if known else ''
