"""ONNX files: writing one with its facts, and running it."""
import inspect
import json
from pathlib import Path

import numpy as np
import torch

from ..files import atomic_write, require_writable
from ..models.onnx_program import onnx_program, onnx_session
from .ported_module import PortedModule

ONE_FILE = 2_000_000_000  # bytes: protobuf can hold no more


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
    return onnx_program(module.float().cpu().eval(), module.example(), shapes, list(module.ports_in),
                        list(module.ports_out))


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
        self.session = onnx_session(path, num_threads)
        self.names = [output.name for output in self.session.get_outputs()]

    def __call__(self, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        return dict(zip(self.names, self.session.run(None, inputs)))


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
