"""Say what is installed, what is missing, and which command gets it.

Looks at Python and the packages, the device, the caches, plugins, and data sets and body models in this folder.
Exit status: 0 what mmegopose needs is there, 1 something is missing or too old. Data and extras are optional.

Examples:
    mmegopose doctor
    mmegopose doctor > report.txt     # good to have in a bug report
"""
import importlib
import importlib.metadata
import os
import platform
import re
import shutil
import sys
import warnings
from pathlib import Path

from .. import __version__
from ..config_files import shipped_root

MODULES = {'torch': 'torch', 'numpy': 'numpy', 'scipy': 'scipy', 'matplotlib': 'matplotlib', 'mmengine': 'mmengine',
           'mmcv-lite': 'mmcv', 'opencv-python': 'cv2', 'pycocotools': 'pycocotools', 'rich': 'rich', 'pyyaml': 'yaml'}
OTHER_DISTRIBUTIONS = {'mmcv-lite': ('mmcv',), 'mmengine': ('onedl-mmengine',),
                       'opencv-python': ('opencv-python-headless', 'opencv-contrib-python')}
EXTRAS = {'h5py': ('3dhp', 'reads the official files of MPI-INF-3DHP'),
          'xtcocotools': ('coco', 'COCO evaluation of whole bodies'),
          'argcomplete': ('completion', 'completion of commands in the shell'),
          'av': ('video', 'films that browsers play, quick access to frames'),
          'onnx': ('onnx', 'mmegopose export'), 'onnxscript': ('onnx', 'mmegopose export'),
          'onnxruntime': ('onnx', 'mmegopose export')}
TORCH = 'pip install torch --index-url https://download.pytorch.org/whl/cpu (without a GPU), else pip install torch'
DATA = {
    'data/egoexo4d': 'https://ego-exo4d-data.org; egoexo -o data/egoexo4d --parts annotations metadata '
                     'ego_pose_pseudo_gt --benchmarks body_pose',
    'data/egoexo4d_hand': 'mmegopose prepare egoexo4d-hand, see docs/ego_hand.md',
    'data/h36m': 'the files of VideoPose3D, and {tools}/dataset_converters/h36m_cameras.py',
    'data/motion3d': 'h36m_sh_conf_cam_source_final.pkl, see docs/pose3d.md of https://github.com/Walter0807/MotionBERT',
    'data/humaneva': 'the files of VideoPose3D, and cameras_humaneva.json of their cameras',
    'data/mpi_inf_3dhp': 'the official files, and {tools}/dataset_converters/mpi_inf_3dhp.py',
    'data/FreiHAND_pub_v2': 'https://lmb.informatik.uni-freiburg.de/resources/datasets/FreihandDataset.en.html',
    'data/HInt_annotation_partial': 'https://github.com/ddshan/hint',
    'data/3DPW': 'https://virtualhumans.mpi-inf.mpg.de/3DPW',
    'data/body_models/MANO_RIGHT.pkl': 'register at https://mano.is.tue.mpg.de',
    'data/body_models/SMPL_MALE.pkl': 'register at https://smpl.is.tue.mpg.de',
    'data/body_models/SMPL_FEMALE.pkl': 'register at https://smpl.is.tue.mpg.de',
    'data/body_models/SMPL_NEUTRAL.pkl': 'register at https://smplify.is.tue.mpg.de',
    'data/motionbert.pth': 'https://github.com/Walter0807/MotionBERT; {tools}/model_converters/official.py '
                           'latest_epoch.bin data/motionbert.pth',
    'data/motionbert_lite.pth': 'the same of MotionBERT-Lite',
    'data/vitpose-base.pth': 'https://github.com/ViTAE-Transformer/ViTPose; {tools}/model_converters/official.py '
                             'vitpose-b.pth data/vitpose-base.pth',
    'data/hamer.pth': 'https://github.com/geopavlakos/hamer; {tools}/model_converters/official.py hamer.ckpt '
                      'data/hamer.pth',
    'data/hmr2.pth': 'https://github.com/shubham-goel/4D-Humans; {tools}/model_converters/official.py hmr2.ckpt '
                     'data/hmr2.pth'}
"""Where the configs look for what is not part of this project, and how to get it."""


def doctor_arguments(parser) -> None:
    pass


def doctor_command(args) -> int:
    problems = []
    root, tools = shipped_root(), os.path.relpath(shipped_root() / 'tools')
    print(f'mmegopose {__version__} in {Path(__file__).parents[1]}, '
          f'{"a checkout" if root.name != ".mim" else "installed from a wheel"}')
    print(f'Python {platform.python_version()}, {sys.executable}, {platform.platform()}')
    _section('Packages')
    for line in _packages(problems):
        print(line)
    _section('Extras')
    for name, (extra, use) in EXTRAS.items():
        found = _version((name,))
        print(f'  {name:16}{found or "not there":16}{use}' + ('' if found else f': pip install "mmegopose[{extra}]"'))
    _section('Device')
    for line in _device():
        print(line)
    _section('Caches')
    for line in _caches(problems):
        print(line)
    _section('Plugins')
    for line in _plugins(problems):
        print(line)
    _section(f'Data and weights in {os.getcwd()}, all optional: a sample and open body models are embedded')
    for path, source in DATA.items():
        print(f'  {path:34}' + ('there' if Path(path).exists() else f'not there: {source.format(tools=tools)}'))
    print()
    print('\n'.join(f'PROBLEM: {problem}' for problem in problems) if problems else 'Ready: nothing is missing.')
    return 1 if problems else 0


def _section(title: str) -> None:
    print(f'\n{title}')


def _version(names: tuple) -> str:
    """Version of the first of these distributions that is installed, or ''."""
    for name in names:
        try:
            return importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            pass
    return ''


def _wanted() -> dict:
    """``{distribution: allowed versions}`` as the installed package declares them; {} where it is not installed."""
    try:
        lines = importlib.metadata.requires('mmegopose') or []
    except importlib.metadata.PackageNotFoundError:
        return {}
    pairs = [re.match(r'([\w.-]+)\s*([^;]*)', line).groups() for line in lines if 'extra' not in line]
    return {name.lower(): versions.strip(' ()') for name, versions in pairs}


def _packages(problems: list):
    """A line for each package that is required; imports it, because an installed one can still be broken."""
    wanted = _wanted()
    for name, module in MODULES.items():
        try:
            with warnings.catch_warnings():
                warnings.simplefilter('ignore')
                imported = importlib.import_module(module)
        except Exception as error:  # a broken package can raise anything
            remedy = TORCH if name == 'torch' else f'pip install "{name}{wanted.get(name, "")}"'
            if 'libGL' in str(error):
                remedy = 'apt-get install libgl1, or pip install opencv-python-headless'
            elif not isinstance(error, ModuleNotFoundError):
                remedy = f'pip install --force-reinstall "{name}{wanted.get(name, "")}"'
            problems.append(f'{name} cannot be imported ({type(error).__name__}: {error}): {remedy}')
            yield f'  {name:16}missing'
            continue
        version = _version((name, *OTHER_DISTRIBUTIONS.get(name, ()))) or getattr(imported, '__version__', '?')
        if not _allowed(version, wanted.get(name, '')):
            problems.append(f'{name} {version} is not {wanted[name]}: pip install "{name}{wanted[name]}"')
        yield f'  {name:16}{version}'


def _allowed(version: str, specifier: str) -> bool:
    try:
        from packaging.specifiers import SpecifierSet
    except ImportError:  # it comes with matplotlib
        return True
    return version == '?' or SpecifierSet(specifier).contains(version, prereleases=True)


def _device():
    try:
        import torch

        from ..compat import cpu_has_bfloat16
    except Exception:
        return ['  not known without torch']
    cores = len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count()
    lines = [f'  CPU, {cores} cores, torch uses {torch.get_num_threads()} threads '
             f'(OMP_NUM_THREADS={os.environ.get("OMP_NUM_THREADS", "not set")})']
    if not cpu_has_bfloat16():
        lines.append('  the CPU has no bfloat16: --amp trains in float32 on it')
    for index in range(torch.cuda.device_count()):
        facts = torch.cuda.get_device_properties(index)
        lines.append(f'  GPU {index}: {facts.name}, {facts.total_memory / 2**30:.0f} GiB')
    if not torch.cuda.is_available():
        build = f'CUDA {torch.version.cuda}' if torch.version.cuda else 'CPU alone'
        lines.append(f'  no CUDA device; this torch is built for {build}')
    return lines


def _caches(problems: list):
    """Each cache with its size; one that cannot be written is a problem, for readers write there."""
    try:
        from ..datasets.cache import cache_home
        folder = cache_home()
    except Exception as error:
        return [f'  not known: {type(error).__name__}: {error}']
    place = folder
    while not place.exists():
        place = place.parent
    writable = os.access(place, os.W_OK)
    if not writable:
        problems.append(f'the cache {folder} cannot be written: set MMEGOPOSE_CACHE to a folder of yours')
    size = sum(path.stat().st_size for path in folder.rglob('*') if path.is_file()) if folder.exists() else 0
    free = shutil.disk_usage(place).free
    return [f'  {folder} ({"MMEGOPOSE_CACHE" if os.environ.get("MMEGOPOSE_CACHE") else "the default"}): '
            f'{size / 1e6:.0f} MB, {free / 1e9:.0f} GB free, {"writable" if writable else "NOT writable"}; '
            'everything in it can be deleted']


def _plugins(problems: list):
    entries = list(importlib.metadata.entry_points(group='mmegopose.plugins'))
    for entry in entries:
        try:
            entry.load()
            yield f'  {entry.name} ({entry.value})'
        except Exception as error:  # a plugin can raise anything
            problems.append(f'the plugin {entry.name} ({entry.value}) cannot be loaded: '
                            f'{type(error).__name__}: {error}')
    if not entries:
        yield '  none are installed'
