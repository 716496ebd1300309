"""The batched data sample that travels from reader to metric, and the fields that it may hold."""
from typing import NamedTuple

from mmengine.structures import BaseDataElement


class SampleField(NamedTuple):
    """A target or prediction of a batch of windows.

    Attributes:
        shape: sizes as letters of the vocabulary or numbers; a field of frames begins with ``'B', 'T'``, one of windows
            with ``'B'`` alone.
        unit: of its numbers.
    """
    shape: tuple
    unit: str = ''

    @property
    def per_frame(self) -> bool:
        """Whether it has a row for each frame of the window, rather than one for the window."""
        return self.shape[1:2] == ('T',)


FIELDS = dict(
    # of every window
    sequence=SampleField(('B',), 'index of the sequence'),
    index=SampleField(('B',), 'index of the window in the data set'),
    frame_ids=SampleField(('B', 'T'), 'frame number in the sequence'),
    scored=SampleField(('B', 'T'), 'bool: the prediction of this window counts for the frame'),
    slots=SampleField(('B', 'T'), 'number of the prediction in the sequence, -1: does not count; where frames repeat'),
    # joints
    joints=SampleField(('B', 'T', 'J', 3), 'metres, target frame'),
    visible=SampleField(('B', 'T', 'J'), 'bool: the joint has a label'),
    log_deviation=SampleField(('B', 'T', 'J', 3), 'logarithm of metres, expected error of each coordinate'),
    T_world_target=SampleField(('B', 'T', 4, 4), 'target frame to world, metres; absent where there is no world'),
    # crops of images
    keypoints=SampleField(('B', 'T', 'J', 2), 'sides of the crop from its centre'),
    keypoint_conf=SampleField(('B', 'T', 'J'), 'confidence of the label, 0: none'),
    keypoint_visible=SampleField(('B', 'T', 'J'), 'bool: not hidden by something'),
    box_center=SampleField(('B', 'T', 2), 'pixels of the image, x and y'),
    box_size=SampleField(('B', 'T'), 'pixels of the image, side of the square crop'),
    image_size=SampleField(('B', 'T', 2), 'pixels, width and height'),
    right=SampleField(('B', 'T'), 'bool: a right hand'),
    crop_mirrored=SampleField(('B', 'T'), 'bool: the crop and its labels are those of the mirrored scene'),
    image_id=SampleField(('B', 'T'), 'number of the image in its annotation file'),
    area=SampleField(('B', 'T'), 'pixels of the image, squared; of the instance'),
    # body models; rotations are relative to the parent joint
    global_orient=SampleField(('B', 'T', 1, 3, 3), 'rotation matrix'),
    body_pose=SampleField(('B', 'T', 'J', 3, 3), 'rotation matrices, without the root'),
    betas=SampleField(('B', 'T', 'S'), 'shape coefficients'),
    has_pose=SampleField(('B', 'T'), 'bool: the rotations have a label'),
    has_betas=SampleField(('B', 'T'), 'bool: betas have a label'),
    vertices=SampleField(('B', 'T', 'V', 3), 'metres, target frame'),
    translation=SampleField(('B', 'T', 3), 'metres, of the body model in the camera'),
)


def register_field(name: str, shape: tuple, unit: str = '') -> None:
    """Declare a field of a plugin. Raises ``KeyError`` if the name is declared otherwise."""
    field = SampleField(tuple(shape), unit)
    if FIELDS.setdefault(name, field) != field:
        raise KeyError(f'the field {name!r} of PoseDataSample is declared already: {FIELDS[name]}')


class PoseDataSample(BaseDataElement):
    """Targets and predictions of one batch of windows, all of them tensors.

    ``FIELDS`` lists what it may hold; :func:`register_field` adds to it. A prediction of a field is called
    ``pred_<name>`` and shaped like it; whatever else a model returns is a ``pred_...`` too and has a row per frame.
    """

    @classmethod
    def from_batch(cls, batch: dict, names: tuple) -> 'PoseDataSample':
        """The named entries of a batch. Raises ``KeyError`` that names the missing ones and what there is."""
        missing = [name for name in names if name not in batch]
        if missing:
            raise KeyError(f'the batch has no field {", ".join(map(repr, missing))} to pack; it has {sorted(batch)}')
        sample = cls()
        for name in names:
            sample.set_field(batch[name], name)
        return sample

    @property
    def num_frames(self) -> int:
        """Frames T that the targets have. Raises ``ValueError`` if no field of the sample is one of frames."""
        for name, value in self.items():
            if name in FIELDS and FIELDS[name].per_frame:
                return value.shape[1]
        raise ValueError(f'PoseDataSample has no field with a row per frame; it has {sorted(self.keys())}')

    def last_frames(self, num_frames: int) -> 'PoseDataSample':
        """The same sample cut to its last ``num_frames`` frames; fields of windows stay as they are.

        Raises ``ValueError`` for a longer field of which nobody declared whether it has a row per frame.
        """
        out = self.new()
        for name, value in self.items():
            if value.ndim > 1 and _per_frame(name, value, num_frames):
                out.set_field(value[:, -num_frames:], name)
        return out

    def pin_memory(self) -> 'PoseDataSample':
        out = self.new()
        for key, value in out.items():
            out.set_field(value.pin_memory(), key)
        return out


def _per_frame(name: str, value, num_frames: int) -> bool:
    """Whether a field has a row per frame, so that it is cut to ``num_frames``."""
    known = FIELDS.get(name) or FIELDS.get(name.removeprefix('pred_'))
    if known is not None:
        return known.per_frame
    if not name.startswith('pred_') and value.shape[1] > num_frames:
        raise ValueError(f'the field {name!r} {tuple(value.shape)} of PoseDataSample is not declared, so it is not '
                         f'known whether it has a row per frame to cut to the last {num_frames}: '
                         f"register_field({name!r}, ('B', 'T', ...), unit), or ('B', ...) if it is one of windows")
    return True
