"""A small store of head tracks, and what lies beside it."""
import numpy as np

from mmegopose.datasets.store import SequenceStore
from mmegopose.datasets.window_dataset import WindowDataset

NAMES = ('a_cooking', 'b_dance', 'c_[x]')
NUM_FRAMES = 40
REST = [dict(type='TargetFrame'), dict(type='HeadPoseFeatures'), dict(type='PackInputs')]


def side_store(root, names=NAMES, **info):
    """A still head in each sequence, whose frames are numbered from 100; every third one has a label."""
    total = NUM_FRAMES * len(names)
    pose = np.tile(np.array([[0., 0, 1, 0], [0, 1, 0, 0], [-1, 0, 0, 1.6], [0, 0, 0, 1]]), (total, 1, 1))
    label = np.where(np.arange(total) % 3 == 0, np.arange(total) // 3, -1).astype(np.int32)
    joints = np.random.default_rng(0).normal(size=(total // 3 + 1, 17, 3)).astype(np.float32)
    frames = dict(head_pose=pose, label=label, frame=np.tile(np.arange(100, 100 + NUM_FRAMES), len(names)),
                  target=label >= 0)
    sequences = [dict(uid=f'uid{i}', name=name) for i, name in enumerate(names)]
    return SequenceStore(
        NUM_FRAMES * np.arange(len(names) + 1), frames, sequences,
        tables=dict(joints=joints, visible=np.ones(joints.shape[:2], bool)),
        info=dict(dataset_name='side', split='val', skeleton='coco17', camera_axes='aria', fps=30.0,
                  root=str(root)) | info)


def side_data(store, *steps, num_frames=6, **options):
    """Its windows, read by transforms."""
    return WindowDataset(store, dict(type='StridedWindows', num_frames=num_frames, frame_step=2),
                         [dict(type='ReadHeadPose'), *steps, *REST], **options)


def everything(data):
    """All windows, with the number of the sequence of each and of its last frame."""
    batch = data.__getitems__(range(len(data)))
    sample = batch['data_samples']
    return batch['inputs'], sample.sequence.numpy(), sample.frame_ids[:, -1].numpy()
