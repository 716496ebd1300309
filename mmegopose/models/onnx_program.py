"""Modules as programs of ONNX, and what runs these on a CPU."""
import contextlib
import logging
import os
import traceback
import warnings
from pathlib import Path

import torch
from torch import nn

OPSET = 20
REMEDY = 'this needs onnx, onnxscript and onnxruntime: pip install "mmegopose[onnx]"'


def require_onnx() -> None:
    """``ModuleNotFoundError`` with the remedy if a package for ONNX is not installed."""
    try:
        import onnx  # noqa: F401
        import onnxruntime  # noqa: F401
        import onnxscript  # noqa: F401
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(f'{REMEDY} ({error})', name=error.name) from None


def onnx_program(module: nn.Module, example: tuple, dynamic_shapes: tuple, inputs: list[str], outputs: list[str]):
    """The ONNX program of a module, with names for its inputs and outputs; the other arguments are those of
    ``torch.onnx.export``.

    Raises ``ValueError`` that names the place if a part of the model has no form in ONNX.
    """
    try:
        with _quiet(), torch.no_grad():
            program = torch.onnx.export(module, example, dynamo=True, opset_version=OPSET, verbose=False,
                                        dynamic_shapes=dynamic_shapes, input_names=inputs, output_names=outputs)
    except (RuntimeError, TypeError, ValueError, NotImplementedError, torch.onnx.errors.OnnxExporterError) as error:
        raise ValueError(f'the model cannot be exported: {_reason(error, module)}. A model can be exported if its '
                         'forward is made of operations on tensors alone, without branches on their values, numpy and '
                         'decompositions such as svd') from error
    of_each = dynamic_shapes[0] if isinstance(dynamic_shapes[0], tuple) else dynamic_shapes  # of forward(*values)
    for value, name, free in zip(program.model_proto.graph.input, inputs, of_each, strict=True):
        sizes = value.type.tensor_type.shape.dim
        if fixed := [size.__name__ for place, size in free.items() if sizes[place].dim_value]:
            raise ValueError(f'the model cannot be exported: a part of it makes the size {fixed[0]} of {name} a '
                             'constant, as len(tensor), int(...) of a size, and chunk do; take tensor.shape[0]')
    return program


def onnx_session(path: str | Path, num_threads: int | None = None):
    """What runs the program in a file, on the CPU; ``num_threads`` None: on all cores."""
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    if num_threads:
        options.intra_op_num_threads = options.inter_op_num_threads = num_threads
    return onnxruntime.InferenceSession(str(path), options, providers=['CPUExecutionProvider'])


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


def _reason(error: BaseException, module: nn.Module) -> str:
    """The first line of what went wrong at the root of an error, and the place in a model that it happened in."""
    while error.__cause__ is not None:
        error = error.__cause__
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    return f'{lines[0][:300]}{_place(error, module)}'


def _place(error: BaseException, module: nn.Module) -> str:
    found = ''
    for frame, line in traceback.walk_tb(error.__traceback__):
        owner = frame.f_locals.get('self')
        if isinstance(owner, nn.Module) and not type(owner).__module__.startswith('torch.') \
                and owner is not module:
            found = f' (in {type(owner).__name__}, {frame.f_code.co_filename}:{line})'
    return found
