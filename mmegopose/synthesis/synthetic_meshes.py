"""Pictures of random hands and bodies, drawn while training runs."""
import numpy as np

from ..datasets.store import SequenceStore
from ..datasets.window_dataset import WindowDataset
from ..registry import DATASETS
from .render import Render


@DATASETS.register_module()
class SyntheticMeshDataset(WindowDataset):
    """Renderings of a body model: stands in for FreiHAND, 3DPW and the like where these are not at hand.

    Every label is exact. ``split='val'`` adds vertices and the sequences to score.

    Args:
        num_samples: samples per epoch.
        image_size, split, body, num_frames, motion, rotation, occlusion, bad_frames: see :class:`.Render`.
        pose_form: ``'image'``, ``'heatmap'`` or ``'array'`` adds the 2D pose of a detector, see :class:`.DrawPose`;
            None: none.
        heatmap_size: side of the heatmaps of the square picture.
        corruption: errors of the detector, options of :class:`.PoseErrors`, in both splits; False: none.
        fixed: draw the same ``num_samples`` samples in every epoch, else new ones.
        cache: samples whose pictures are kept in memory, in each worker; needs ``fixed``, and ``persistent_workers``
            where there are workers.
        seed: of everything.

    Raises:
        ValueError: an unknown option.
    """

    def __init__(self, num_samples: int, image_size: tuple = (256, 192), split: str = 'train', body: str = 'open_hand',
                 num_frames: int = 1, motion: str = 'random', rotation: str = 'full', occlusion: float = 0.5,
                 bad_frames: float = 0.0, pose_form: str | None = 'image', corruption: dict | bool | None = None,
                 fixed: bool = False, cache: int = 0, heatmap_size: int = 64, seed: int = 0):
        if min(num_samples, num_frames) < 1:
            raise ValueError(f'num_samples={num_samples} and num_frames={num_frames} should be at least 1')
        if cache and not fixed:
            raise ValueError(f'cache={cache} keeps pictures for the next epoch, which has others without fixed=True')
        test_mode = split == 'val'
        self.renderer = Render(body, image_size, split, num_frames, motion, rotation, occlusion, bad_frames,
                               vertices=test_mode, cache=cache, seed=seed)
        self.figure = self.renderer.figure
        pipeline = [self.renderer]
        if pose_form is not None:
            errors = [] if corruption is False else [dict(corruption or {}, type='PoseErrors')]
            pipeline += [*errors, dict(type='DrawPose', form=pose_form, heatmap_size=heatmap_size)]
        pipeline.append(dict(type='PackInputs', padding_mask=True, fields=('index',)))
        # Single pictures are one sequence, windows of several frames one each.
        length = num_samples if num_frames == 1 else num_frames
        bounds = np.arange(0, num_samples * num_frames + 1, length)
        sequences = [dict(uid=f'synthetic/{i}', name=f'synthetic/{i}', root_dir='') for i in range(len(bounds) - 1)]
        facts = dict(dataset_name='synthetic_mesh', skeleton=self.figure.skeleton.name, split=split)
        super().__init__(SequenceStore(bounds, {}, sequences, info=facts),
                         dict(type='SampleWindows', num_samples=num_samples, num_frames=num_frames, fixed=fixed),
                         pipeline, test_mode=test_mode, seed=seed)

    def render(self, number: np.ndarray) -> tuple[np.ndarray, dict]:
        """Pictures and labels of samples, see :meth:`.Render.draw`."""
        return self.renderer.draw(number)
