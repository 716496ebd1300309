"""A device that is not there: its tensors have a place, a shape and a type, but no values and no memory."""
import traceback
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch._subclasses import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode

from ..structures import PoseDataSample

ATEN = torch.ops.aten
FOREIGN = tuple(str(Path(module.__file__).parent) for module in (torch, __import__('mmengine')))


def device_name() -> str:
    """``'cuda'`` if there is a card; else a stand-in called ``'gpu'``.

    Raises ``RuntimeError`` if there is no card and this torch is older than 2.10.
    """
    if torch.cuda.is_available():
        return 'cuda'
    if torch._C._get_privateuse1_backend_name() != 'gpu':
        from torch.utils import backend_registration
        register = getattr(backend_registration, '_setup_privateuseone_for_python_backend', None)
        if register is None:
            raise RuntimeError(f'torch {torch.__version__} has no device that is not there: take torch 2.10 or newer, '
                               'or a machine with a GPU')
        register('gpu', _backend(backend_registration._DummyBackendModule))
    return 'gpu'


def _backend(base: type):
    class Backend(base):
        def get_amp_supported_dtype(self) -> list:
            return [torch.bfloat16, torch.float16]

    return Backend()


class Finding(NamedTuple):
    """Something that does not belong on a device.

    Attributes:
        kind: ``'mixes'``: an operation on tensors of two devices, which fails; ``'waits'``: the host needs a value and
            waits until the device is done; ``'carries'``: numbers of the host travel to the device, which waits too.
        op: the operation of torch.
        place: file, line and source line.
    """
    kind: str
    op: str
    place: str

    def __str__(self) -> str:
        return f'{self.kind:8} {self.op:32} {self.place}'


class Watch(TorchDispatchMode):
    """Lists what waits for the device; where the host wants a value it gets one that is made up, and goes on."""

    def __init__(self, device: str):
        super().__init__()
        self.device, self.findings, self.op = device, [], ''

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs, self.op = kwargs or {}, str(func).removeprefix('aten.')
        first = next((arg for arg in args if isinstance(arg, Tensor)), None)
        here = first is not None and first.device.type == self.device
        if here and func is ATEN._local_scalar_dense.default:
            self.found('waits')
            return {torch.bool: True}.get(first.dtype, 1.0 if first.dtype.is_floating_point else 1)
        if here and func is ATEN.nonzero.default:
            self.found('waits')
            return first.new_zeros((1, first.ndim), dtype=torch.long)
        if here and func is ATEN.index.Tensor and any(i is not None and i.dtype == torch.bool for i in args[1]):
            self.found('waits')
            args = (first, [new for i in args[1] for new in _one_place(i)])
        target = kwargs.get('device')
        if func is ATEN._to_copy.default and target is not None and first.device.type != target.type:
            self.found('waits' if here else 'carries')
            # Not the operation itself, which works out a constant of the host, for real, on the device.
            return torch.empty(first.shape, dtype=kwargs.get('dtype') or first.dtype, device=target)
        out = func(*args, **kwargs)
        if func is ATEN.copy_.default and args[0].device != args[1].device:
            self.found('carries' if here else 'waits')
        elif func is ATEN.index.Tensor and here and any(i is not None and i.device != first.device for i in args[1]):
            self.found('carries')
        return out

    def found(self, kind: str) -> None:
        finding = Finding(kind, self.op, place_of(traceback.extract_stack()))
        if finding not in self.findings:
            self.findings.append(finding)


def _one_place(index: Tensor | None) -> list:
    """A mask as indices of one place; other indices stay as they are."""
    if index is None or index.dtype != torch.bool:
        return [index]
    return [index.new_zeros(1, dtype=torch.long)] * index.ndim


def place_of(frames) -> str:
    """The innermost frame outside of torch and mmengine."""
    own = [frame for frame in frames if not frame.filename.startswith(FOREIGN) and frame.filename != __file__]
    return f'{own[-1].filename}:{own[-1].lineno}: {own[-1].line}' if own else 'in the backward pass'


@contextmanager
def fake_tensors():
    """Inside, tensors have no values; yields the mode, which makes such a tensor of a real one."""
    with ExitStack() as stack:
        mode = stack.enter_context(FakeTensorMode(allow_non_fake_inputs=True))
        before = torch._C._only_lift_cpu_tensors()
        torch._C._set_only_lift_cpu_tensors(True)  # torch.tensor(..., device=...) begins on the host, as it does
        stack.callback(torch._C._set_only_lift_cpu_tensors, before)
        yield mode


def move_model(model: nn.Module, device: str) -> None:
    """Put the parameters and buffers of a model on a device that is not there, in place; call it in the mode.

    What ``model.to`` would not move stays where it is.
    """
    moved: dict = {}
    for module in model.modules():
        for tensors in (module._parameters, module._buffers):
            for name, tensor in tensors.items():
                if tensor is not None:
                    new = torch.empty(tensor.shape, dtype=tensor.dtype, device=device)
                    if isinstance(tensor, nn.Parameter):
                        new = nn.Parameter(new, tensor.requires_grad)
                    tensors[name] = moved.setdefault(id(tensor), new)


def moved_batch(batch: dict, mode: FakeTensorMode, device: str) -> tuple[dict, PoseDataSample]:
    """Streams and data sample of a batch on a device that is not there."""
    def move(tensor):
        return mode.from_tensor(tensor).to(device) if isinstance(tensor, Tensor) else tensor

    samples = PoseDataSample(metainfo=dict(batch['data_samples'].metainfo_items()))
    samples.set_data({name: move(value) for name, value in batch['data_samples'].items()})
    return {name: move(value) for name, value in batch['inputs'].items()}, samples
