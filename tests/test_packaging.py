import runpy
import sysconfig
from pathlib import Path

import pytest
import setuptools
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]


def setup_arguments(monkeypatch):
    found = {}
    monkeypatch.setattr(setuptools, 'setup', found.update)
    runpy.run_path(str(ROOT / 'setup.py'))
    return found


@pytest.mark.parametrize('installed, wanted', [([], True), (['mmcv-2.2.0.dist-info'], False),
                                               (['mmcv_lite-2.2.0.dist-info'], True)])
def test_a_full_mmcv_is_not_overwritten(tmp_path, monkeypatch, installed, wanted):
    for name in installed:
        (tmp_path / name).mkdir()
    monkeypatch.setattr(sysconfig, 'get_path', lambda name: str(tmp_path))
    required = setup_arguments(monkeypatch)['install_requires']
    assert any(r.startswith('mmcv-lite') for r in required) == wanted


@pytest.mark.parametrize('python', ['3.10', '3.11', '3.12', '3.13'])
def test_constraints_hold_one_allowed_version_for_every_python(monkeypatch, python):
    wanted = map(Requirement, setup_arguments(monkeypatch)['install_requires'])
    wanted = {r.name: r.specifier for r in wanted if r.name not in ('rich', 'pyyaml')}
    lines = (ROOT / 'constraints.txt').read_text().splitlines()
    pins = [pin for pin in map(Requirement, (line for line in lines if not line.startswith('#')))
            if pin.marker is None or pin.marker.evaluate({'python_version': python})]
    names = [pin.name for pin in pins]
    assert len(names) == len(set(names)) and set(wanted) <= set(names)
    for pin in pins:
        (version,) = pin.specifier
        assert version.operator == '==' and wanted.get(pin.name, pin.specifier).contains(version.version)


def test_the_version_is_said_once_and_types_are_shipped(monkeypatch):
    found = setup_arguments(monkeypatch)
    assert f"version: {found['version']}\n" in (ROOT / 'CITATION.cff').read_text()
    assert 'py.typed' in found['package_data']['mmegopose'] and (ROOT / 'mmegopose/py.typed').exists()


def test_every_recorded_file_has_an_origin():
    told = (ROOT / 'tests/data/README.md').read_text()
    assert [p.name for p in sorted((ROOT / 'tests/data').iterdir()) if f'`{p.name}`' not in told] == ['README.md']
