"""What the functions of errors promise: any leading dimensions, of which each element is scored by itself."""
import pytest
import torch

from mmegopose.evaluation import functional
from mmegopose.evaluation.benchmarks.hand_benchmark import HO3D, hand_vertex_scores
from mmegopose.evaluation.benchmarks.pose_rules import PoseRules, joint_scores
from mmegopose.evaluation.functional.joint_errors import alignable, norms

generator = torch.Generator().manual_seed(0)
PRED, GT = torch.randn(2, 2, 3, 5, 21, 3, generator=generator, dtype=torch.float64)
SEEN = torch.rand(2, 3, 5, 21, generator=generator) > torch.tensor([0.1, 0.5, 0.85])[:, None, None]
FRAMES = torch.randint(1, 3, (2, 3, 5), generator=generator).cumsum(-1)
SIZE = torch.rand(2, 3, 5, generator=generator, dtype=torch.float64) + 1
SIGMAS = torch.linspace(0.1, 1, 21).tolist()

OF_POSES = {
    'joint errors': (functional.joint_errors, PRED, GT),
    'norms with a gradient': (norms, PRED.clone().requires_grad_()),
    'alignable': (alignable, SEEN),
    'aligned errors': (functional.aligned_errors, PRED, GT, SEEN),
    'aligned errors of all': (functional.aligned_errors, PRED, GT),
    'scaled errors': (functional.scaled_errors, PRED, GT, SEEN),
    'normalized distances': (functional.normalized_distances, PRED[..., :2], GT[..., :2], SIZE),
    'similarity of keypoints': (lambda *x: functional.keypoint_similarity(*x, SIGMAS),
                                PRED[..., :2], GT[..., :2], SEEN, SIZE),
    'mean': (functional.pose_mean, PRED[..., 0], SEEN),
    'mean of all': (functional.pose_mean, PRED[..., 0]),
    'mirror': (functional.orthogonal_align, PRED, GT, SEEN | (torch.arange(21) < 5)),
    'scale and translation': (lambda *x: functional.scale_translation_align(*x, 0, 9), PRED, GT),
    'area': (lambda x: functional.pck_area(x, max_error=2), PRED[..., 0].abs()),
    'nearest points': (lambda *x: functional.nearest_distances(*x, max_elements=2000), PRED, GT[..., :9, :]),
    'F-score': (lambda *x: functional.f_score(*x, thresholds=(0.5, 1)), PRED, GT),
    'hands': (lambda *x: tuple(joint_scores(*x, HO3D).values()), PRED / 9, GT / 9, SEEN),
    'vertices of hands': (lambda *x: tuple(hand_vertex_scores(*x, HO3D).values()), PRED / 99, GT / 99),
    'poses from two joints': (lambda *x: tuple(joint_scores(*x, PoseRules(root=(1, 2))).values()), PRED, GT, SEEN),
    'poses from a given root': (lambda *x: tuple(joint_scores(*x, PoseRules(offset=True)).values()), PRED, GT, SEEN)}
OF_SEQUENCES = {
    'velocity': (functional.velocity_errors, PRED, GT, SEEN, FRAMES),
    'acceleration': (functional.acceleration_errors, PRED, GT, SEEN, FRAMES),
    'jitter': (functional.jitter, PRED, SEEN, FRAMES)}


@pytest.mark.parametrize('name', [*OF_POSES, *OF_SEQUENCES])
def test_leading_dimensions_change_nothing(name):
    function, *arguments = (OF_POSES | OF_SEQUENCES)[name]
    lead = (2, 3, 5) if name in OF_POSES else (2, 3)
    together = as_tuple(function(*arguments))
    alone = [as_tuple(function(*(values[place] for values in arguments)))
             for place in torch.cartesian_prod(*map(torch.arange, lead)).unbind() for place in [tuple(place.tolist())]]
    for found, expected in zip(together, zip(*alone), strict=True):
        torch.testing.assert_close(found, torch.stack(expected).unflatten(0, lead), equal_nan=True, atol=1e-12, rtol=0)


def as_tuple(result):
    return result if isinstance(result, tuple) else (result,)
