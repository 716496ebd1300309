"""What each branch of a fusion of outputs is worth: its errors, how alike they are, and which mix would be best."""
import numpy as np
import torch

from ..datasets import WindowDataset
from ..evaluation.units import CM_PER_M
from ..structures import get_skeleton

GRID = np.linspace(0, 1, 51)  # weights of the first branch


class BranchErrors:
    """Errors of two branches and of their mixes with fixed weights, over the joints below the head.

    Args:
        fusion: its inputs and outputs are listened to.
        names: of the branches.
        joints: that count.
    """

    def __init__(self, fusion: torch.nn.Module, names: tuple, joints: list):
        self.names, self.joints = names, joints
        self.outputs, self.fused = {}, {}
        self.curve, self.alone, self.squares = np.zeros(len(GRID)), np.zeros(2), np.zeros((2, 2))
        self.final, self.count, self.weight_sum, self.weight_count = 0.0, 0, 0.0, 0
        self.hook = fusion.register_forward_hook(self._listen)

    @classmethod
    def of(cls, model: torch.nn.Module, data: WindowDataset) -> 'BranchErrors | None':
        """Those of a model, None if it has no two branches with outputs of their own, or a flip doubles its batch."""
        fusion = getattr(model, 'fusion', None)
        if getattr(fusion, 'level', None) != 'outputs' or len(fusion.names) != 2 or model.flip is not None:
            return None
        return cls(fusion, tuple(fusion.names), list(get_skeleton(data.skeleton).non_head))

    def _listen(self, module, arguments: tuple, output: dict) -> None:
        self.outputs, self.fused = arguments[1], output

    def add(self, sample) -> None:
        """Errors of the batch that the model has just seen."""
        visible = (sample.visible & sample.scored[..., None])[..., self.joints].cpu()         # (B,T,J)
        truth, frames = sample.joints.cpu(), sample.joints.shape[1]

        def off(joints):
            return (joints[:, -frames:].cpu() - truth)[:, :, self.joints][visible].double()   # (N,3)

        first, second = (off(self.outputs[name]['joints']) for name in self.names)
        self.curve += [float((weight * first + (1 - weight) * second).norm(dim=-1).sum()) for weight in GRID]
        self.alone += [float(each.norm(dim=-1).sum()) for each in (first, second)]
        self.squares += [[float((a * b).sum()) for b in (first, second)] for a in (first, second)]
        self.final += float(off(self.fused['joints']).norm(dim=-1).sum())
        self.count += len(first)
        if 'weights' in self.fused:
            weights = self.fused['weights'][:, -frames:, self.joints, 0].cpu()[visible]
            self.weight_sum += float(weights.sum())
            self.weight_count += weights.numel()

    def results(self) -> dict:
        """Centimetres: ``alone`` of each branch, ``fused``, ``curve`` over the weights ``grid`` of the first branch,
        ``best`` of these and its ``best_weight``; ``correlation`` of the error vectors, and ``ratio`` of the root mean
        squares of the errors, the smaller one above: in squares a mix gains only where the correlation is below it.
        """
        self.hook.remove()
        curve, rms = self.curve / self.count * CM_PER_M, np.sqrt(np.diag(self.squares))
        best = int(curve.argmin())
        return dict(
            names=list(self.names), alone=(self.alone / self.count * CM_PER_M).tolist(),
            fused=self.final / self.count * CM_PER_M, grid=GRID.tolist(), curve=curve.tolist(),
            best=float(curve[best]), best_weight=float(GRID[best]),
            correlation=float(self.squares[0, 1] / rms.prod()), ratio=float(rms.min() / rms.max()),
            mean_weight=self.weight_sum / self.weight_count if self.weight_count else None)
