"""Packaging. ``pip install -c constraints.txt -e .`` is the whole installation."""
import re
import shutil
import sysconfig
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

here = Path(__file__).parent
ONNX = ['onnx>=1.17', 'onnxscript>=0.6.2', 'onnxruntime>=1.20']  # older onnxscript fails with torch 2.9 and later


def mmcv_requirement() -> list:
    """mmcv-lite, unless a full mmcv lives in the target environment, which mmcv-lite would overwrite."""
    site = Path(sysconfig.get_path('purelib'))
    return [] if any(site.glob('mmcv-[0-9]*.dist-info')) else ['mmcv-lite>=2.0.1']


class BuildPackage(build_py):
    """Puts configs, tools and metafiles inside the package of a wheel, where mmengine looks for them.

    A checkout, also an editable install of it, has them beside the package: see ``mmegopose/config_files.py``.
    """

    def run(self):
        super().run()
        if self.editable_mode:
            return
        inside = Path(self.build_lib, 'mmegopose', '.mim')
        shutil.rmtree(inside, ignore_errors=True)  # of an earlier build, with files that are gone
        for folder in ('configs', 'tools'):
            shutil.copytree(here / folder, inside / folder, ignore=shutil.ignore_patterns('__pycache__'))
        shutil.copy(here / 'model-index.yml', inside)


setup(
    name='mmegopose',
    version=re.search(r"__version__ = '(.+)'", (here / 'mmegopose/__init__.py').read_text()).group(1),
    description='Egocentric 3D human pose estimation in mmengine style',
    long_description=(here / 'README.md').read_text(encoding='utf-8'),
    long_description_content_type='text/markdown',
    license='Apache-2.0',
    python_requires='>=3.10,<3.14',
    packages=find_packages(include=['mmegopose', 'mmegopose.*']),
    package_data={'mmegopose': ['assets/**', 'py.typed']},
    entry_points={'console_scripts': ['mmegopose = mmegopose.cli:main']},
    cmdclass={'build_py': BuildPackage},
    install_requires=['torch>=2.4,<2.14', 'numpy>=1.26', 'scipy>=1.10', 'matplotlib>=3.7', 'mmengine>=0.10.7,<0.11',
                      'opencv-python>=4.8', 'pycocotools>=2.0.8', 'rich', 'pyyaml', *mmcv_requirement()],
    extras_require={
        'tests': ['pytest>=7', 'pytest-xdist>=3.5', 'ruff==0.17.5', 'mypy==2.4.1', 'h5py>=3.8', 'av>=12', *ONNX,
                  'bvhio>=1.5', 'pygltflib>=1.16', 'trimesh>=4.5'],
        '3dhp': ['h5py>=3.8'],
        'video': ['av>=12'],
        'completion': ['argcomplete>=3'],
        'onnx': ONNX,
        'coco': ['xtcocotools>=1.14.3; python_version < "3.12"'],
    },
)
