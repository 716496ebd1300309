import runpy
import sysconfig
from pathlib import Path

import pytest
import setuptools

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize('installed, wanted', [([], True), (['mmcv-2.2.0.dist-info'], False),
                                               (['mmcv_lite-2.2.0.dist-info'], True)])
def test_a_full_mmcv_is_not_overwritten(tmp_path, monkeypatch, installed, wanted):
    for name in installed:
        (tmp_path / name).mkdir()
    found = {}
    monkeypatch.setattr(sysconfig, 'get_path', lambda name: str(tmp_path))
    monkeypatch.setattr(setuptools, 'setup', found.update)
    runpy.run_path(str(ROOT / 'setup.py'))
    assert any(r.startswith('mmcv-lite') for r in found['install_requires']) == wanted


def test_imports_run_one_way():
    """structures, geometry <- body_models <- datasets, models <- evaluation, visualization <- inference <- tools."""
    layers = [('structures', 'geometry', 'files', 'pickles', 'compat', 'registry'), ('body_models',),
              ('datasets', 'models'), ('evaluation', 'visualization'), ('engine', 'inference')]
    above = {name: [n for later in layers[i + 1:] for n in later] for i, names in enumerate(layers) for name in names}
    for name, forbidden in above.items():
        target = ROOT / 'mmegopose' / name
        for path in target.rglob('*.py') if target.is_dir() else [target.with_suffix('.py')]:
            for line in path.read_text().splitlines():
                words = line.split()
                if words[:1] in (['from'], ['import']):
                    module = words[1].lstrip('.').removeprefix('mmegopose.').split('.')[0]
                    assert module not in forbidden, f'{path}: {line}'
