"""ONNX files: writing one with its facts, and running it."""
import contextlib
import inspect
import json
import logging
import os
import traceback
import warnings
from pathlib import Path

import numpy as np
import torch
from torch import nn

from ..files import atomic_write, require_writable
from .ported_module import PortedModule

OPSET = 20
ONE_FILE = 2_000_000_000  # bytes: protobuf can hold no more
REMEDY = 'exporting needs onnx, onnxscript and onnxruntime: pip install "mmegopose[onnx]"'


def require_onnx() -> None:
    """``ModuleNotFoundError`` with the remedy if a package for ONNX is not installed."""
    try:
        import onnx  # noqa: F401
        import onnxruntime  # noqa: F401
        import onnxscript  # noqa: F401
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(f'{REMEDY} ({error})', name=error.name) from None


def make_program(module: PortedModule):
    """The ONNX program of a module, in float32.

    Raises ``ValueError`` that names the place if a part of the model has no form in ONNX.
    """
    free = {size: torch.export.Dim(size, min=1, max=1 << 16) for port in module.ports_in.values()
               for size in port.shape if isinstance(size, str)}
    shapes = tuple({place: free[size] for place, size in enumerate(port.shape) if isinstance(size, str)}
                   for port in module.ports_in.values())
    arguments = inspect.signature(module.forward).parameters.values()
    if any(argument.kind is argument.VAR_POSITIONAL for argument in arguments):
        shapes = (shapes,)  # of forward(*values)
    module = module.float().cpu().eval()
    try:
        with _quiet(), torch.no_grad():
            program = torch.onnx.export(
                module, module.example(), dynamo=True, opset_version=OPSET, dynamic_shapes=shapes, verbose=False,
                input_names=list(module.ports_in), output_names=list(module.ports_out))
    except (RuntimeError, TypeError, ValueError, NotImplementedError, torch.onnx.errors.OnnxExporterError) as error:
        raise ValueError(f'the model cannot be exported: {_reason(error)}. A model can be exported if its forward is '
                         'made of operations on tensors alone, without branches on their values, numpy and '
                         'decompositions such as svd') from error
    for value, (name, port) in zip(program.model_proto.graph.input, module.ports_in.items(), strict=True):
        sizes = value.type.tensor_type.shape.dim
        if fixed := [letter for letter, size in zip(port.shape, sizes) if isinstance(letter, str) and size.dim_value]:
            raise ValueError(f'the model cannot be exported: a part of it makes the size {fixed[0]} of {name} a '
                             'constant, as len(tensor), int(...) of a size, and chunk do; take tensor.shape[0]')
    return program


def write_program(program, path: Path, facts: dict, one_file: int = ONE_FILE) -> list[Path]:
    """Write a program with facts as texts in its ``metadata_props``; the files written.

    Weights over ``one_file`` bytes go to a second file, ``path`` with ``.data`` after it, which must stay beside it.
    Raises ``OSError`` (a full disk, say).
    """
    import onnx
    proto = program.model_proto
    for name, value in facts.items():
        proto.metadata_props.add(key=name, value=value if isinstance(value, str) else json.dumps(value))
    if sum(len(tensor.raw_data) for tensor in proto.graph.initializer) < one_file:
        with atomic_write(path, 'wb') as file:
            file.write(proto.SerializeToString())
        return [path]
    weights = path.with_name(f'{path.name}.data')
    onnx.save(proto, path, save_as_external_data=True, location=weights.name, size_threshold=1024)
    return [path, weights]


def facts_of(path: str | Path) -> dict[str, str] | None:
    """What an ONNX file says of itself; None: it is none."""
    import onnx
    try:
        proto = onnx.load(str(path), load_external_data=False)
    except Exception:  # protobuf raises errors of its own
        return None
    return {entry.key: entry.value for entry in proto.metadata_props}


class OnnxModel:
    """Run a file in ONNX Runtime on the CPU: dicts of numpy arrays in and out.

    Args:
        path: file.
        num_threads: None: all cores.
    """

    def __init__(self, path: str | Path, num_threads: int | None = None):
        import onnxruntime
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        if num_threads:
            options.intra_op_num_threads = options.inter_op_num_threads = num_threads
        self.session = onnxruntime.InferenceSession(str(path), options, providers=['CPUExecutionProvider'])
        self.names = [output.name for output in self.session.get_outputs()]

    def __call__(self, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        return dict(zip(self.names, self.session.run(None, inputs)))


@contextlib.contextmanager
def _quiet():
    """Without the talk of the exporter, which is meant for its authors."""
    loggers = [logging.getLogger(name) for name in ('torch.onnx', 'torch.export', 'torch._dynamo', 'onnxscript',
                                                    'onnx_ir', 'torch.fx')]
    levels = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.CRITICAL)
        with warnings.catch_warnings(), open(os.devnull, 'w') as nowhere, contextlib.redirect_stdout(nowhere), \
                contextlib.redirect_stderr(nowhere):
            warnings.simplefilter('ignore')
            yield
    finally:
        for logger, level in zip(loggers, levels):
            logger.setLevel(level)


def _reason(error: BaseException) -> str:
    """The first line of what went wrong at the root of an error, and the place in a model that it happened in."""
    while error.__cause__ is not None:
        error = error.__cause__
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    return f'{lines[0][:300]}{_place(error)}'


def _place(error: BaseException) -> str:
    found = ''
    for frame, line in traceback.walk_tb(error.__traceback__):
        owner = frame.f_locals.get('self')
        if isinstance(owner, nn.Module) and not type(owner).__module__.startswith('torch.') \
                and not isinstance(owner, PortedModule):
            found = f' (in {type(owner).__name__}, {frame.f_code.co_filename}:{line})'
    return found


def check_place(path: str | Path) -> Path:
    """``path`` as one that can be written; raises ``ValueError`` for one that does not end in ``.onnx``."""
    place = Path(path).expanduser()
    if place.suffix.lower() != '.onnx' or place.is_dir():
        raise ValueError(f'{path} should be a file that ends in .onnx')
    require_writable(place, 'name another place')
    folder = next(parent for parent in place.absolute().parents if parent.exists())
    if not folder.is_dir():
        raise ValueError(f'{path} cannot be made: {folder} is a file')
    return place
