import json
import math

import numpy as np
import pytest
import torch
from helpers.lifting_parity import DATA

from mmegopose.files import BadFile
from mmegopose.geometry.heatmaps import crop_to_heatmap, encode_heatmaps, heatmap_to_crop
from mmegopose.models import AdversarialLoss
from mmegopose.models.losses import (
    HeatmapCrossEntropyLoss,
    HeatmapLoss,
    KeypointLoss,
    ParameterLoss,
    RootRelativeLoss,
    RootRelativeVelocityLoss,
)
from mmegopose.models.losses.adversarial import PoseDiscriminator
from mmegopose.models.weights.hamer import discriminator_from_hamer
from mmegopose.registry import MODELS
from mmegopose.structures import PoseDataSample

EXACT = dict(rtol=1e-6, atol=0)


def sample(**fields):
    out = PoseDataSample()
    out.set_data(fields)
    return out


def recorded(*names):
    data = np.load(DATA / 'losses.npz')
    return [torch.from_numpy(data[name])[:, None] if data[name].ndim else float(data[name]) for name in names]


def test_keypoint_loss_is_the_official_one():
    pred, target, wanted = recorded('kp2d_pred', 'kp2d_gt', 'kp2d_l1')
    samples = sample(keypoints=target[..., :2], keypoint_conf=target[..., 2])
    loss = KeypointLoss(0.01)(dict(keypoints=pred), samples)
    torch.testing.assert_close(loss.item(), 0.01 * wanted, **EXACT)


def test_root_relative_loss_is_the_official_one():
    pred, target, wanted = recorded('kp3d_pred', 'kp3d_gt', 'kp3d_l1_root0')
    visible = target[..., 3] > 0
    visible[..., 0] = True  # its own error is zero, so the official loss does not depend on it
    loss = RootRelativeLoss(0.05)(dict(joints=pred), sample(joints=target[..., :3], visible=visible))
    torch.testing.assert_close(loss.item(), 0.05 * wanted, **EXACT)


def test_parameter_loss_is_the_official_one():
    pred, target, known, wanted = recorded('param_pred', 'param_gt', 'has_param', 'param_loss')
    rotations = [values.unflatten(-1, (15, 3, 3)) for values in (pred, target)]
    samples = sample(body_pose=rotations[1], has_pose=known.bool())
    loss = ParameterLoss('body_pose', 0.001)(dict(body_pose=rotations[0]), samples)
    torch.testing.assert_close(loss.item(), 0.001 * wanted, **EXACT)


def clip(seed=0, B=3, T=2):
    """Outputs and their labels, of which some are missing."""
    generator = torch.Generator().manual_seed(seed)
    shapes = dict(joints=(21, 3), keypoints=(21, 2), global_orient=(1, 3, 3), body_pose=(15, 3, 3), betas=(10,),
                  heatmaps=(21, 16, 12))
    outputs, target = ({name: torch.randn(B, T, *shape, generator=generator) for name, shape in shapes.items()}
                        for _ in range(2))
    target['keypoints'] = target['keypoints'] / 10
    del target['heatmaps']
    visible = torch.rand(B, T, 21, generator=generator) > 0.3
    has = torch.tensor([[True, False, True], [True, True, True], [False, False, False]])[:, :T]
    return outputs, sample(**target, visible=visible, keypoint_conf=visible * 0.7, has_pose=has, has_betas=has)


LOSSES = {
    'keypoints': (dict(type='KeypointLoss'), 'keypoints', 'keypoint_conf'),
    'joints': (dict(type='RootRelativeLoss', root=3), 'joints', 'visible'),
    'orient': (dict(type='ParameterLoss', name='global_orient'), 'global_orient', 'has_pose'),
    'pose': (dict(type='ParameterLoss', name='body_pose'), 'body_pose', 'has_pose'),
    'betas': (dict(type='ParameterLoss', name='betas'), 'betas', 'has_betas'),
}


@pytest.mark.parametrize('name', LOSSES)
@pytest.mark.parametrize('reduction', ['sum', 'mean'])
def test_what_has_no_label_does_not_count(name, reduction):
    config, field, mask = LOSSES[name]
    loss = MODELS.build(dict(config, reduction=reduction))
    outputs, samples = clip()
    known = samples.get(mask) > 0
    if field == 'joints':
        known = known & known[:, :, 3:4]
    unknown = ~known.reshape(known.shape + (1,) * (outputs[field].ndim - known.ndim)).expand_as(outputs[field])
    pred = outputs[field].requires_grad_()
    value = loss(dict(outputs, **{field: pred}), samples)
    value.backward()
    if field == 'joints':  # the root moves with the others
        unknown[:, :, 3] = False
    assert unknown.any() and pred.grad[unknown].abs().max() == 0 and pred.grad[~unknown].abs().min() >= 0
    assert pred.grad.abs().sum() > 0
    missing = ~(samples.get(mask) > 0)
    missing = missing.reshape(missing.shape + (1,) * (outputs[field].ndim - missing.ndim))
    samples.set_field(samples.get(field).masked_fill(unknown, 1e6).masked_fill(missing, math.nan), field)
    torch.testing.assert_close(loss(outputs, samples), value)
    samples.set_field(torch.zeros_like(samples.get(mask)), mask)
    assert loss(outputs, samples) == 0


def test_mean_and_sum_agree():
    outputs, samples = clip()
    each = (outputs['body_pose'] - samples.body_pose).square()[samples.has_pose]
    total = ParameterLoss('body_pose')(outputs, samples)
    torch.testing.assert_close(total, each.sum())
    torch.testing.assert_close(ParameterLoss('body_pose', 2.0, 'mean')(outputs, samples), 2 * each.mean())
    torch.testing.assert_close(KeypointLoss(reduction='mean')(outputs, samples), 0.7 * (
        outputs['keypoints'] - samples.keypoints).abs()[samples.visible].mean())


def test_velocities_are_relative_to_the_root():
    outputs, samples = clip()
    moved = dict(joints=outputs['joints'] + torch.randn(3, 2, 1, 3))  # the whole body, differently in each frame
    loss = RootRelativeVelocityLoss(0.5, root=2)
    torch.testing.assert_close(loss(moved, samples), loss(outputs, samples))
    samples.visible = torch.ones_like(samples.visible)
    relative = [joints - joints[:, :, 2:3] for joints in (outputs['joints'], samples.joints)]
    velocity = [joints[:, 1] - joints[:, 0] for joints in relative]
    torch.testing.assert_close(loss(outputs, samples), 0.5 * (velocity[0] - velocity[1]).abs().sum())
    assert loss({'joints': outputs['joints'][:, :1]}, samples.last_frames(1)) == 0
    outputs, samples = clip(T=3)
    samples.visible = torch.ones(3, 3, 21, dtype=torch.bool)
    samples.visible[:, 0, 5:] = False  # seen from the second frame on
    found = loss(outputs, samples)
    relative = [(joints - joints[:, :, 2:3]).diff(dim=1) for joints in (outputs['joints'], samples.joints)]
    each = (relative[0] - relative[1]).abs()
    torch.testing.assert_close(found, 0.5 * (each[:, 0, :5].sum() + each[:, 1].sum()))


def test_betas_without_a_label_are_drawn_to_zero():
    outputs, samples = clip()
    wanted = torch.where(samples.has_betas[..., None], samples.betas, 0)
    torch.testing.assert_close(ParameterLoss('betas', regularize=True)(outputs, samples),
                               (outputs['betas'] - wanted).square().sum())


def test_heatmap_units():
    """A 64 x 48 image, the central columns of a 64 x 64 crop."""
    corners = torch.tensor([[-0.375, -0.5], [0.0, 0.0], [0.375 - 1 / 64, 0.5 - 1 / 64]])
    points = crop_to_heatmap(corners, (16, 12))
    torch.testing.assert_close(points, torch.tensor([[0, 0], [24 * 11 / 47, 32 * 15 / 63], [11, 15]]))
    torch.testing.assert_close(heatmap_to_crop(points, (16, 12)), corners)


def test_heatmap_loss():
    outputs, samples = clip()
    samples.keypoints = samples.keypoints.clone()
    samples.keypoints[0, 0, 0, 0] = 0.45  # inside the crop, outside of the image
    points = crop_to_heatmap(samples.keypoints, (16, 12))
    inside = (samples.keypoints[..., 0] * 64).round().abs() < 24
    inside &= (points >= 0).all(-1) & (points[..., 0] <= 11) & (points[..., 1] <= 15)
    assert not inside[0, 0, 0] and inside.sum() > 50
    each = (outputs['heatmaps'] - encode_heatmaps(points, (16, 12))).square()[inside & samples.visible]
    torch.testing.assert_close(HeatmapLoss()(outputs, samples), 0.7 * each.mean())


def test_keypoints_between_the_first_and_the_last_pixels_count():
    points = torch.tensor([[0.2, 14.8], [10.8, 0.2], [-0.2, 8], [11.2, 8], [5, -0.2], [5, 15.2]])[None, None]
    keypoints, conf = heatmap_to_crop(points, (16, 12)), torch.ones(1, 1, 6)
    _, weight = HeatmapLoss().target(torch.zeros(1, 1, 6, 16, 12), sample(keypoints=keypoints, keypoint_conf=conf))
    assert weight.flatten().tolist() == [1, 1, 0, 0, 0, 0]


def test_heatmap_cross_entropy_is_least_for_the_gaussians():
    _, samples = clip()
    points = crop_to_heatmap(samples.keypoints, (16, 12))
    target = encode_heatmaps(points, (16, 12), 1.5).clamp(min=1e-30)
    exact = (target / target.sum((-2, -1), keepdim=True)).log().requires_grad_()
    loss = HeatmapCrossEntropyLoss(sigma=1.5)
    value = loss(dict(heatmaps=exact.flatten(3).log_softmax(-1).view_as(exact)), samples)
    value.backward()
    assert exact.grad.abs().max() < 1e-6
    broad = torch.zeros_like(exact).flatten(3).log_softmax(-1).view_as(exact)
    assert value < loss(dict(heatmaps=broad), samples)
    torch.testing.assert_close(loss(dict(heatmaps=broad), samples).item(), 0.7 * math.log(16 * 12), **EXACT)


def discriminator_weights():
    """The recorded discriminator has weights of a formula."""
    config = json.loads(str(np.load(DATA / 'discriminator_mano.npz')['config']))
    return {f'discriminator.{key}': torch.from_numpy(
        (np.sin(np.arange(np.prod(shape)) * 0.37 + i) * 0.05).astype(np.float32).reshape(shape))
        for i, (key, shape) in enumerate(zip(config['keys'], config['shapes']))}


def test_discriminator_is_the_official_one():
    data = np.load(DATA / 'discriminator_mano.npz')
    model = PoseDiscriminator(15)
    model.load_state_dict(discriminator_from_hamer(discriminator_weights()), strict=True)
    scores = model(*(torch.from_numpy(data[name]) for name in ('poses', 'betas')))
    torch.testing.assert_close(scores, torch.from_numpy(data['output']), atol=1e-6, rtol=0)
    with pytest.raises(ValueError, match='discriminator.D_conv3.weight'):
        discriminator_from_hamer({'discriminator.D_conv3.weight': None})


class Generator(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.pose = torch.nn.Parameter(torch.randn(2, 3, 15, 3, 3))
        self.betas = torch.nn.Parameter(torch.randn(2, 3, 10))

    def forward(self):
        return dict(body_pose=self.pose * 1, betas=self.betas * 1)


def test_one_optimiser_does_what_two_alternating_ones_do():
    torch.manual_seed(0)
    generator, adversarial = Generator(), AdversarialLoss(15, loss_weight=0.5)
    twin, critic = Generator(), PoseDiscriminator(15)
    twin.load_state_dict(generator.state_dict())
    critic.load_state_dict(adversarial.discriminator.state_dict())
    labels = sample(body_pose=torch.randn(2, 3, 15, 3, 3), betas=torch.randn(2, 3, 10),
                    has_pose=torch.ones(2, 3, dtype=torch.bool), has_betas=torch.ones(2, 3, dtype=torch.bool))
    options = dict(lr=1e-2, weight_decay=0.1, eps=1e-3)  # Adam turns the rounding of small gradients into steps
    one = torch.optim.AdamW([*generator.parameters(), *adversarial.parameters()], **options)
    first, second = (torch.optim.AdamW(module.parameters(), **options) for module in (twin, critic))
    for _ in range(3):
        one.zero_grad()
        sum(adversarial(generator(), labels).values()).backward()
        one.step()

        fake = [value.flatten(0, 1) for value in twin().values()]
        first.zero_grad()
        (0.5 * (critic(*fake) - 1).square().sum() / 6).backward()
        first.step()
        second.zero_grad()
        real = critic(labels.body_pose.flatten(0, 1), labels.betas.flatten(0, 1))
        guess = critic(*(value.detach() for value in fake))
        (0.5 * ((real - 1).square().sum() + guess.square().sum()) / 6).backward()
        second.step()
    torch.testing.assert_close(generator.pose, twin.pose)
    torch.testing.assert_close(adversarial.discriminator.state_dict(), critic.state_dict(), atol=1e-4, rtol=1e-4)


def test_discriminator_learns_to_tell_real_from_estimated(tmp_path):
    torch.manual_seed(0)
    vectors, betas = 0.1 * torch.randn(50, 48), torch.randn(50, 10)
    np.savez(tmp_path / 'mocap.npz', hand_pose=vectors, betas=betas)
    loss = AdversarialLoss(15, loss_weight=1.0, poses=str(tmp_path / 'mocap.npz'))
    assert not any('real' in key for key in loss.state_dict())
    outputs = Generator()()
    labels = sample(body_pose=outputs['body_pose'], betas=outputs['betas'],
                    has_pose=torch.zeros(2, 3, dtype=torch.bool), has_betas=torch.zeros(2, 3, dtype=torch.bool))
    optimizer = torch.optim.AdamW(loss.parameters(), 1e-3)
    values = []
    for _ in range(150):
        optimizer.zero_grad()
        parts = loss({key: value.detach() for key, value in outputs.items()}, labels)
        sum(parts.values()).backward()
        optimizer.step()
        values.append(parts['discriminator'].item())
    assert values[-1] < 0.1 * values[0] and values[0] > 1
    for arrays in (dict(pose=vectors), dict(hand_pose=vectors), dict(pose=vectors, betas=betas)):
        np.savez(tmp_path / 'mocap.npz', **arrays)
        with pytest.raises(BadFile, match='mocap.npz should hold body_pose or hand_pose, and betas'):
            AdversarialLoss(15, poses=str(tmp_path / 'mocap.npz'))
    np.savez(tmp_path / 'mocap.npz', hand_pose=vectors, betas=betas)
    with pytest.raises(BadFile, match=r'\(50, 48\).*should be\s+\(N, 72\)'):
        AdversarialLoss(23, poses=str(tmp_path / 'mocap.npz'))


def test_unlabelled_bodies_are_no_real_ones():
    loss = AdversarialLoss(15)
    outputs, samples = clip()
    value = loss(outputs, samples)['discriminator']
    samples.body_pose = samples.body_pose.masked_fill(~samples.has_pose[..., None, None, None], 1e3)
    torch.testing.assert_close(loss(outputs, samples)['discriminator'], value)
    samples.has_betas = samples.has_betas & torch.tensor([[False, True], [True, True], [True, True]])
    value = loss(outputs, samples)['discriminator']
    samples.body_pose[0], samples.betas[0] = 1e3, 1e3  # half a label is none
    torch.testing.assert_close(loss(outputs, samples)['discriminator'], value)


@pytest.mark.parametrize('config, message', [
    (dict(type='KeypointLoss', reduction='none'), "'sum' or 'mean'"),
    (dict(type='ParameterLoss', name='pose'), "name='pose'.*global_orient")])
def test_wrong_arguments_say_what_is_right(config, message):
    with pytest.raises(ValueError, match=message):
        MODELS.build(config)


@pytest.mark.parametrize('loss', [
    KeypointLoss(), RootRelativeLoss(), RootRelativeVelocityLoss(), ParameterLoss('body_pose'),
    ParameterLoss('betas', regularize=True), ParameterLoss('betas', regularize=True, reduction='mean'), HeatmapLoss(),
    AdversarialLoss(num_joints=3, num_betas=4)], ids=lambda loss: type(loss).__name__)
def test_a_window_without_pictures_has_no_loss(loss):
    generator = torch.Generator().manual_seed(0)
    B, T, J = 3, 2, 3
    shapes = dict(keypoints=(J, 2), joints=(J, 3), body_pose=(J, 3, 3), betas=(4,), heatmaps=(J, 16, 12))
    outputs = {name: torch.rand(B, T, *shape, generator=generator, requires_grad=True)
               for name, shape in shapes.items()}
    shown = torch.tensor([[True, True], [True, False], [False, False]])  # and a picture that fills up a window
    targets = {name: torch.rand(B, T, *shape, generator=generator) for name, shape in shapes.items()}
    masks = dict(keypoint_conf=shown[..., None].expand(B, T, J).float(), visible=shown[..., None].expand(B, T, J),
                 has_pose=shown, has_betas=shown, scored=shown)
    value = loss(outputs, sample(**targets, **masks))
    total = sum(value.values()) if isinstance(value, dict) else value
    total.backward()
    moved = [output.grad for output in outputs.values() if output.grad is not None]
    assert moved and all((grad[2] == 0).all() and grad[:2].any() for grad in moved)
    rest = loss({name: output[:2] for name, output in outputs.items()},
                sample(**{name: values[:2] for name, values in (targets | masks).items()}))
    torch.testing.assert_close(total, sum(rest.values()) if isinstance(rest, dict) else rest)
