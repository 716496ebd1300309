import pickle
from dataclasses import replace

import numpy as np
import pytest
import torch
from helpers.hand_samples import flat_hands, shrink_challenges
from helpers.image_fixture import write_freihand, write_ho3d, write_json

from mmegopose.datasets import ImageMeshDataset
from mmegopose.evaluation.metrics import gathering
from mmegopose.evaluation.submissions.hand_file import CHALLENGES, MANO_ORDER, read_hand_submission
from mmegopose.files import BadFile
from mmegopose.registry import METRICS

NAMES = ('SM1/0003', 'AP10/0000', 'SM1/0001', 'SM1/0002', 'AP10/0012', 'AP10/0001')
META = dict(sequences=[dict(uid='AP10'), dict(uid='SM1')])


@pytest.fixture(autouse=True)
def small(monkeypatch):
    shrink_challenges(monkeypatch)


@pytest.fixture(scope='module')
def hands():
    return tuple(torch.tensor(points).float() for points in flat_hands())


def sample(hands, rows, **fields):
    """Batched sample ``(B,1,...)`` of FreiHAND's images ``rows``."""
    rows = torch.tensor(rows)
    joints, vertices = (part[rows][:, None] for part in hands)
    return dict(pred_joints=joints, pred_vertices=vertices, frame_ids=rows[:, None], **fields)


def write(path, *samples, meta=None, **options):
    metric = METRICS.build(dict(type='HandSubmission', out_file=str(path), **options))
    metric.dataset_meta = meta
    for one in samples:
        metric.process(None, [one])
    return metric.evaluate(len(samples))


def read(path):
    return [torch.tensor(part) for part in read_hand_submission(path)]


def close(found, expected, tolerance=1e-6):
    torch.testing.assert_close(found, expected.float(), atol=tolerance, rtol=0)


@pytest.mark.parametrize('suffix', ['json', 'zip'])
def test_rows_are_in_the_official_order(hands, tmp_path, suffix):
    path = tmp_path / f'pred.{suffix}'
    found = write(path, sample(hands, [5, 0, 3]), sample(hands, [1, 2, 4]), sample(hands, [3, 4]))
    assert found == {'submission/hands': 6}
    for part, expected in zip(read(path), hands):
        close(part, expected)


def test_the_body_model_is_put_before_the_camera(hands, tmp_path):
    translation = torch.tensor([0.05, -0.02, 0.6])
    local = [part - translation for part in hands]
    write(tmp_path / 'pred.json', sample(local, range(6), pred_translation=translation.expand(6, 1, 3)))
    for part, expected in zip(read(tmp_path / 'pred.json'), hands):
        close(part, expected, 2e-6)


def test_left_hands_are_mirrored_back(hands, tmp_path):
    right = torch.tensor([True, False, True, True, False, True])
    write(tmp_path / 'pred.json', sample(hands, range(6), right=right[:, None]))
    sign = torch.where(right, 1, -1)[:, None]
    for part, expected in zip(read(tmp_path / 'pred.json'), hands):
        close(part[..., 0], sign * expected[..., 0])
        close(part[..., 1:], expected[..., 1:])


def ho3d_clip(hands, take, frames, rows, scored):
    joints, vertices = (part[torch.tensor(rows)][None] for part in hands)
    return dict(pred_joints=joints, pred_vertices=vertices, frame_ids=torch.tensor([frames]),
                sequence=torch.tensor([take]), scored=torch.tensor([scored]))


def test_rows_of_ho3d_are_the_lines_of_its_list(hands, tmp_path):
    template = tmp_path / 'evaluation.txt'
    template.write_text('\n'.join(NAMES) + '\n')
    clips = [ho3d_clip(hands, 1, [1, 2, 3], [2, 3, 0], [True] * 3),
             ho3d_clip(hands, 0, [0, 1, 1], [1, 5, 4], [True, True, False]),
             ho3d_clip(hands, 0, [12, 12, 12], [4, 0, 0], [True, False, False])]
    options = dict(challenge='ho3d_v2', template=str(template), meta=META)
    assert write(tmp_path / 'pred.zip', *clips, **options) == {'submission/hands': 6}
    joints, vertices = read(tmp_path / 'pred.zip')
    axes = torch.tensor([1, -1, -1])
    close(joints, hands[0][:, list(MANO_ORDER)] * axes)
    close(vertices, hands[1] * axes)

    with pytest.raises(ValueError, match=r'no prediction for 1 images, whose rows are zero: 4 \(AP10/0012\)'):
        write(tmp_path / 'pred.zip', *clips[:2], **options)
    with pytest.raises(ValueError, match=r"image \('SM1', 9\) is none of the 6 of ho3d_v2"):
        write(tmp_path / 'pred.zip', ho3d_clip(hands, 1, [9], [0], [True]), **options)


def test_missing_images_leave_the_others_in_place(hands, tmp_path):
    path = tmp_path / 'pred.json'
    with pytest.raises(ValueError, match='not fit') as error:
        write(path, sample(hands, [0, 1, 3, 5]))
    assert str(error.value).splitlines()[1] == '  no prediction for 2 images, whose rows are zero: 2, 4'
    joints, vertices = read(path)
    close(joints[[0, 1, 3, 5]], hands[0][[0, 1, 3, 5]])
    assert len(joints) == len(vertices) == 6 and not joints[[2, 4]].any() and not vertices[[2, 4]].any()


def test_what_is_odd_is_told(hands, tmp_path):
    with pytest.raises(ValueError, match='joints: looks like millimetres'):
        write(tmp_path / 'pred.json', sample([1000 * part for part in hands], range(6)))
    assert (tmp_path / 'pred.json').is_file()


def test_wrong_use_is_told_at_once(hands, tmp_path, monkeypatch):
    path, template = tmp_path / 'pred.json', tmp_path / 'evaluation.txt'
    with pytest.raises(ValueError, match=r'pred_vertices \(B,T,778,3\), the hand of MANO.*got \(6, 1, 700, 3\)'):
        write(path, sample([hands[0], hands[1][:, :700]], range(6)))
    with pytest.raises(KeyError, match='pred_vertices.*body model'):
        write(path, {key: value for key, value in sample(hands, [0]).items() if key != 'pred_vertices'})
    with pytest.raises(ValueError, match='image 6 is none of the 6 of freihand'):
        write(path, dict(sample(hands, [0]), frame_ids=torch.tensor([[6]])))
    with pytest.raises(KeyError, match='ho3d_v2'):
        write(path, challenge='ho3d')
    with pytest.raises(ValueError, match='.json or a .zip'):
        write(tmp_path / 'pred.pkl')
    with pytest.raises(ValueError, match="'ho3d_v3' does not go with template=None"):
        write(path, challenge='ho3d_v3')
    template.write_text('SM1/0000\nSM1/0001\n')
    with pytest.raises(ValueError, match='lists 2 images; ho3d_v2 has 6'):
        write(path, challenge='ho3d_v2', template=str(template))
    for content in ('SM1/0000\nSM1/0000\n', 'SM1\n'):
        template.write_text(content)
        with pytest.raises(BadFile, match='SEQUENCE/FRAME'):
            write(path, challenge='ho3d_v2', template=str(template))
    assert not path.exists()


def test_processes_bring_their_hands_together(hands, tmp_path, monkeypatch):
    other = METRICS.build(dict(type='HandSubmission', out_file=str(tmp_path / 'pred.json')))
    other.process(None, [sample(hands, [1, 3, 5])])
    monkeypatch.setattr(gathering, 'all_gather_object',
                        lambda part: [part, pickle.loads(pickle.dumps((other.results, set())))])
    write(tmp_path / 'pred.json', sample(hands, [0, 2]), sample(hands, [4]))
    close(read(tmp_path / 'pred.json')[0], hands[0])


def truth_as_prediction(dataset):
    """All of a data set in one batch, last first."""
    fields = dict(dataset.__getitems__(range(len(dataset) - 1, -1, -1))['data_samples'].items())
    vertices = fields['joints'].repeat(1, 1, 38, 1)[:, :, :778]
    return dict(fields, pred_joints=fields['joints'], pred_vertices=vertices)


def test_images_of_freihand_that_cannot_be_used_shift_no_row(tmp_path, monkeypatch):
    monkeypatch.setitem(CHALLENGES, 'freihand', replace(CHALLENGES['freihand'], num_samples=5))
    xyz = write_freihand(tmp_path, count=5)['evaluation']['xyz']
    unlabelled = xyz.copy()
    unlabelled[1] = np.nan
    write_json(tmp_path / 'evaluation_xyz.json', unlabelled)
    (tmp_path / 'evaluation/rgb/00000003.jpg').write_bytes(b'no image')
    dataset = ImageMeshDataset(str(tmp_path), dict(type='freihand', split='evaluation'), test_mode=True)
    assert len(dataset) == 4
    with pytest.raises(ValueError, match='no prediction for 2 images, whose rows are zero: 1, 3\n'):
        write(tmp_path / 'pred.json', truth_as_prediction(dataset), meta=dataset.metainfo)
    close(read(tmp_path / 'pred.json')[0][[0, 2, 4]], torch.tensor(xyz[[0, 2, 4]]))


@pytest.mark.parametrize('frames', [1, 3])
def test_ho3d_from_its_reader(tmp_path, monkeypatch, frames):
    monkeypatch.setitem(CHALLENGES, 'ho3d_v3', replace(CHALLENGES['ho3d_v3'], num_samples=4))
    write_ho3d(tmp_path)
    template = tmp_path / 'evaluation.txt'
    template.write_text('\n'.join(f'SM1/{frame:04d}' for frame in (2, 0, 3, 1)))
    dataset = ImageMeshDataset(str(tmp_path), dict(type='ho3d', split='evaluation'), num_frames=frames, test_mode=True)
    sample = truth_as_prediction(dataset)
    frame = sample['frame_ids'][..., None, None]
    for name in ('pred_joints', 'pred_vertices'):
        sample[name] = torch.zeros_like(sample[name]) + frame / 10 + 0.5
    write(tmp_path / 'pred.json', sample, challenge='ho3d_v3', template=str(template), meta=dataset.metainfo)
    close(read(tmp_path / 'pred.json')[1][:, 0, 0], torch.tensor([0.7, 0.5, 0.8, 0.6]))
