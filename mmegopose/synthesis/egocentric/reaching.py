"""Arms that work in front of a camera on the head: where the wrists go, and how shoulder and elbow follow."""
import torch
from torch import Tensor
from torch.nn.functional import normalize

from ..moving_random import MovingRandom

# Where a right wrist works, metres from the camera: x right, y down, z forward; and where it rests, out of the picture.
_WORK = ((-0.02, 0.30), (0.08, 0.34), (0.20, 0.42))
_REST = ((0.12, 0.25), (0.45, 0.60), (0.05, 0.20))
_LONGEST, _SHORTEST = 0.97, 0.45  # distance from shoulder to wrist, of the stretched arm


def wrist_places(moving: MovingRandom, rest: float = 0.15) -> Tensor:
    """Places of left and right wrist in the axes of the camera, x right, y down, z forward: ``(B,T,2,3)``, metres.

    Args:
        moving: decides everything.
        rest: share of the time in which a hand is out of the picture.
    """
    work, down = (torch.tensor(box, dtype=torch.float64).T for box in (_WORK, _REST))  # (2,3) low, high
    resting = torch.sigmoid(30 * (rest - moving.uniform(2, 1)))
    low, high = (work[side] + resting * (down[side] - work[side]) for side in (0, 1))
    place = low + (high - low) * moving.uniform(2, 3)
    return place * place.new_tensor([[-1., 1, 1], [1, 1, 1]])


def bent_arm(shoulder: Tensor, wrist: Tensor, upper: float, fore: float, pole: Tensor) -> tuple[Tensor, Tensor]:
    """Elbow and wrist of an arm that reaches for ``wrist`` as far as it can, all ``(...,3)``.

    Args:
        shoulder: ``(...,3)``.
        wrist: ``(...,3)`` where it should be.
        upper, fore: lengths of upper arm and forearm, metres.
        pole: ``(...,3)`` direction to which the elbow points.
    """
    reach = wrist - shoulder
    distance = reach.norm(dim=-1, keepdim=True)
    direction = reach / distance.clamp(min=1e-6)
    distance = distance.clamp(_SHORTEST * (upper + fore), _LONGEST * (upper + fore))
    along = (distance.square() + upper ** 2 - fore ** 2) / (2 * distance)
    across = normalize(pole - (pole * direction).sum(-1, keepdim=True) * direction, dim=-1)
    elbow = shoulder + along * direction + (upper ** 2 - along.square()).clamp(min=0).sqrt() * across
    return elbow, shoulder + distance * direction
