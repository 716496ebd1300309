"""The package as users install it: sdist and wheel, and a virtual environment that has the wheel alone."""
import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
from pathlib import Path

from helpers.source_tree import ROOT

LEFT_OUT = shutil.ignore_patterns('.git', '.venv', '.*_cache', '*.egg-info', '__pycache__', 'build', 'dist',
                                  'work_dirs')


def call(*command, cwd, expect: int = 0, **environment) -> str:
    """Output and errors of a process that does not see the checkout; its exit status should be ``expect``."""
    env = {key: value for key, value in os.environ.items() if key != 'PYTHONPATH'} | environment
    done = subprocess.run([str(part) for part in command], cwd=cwd, env=env, capture_output=True, text=True)
    assert done.returncode == expect, done.stdout[-2000:] + done.stderr[-3000:]
    return done.stdout + done.stderr


def build(folder: Path, kind: str, source: Path) -> Path:
    """The sdist or the wheel of a source tree, as ``python -m build --no-isolation`` makes it."""
    program = f'from setuptools import build_meta; build_meta.build_{kind}({str(folder)!r})'
    call(sys.executable, '-c', program, cwd=source)
    (built,) = folder.glob('*.tar.gz' if kind == 'sdist' else '*.whl')
    return built


def build_both(folder: Path) -> tuple:
    """The sdist of this checkout, and the wheel of the unpacked sdist."""
    shutil.copytree(ROOT, folder / 'copy', ignore=lambda path, names: {
        *LEFT_OUT(path, names), *(['data'] if Path(path) == ROOT else [])})
    sdist = build(folder, 'sdist', folder / 'copy')
    with tarfile.open(sdist) as archive:
        archive.extractall(folder / 'unpacked', filter='data')
    (source,) = (folder / 'unpacked').iterdir()
    return sdist, build(folder, 'wheel', source)


def install(folder: Path, wheel: Path) -> Path:
    """A fresh virtual environment with the wheel, and the requirements of this one; the folder of its commands."""
    call(sys.executable, '-m', 'venv', '--without-pip', folder, cwd=folder.parent)
    python = folder / 'bin/python'
    site = Path(call(python, '-c', "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=folder).strip())
    (site / 'requirements.pth').write_text(sysconfig.get_path('purelib') + '\n')  # its own .pth files are not read
    call(sys.executable, '-m', 'pip', '--python', python, 'install', '--quiet', '--no-deps', '--no-index', wheel,
         cwd=folder)
    return python.parent
