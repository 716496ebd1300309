"""What computes the networks of a model when it predicts: PyTorch, its compiler, or ONNX Runtime."""
import os
import shutil
import tempfile

import torch
from torch import Tensor, nn

from .estimator import PoseEstimator
from .onnx_program import onnx_program, onnx_session, require_onnx

ENGINES = ('torch', 'compile', 'onnx')


def use_engine(model: nn.Module, engine: str) -> None:
    """Let an engine compute what a model predicts, in place. Its outputs agree with those of PyTorch to rounding.

    Args:
        model: on its device, ready to predict.
        engine: ``'torch'``: as it is; ``'compile'``: ``torch.compile``, which takes a minute at the first call and
            needs a C++ compiler on a CPU; ``'onnx'``: ONNX Runtime on the CPU, which takes seconds at the first call
            with windows of a new size.

    Raises:
        ValueError: no such engine, or it cannot run this model or on this device.
        ModuleNotFoundError: ONNX Runtime is not installed; the message tells how.
    """
    if engine not in ENGINES:
        raise ValueError(f'engine={engine!r} should be one of {list(ENGINES)}')
    if engine == 'torch':
        return
    if not isinstance(model, PoseEstimator):
        raise ValueError(f'engine={engine!r} runs models of the type PoseEstimator, not {type(model).__name__}')
    device = next(model.parameters()).device.type
    if engine == 'compile':
        if device == 'cpu' and not any(map(shutil.which, (os.environ.get('CXX', 'g++'), 'clang++', 'cl'))):
            raise ValueError("engine='compile' needs a C++ compiler, e.g. g++: install one, or take engine='onnx'")
        model.compile_networks()
    else:
        require_onnx()
        if device != 'cpu':
            raise ValueError(f"engine='onnx' runs on a CPU, and the model is on {device}: add device='cpu'")
        model.engine = OnnxNetworks(model)


class OnnxNetworks:
    """Streams ``{name: (B,T,...)}`` to outputs ``{name: (B,T',...)}`` in ONNX Runtime, for any B.

    A program is made whenever windows of a new kind come: other streams, or other sizes.
    """

    def __init__(self, model: PoseEstimator):
        self.model, self.programs = model, {}

    def __call__(self, inputs: dict) -> dict:
        kind = tuple((name, tuple(stream.shape[1:]), stream.dtype) for name, stream in inputs.items())
        if kind not in self.programs:
            self.programs[kind] = self._program(inputs)
        names, session = self.programs[kind]
        read = {value.name for value in session.get_inputs()}
        values = session.run(names, {name: stream.contiguous().numpy() for name, stream in inputs.items()
                                     if name in read})
        return dict(zip(names, map(torch.from_numpy, values)))

    def _program(self, inputs: dict) -> tuple:
        """Names of the outputs, and what computes them."""
        two = {name: torch.cat([stream[:1]] * 2).clone() for name, stream in inputs.items()}  # 1 would be a constant
        networks = _Networks(self.model, list(two)).eval()
        with torch.no_grad():
            names = list(networks.outputs(*two.values()))
        size = torch.export.Dim('B', min=1, max=1 << 16)
        program = onnx_program(networks, tuple(two.values()), (tuple({0: size} for _ in two),), list(two), names)
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            path = os.path.join(folder, 'networks.onnx')
            program.save(path, external_data=True)  # protobuf holds no more than 2 GB
            return names, onnx_session(path, torch.get_num_threads())


class _Networks(nn.Module):
    """Streams in the order of their names to the values of the outputs."""

    def __init__(self, model: PoseEstimator, names: list[str]):
        super().__init__()
        self.model, self.names = model, names

    def outputs(self, *streams: Tensor) -> dict:
        return self.model.outputs(dict(zip(self.names, streams)))

    def forward(self, *streams: Tensor) -> tuple[Tensor, ...]:
        return tuple(self.outputs(*streams).values())
