"""A trained model to a file that gives the same numbers, or to an error."""
import inspect
import os
from pathlib import Path
from typing import NamedTuple

from .. import __version__
from ..files import scratch_folder
from ..inference import HeadPoseInferencer, LiftingInferencer, MeshInferencer
from ..inference.inferencer import Inferencer
from ..models.onnx_program import require_onnx
from ..structures import get_skeleton
from .head_pose_step import HeadPoseStep
from .lifting_window import LiftingWindow
from .mesh_crop import MeshCrop
from .onnx_file import OnnxModel, check_place, make_program, write_program
from .ported_module import PortedModule

TOLERANCE = 1e-4  # metres
FAMILIES: dict[type, type] = {HeadPoseInferencer: HeadPoseStep, LiftingInferencer: LiftingWindow,
                               MeshInferencer: MeshCrop}
"""What each inferencer is exported as."""


class Exported(NamedTuple):
    """What was written.

    Attributes:
        files: the model, and a second file with its weights if they are too large for one.
        difference: largest one to the inferencer, metres; None: not measured.
    """
    files: list
    difference: float | None


def ported(inferencer: Inferencer, **options) -> PortedModule:
    """The module that is exported for an inferencer; ``options`` are those of its family.

    Raises ``ValueError`` for an inferencer of a plugin, and as the families do.
    """
    for kind, module in FAMILIES.items():
        if isinstance(inferencer, kind):
            if not hasattr(inferencer.model, 'predicted'):
                raise ValueError(f'{type(inferencer.model).__name__} cannot be exported: it has no method '
                                 'predicted(inputs) from streams to outputs, as PoseEstimator has')
            known = [name for name in inspect.signature(module).parameters if name != 'inferencer']
            if unknown := sorted(set(options) - set(known)):
                raise ValueError(f'a model of {inferencer.provenance["model"]} is exported without options {unknown}; '
                                 f'it has {known}')
            return module(inferencer, **options)
    raise ValueError(f'models of {type(inferencer).__name__} cannot be exported, only those of '
                     f'{[kind.__name__ for kind in FAMILIES]}')


def export_model(module: PortedModule, path: str | Path, *, check: bool = True,
                 tolerance: float = TOLERANCE) -> Exported:
    """Write an ONNX file; with ``check`` only if ONNX Runtime gives what the inferencer gives.

    Args:
        module: see :func:`ported`.
        path: file that ends in ``.onnx``.
        check: compare the file with the inferencer, over some sizes of input.
        tolerance: largest difference, metres.

    Raises:
        ModuleNotFoundError: the packages for ONNX are not installed.
        ValueError: another ending, a part of the model that has no form in ONNX, or a difference that is too large.
        OSError: the file cannot be written.
    """
    require_onnx()
    path = check_place(path)
    path = Path(os.path.realpath(path)) if path.is_symlink() else path
    program = make_program(module)
    try:
        with scratch_folder(path) as folder:
            files = write_program(program, folder / path.name, all_facts(module))
            difference = module.difference(OnnxModel(files[0])) if check else None
            if difference is not None and not difference <= tolerance:
                raise ValueError(f'the exported model differs from the inferencer by up to {difference:.2g} m, more '
                                 f'than {tolerance:g}: {path} was not written')
            if len(files) > 1:
                path.unlink(missing_ok=True)  # a kill in between must not leave it beside the weights of another
            for file in reversed(files):  # the weights before the model that reads them
                os.replace(file, path.with_name(file.name))
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise OSError(error.errno, f'{reason}: the model was not written', str(path)) from error
    return Exported([path.with_name(file.name) for file in files], difference)


def all_facts(module: PortedModule) -> dict:
    """What stands in the file: what goes in and comes out, and where the model came from."""
    inferencer = module.inferencer
    ports = {f'{kind}puts': {name: dict(shape=list(port.shape), dtype=str(port.dtype).removeprefix('torch.'),
                                        meaning=port.meaning) for name, port in found.items()}
             for kind, found in (('in', module.ports_in), ('out', module.ports_out))}
    known = inferencer.provenance
    return dict(**ports, state=module.state, initial_state='zeros', **module.facts(), skeleton=inferencer.skeleton,
                joint_names=list(get_skeleton(inferencer.skeleton).joints), model=Path(known['model']).name,
                checkpoint=known['checkpoint'], checkpoint_sha256=known['checkpoint_sha256'],
                licence=str(inferencer.cfg.get('licence', 'not stated: ask who trained the model')),
                mmegopose=__version__)
