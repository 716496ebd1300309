import torch

from mmegopose.models.layers import PoseEmbed


def keypoints(seed=0):
    generator = torch.Generator().manual_seed(seed)
    points = torch.randn(2, 5, 17, 3, generator=generator)
    points[..., 2] = torch.rand(2, 5, 17, generator=generator)
    return points


def without_box(embed):
    """The weights of place and size of the box set to zero."""
    with torch.no_grad():
        embed.fc1.weight[:, -3:] = 0
    return embed


def test_place_and_size_of_a_person_only_change_what_tells_them():
    torch.manual_seed(0)
    points = keypoints()
    moved = points * torch.tensor([0.3, 0.3, 1]) + torch.tensor([0.4, -0.2, 0])
    embed = PoseEmbed(16)
    assert (embed(dict(keypoints=points)) - embed(dict(keypoints=moved))).abs().max() > 1e-2
    embed = without_box(embed)
    torch.testing.assert_close(embed(dict(keypoints=points)), embed(dict(keypoints=moved)), atol=2e-6, rtol=0)


def test_box_is_the_weighted_mean_and_deviation_over_the_window():
    torch.manual_seed(0)
    points, embed, seen = keypoints(), PoseEmbed(16), []
    embed.fc1.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    embed(dict(keypoints=points))
    for window, given in zip(points.double(), seen[0].double()):
        weight = window[..., 2:]
        center = sum(w * p for w, p in zip(weight.reshape(-1), window[..., :2].reshape(-1, 2))) / weight.sum()
        size = ((weight * (window[..., :2] - center) ** 2).sum() / weight.sum()).sqrt()
        torch.testing.assert_close(given[:, -3:], torch.cat([center, size.log()[None]]).expand(5, -1),
                                   atol=1e-5, rtol=0)
        torch.testing.assert_close(given[:, :-3].unflatten(1, (17, 4))[..., :2], (window[..., :2] - center) / size,
                                   atol=1e-5, rtol=0)


def test_what_is_not_detected_does_not_move_the_box():
    torch.manual_seed(0)
    points, embed = keypoints(), PoseEmbed(16)
    detected = torch.ones(2, 5, 17, dtype=torch.bool)
    detected[0, 2, 3] = detected[1, :, 10] = False
    far = torch.where(detected[..., None], points, torch.full_like(points, float('nan')))
    zero = torch.where(detected[..., None], points, 0)
    torch.testing.assert_close(embed(dict(keypoints=far, detected=detected)),
                               embed(dict(keypoints=zero, detected=detected)), atol=0, rtol=0)


def test_nobody_is_no_error():
    embed = PoseEmbed(16)
    out = embed(dict(keypoints=torch.zeros(1, 4, 17, 3), detected=torch.zeros(1, 4, 17, dtype=torch.bool)))
    assert out.isfinite().all()
