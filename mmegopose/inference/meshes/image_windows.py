"""Crops of pictures in memory, through the pipeline of a config, with all its streams."""
import numpy as np

from ...datasets import SequenceStore
from ...datasets.presets import ImageMeshDataset
from ...datasets.readers.images.image_rows import image_store
from ...geometry.crops import boxes_from_corners
from ...registry import DATASETS
from ...synthesis import SyntheticMeshDataset
from ...synthesis.figures import Body, Figure, Hand
from ..inputs.timed_image import TimedImage
from .subjects import Subject


def crop_options(config: dict, kind: str) -> dict:
    """Arguments of :class:`.ImageMeshDataset` that make the streams of a config.

    A data set of rendered pictures says how large hands are in its crops; those of pictures are cut like that.

    Args:
        config: data set of the config.
        kind: ``'hand'`` or ``'body'``.

    Raises:
        ValueError: a data set of another family.
    """
    cls = DATASETS.get(config['type']) if isinstance(config['type'], str) else config['type']
    kept = {key: config[key] for key in ('num_frames', 'pose_form', 'heatmap_size') if key in config}
    if issubclass(cls, ImageMeshDataset):
        return kept | dict(crop=config.get('crop'))
    if issubclass(cls, SyntheticMeshDataset):
        height, width = config.get('image_size', (256, 192))
        figure: type[Figure] = Hand if kind == 'hand' else Body
        margin = float(np.mean(figure.margin))
        return kept | dict(crop=dict(rescale=margin, aspect=(width, height), size=height, width=width, antialias=True))
    raise ValueError(f'the data set of the config is {config["type"]}, which does not show how pictures are cropped; '
                     'it should be an ImageMeshDataset, a SyntheticMeshDataset, or derive from one of them')


def image_windows(shots: list[TimedImage], subjects: list[Subject], rows: np.ndarray, kind: str,
                  options: dict, mirroring: dict | None = None) -> ImageMeshDataset:
    """The windows of some subjects in some pictures.

    Stretches of a video are cut at multiples of ``num_frames``, so that a prediction does not depend on which pictures
    are in memory together.

    Args:
        shots: the pictures.
        subjects: all of them.
        rows: ``(n,2)`` number of a subject and place in it, sorted, with frames that are among the pictures.
        kind: ``'hand'`` or ``'body'``.
        options: as :func:`crop_options` gives them.
        mirroring: how hands are mirrored, ``mirror_left`` and ``mirror_axis`` of :class:`.DecodeCrop`.
    """
    pictures = {shot.number: shot for shot in shots}
    frame = np.array([subjects[s].frame[i] for s, i in rows])
    block = np.stack([rows[:, 0], frame // options.get('num_frames', 1)], 1)
    _, sequence = np.unique(block, axis=0, return_inverse=True)
    sequence = sequence.ravel()
    names = [pictures[number].name for number in frame]
    images = [pictures[number].image for number in frame]
    sizes = [(0, 0) if image is None else image.shape[1::-1] for image in images]
    store = image_store(
        kind, '', 'pictures', file=names, sequence=sequence, clean=False, frame=frame, image_size=np.array(sizes),
        sequences=[dict(uid=str(k), name=str(k), root_dir='') for k in range(sequence.max() + 1)],
        box=boxes_from_corners(np.array([subjects[s].box[i] for s, i in rows])),
        keypoints=np.array([subjects[s].keypoints[i] for s, i in rows]),
        right=np.array([subjects[s].right for s, _ in rows]))
    facts = {key: value for key, value in store.info.items() if key != 'root'}
    facts |= dict(labelled=False) | (mirroring or {})
    memory = SequenceStore(store.offsets, store.frames, store.sequences, info=facts, schema=store.schema)
    memory.pictures = {shot.name: shot.image for shot in shots}
    return ImageMeshDataset(reader=memory, test_mode=True, **options)
