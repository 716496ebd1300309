"""Augmentation of batches of 2D keypoints."""
from ...registry import TRANSFORMS


@TRANSFORMS.register_module()
class KeypointNoise:
    """Jitter and missing detections, for models that should also work with worse detectors.

    A missing joint has all its channels 0, the confidence among them. Without a confidence channel the stream
    ``detected (B,T,J)`` tells, so that attention leaves it out.

    Args:
        jitter: standard deviation per axis, screen units (2 is the width of the image).
        missing: share of the joints that are missing.
    """

    def __init__(self, jitter: float = 0.0, missing: float = 0.0):
        if jitter < 0 or not 0 <= missing < 1:
            raise ValueError(f'KeypointNoise(jitter={jitter}, missing={missing}): jitter should be at least 0 and '
                             'missing in [0, 1)')
        self.jitter, self.missing = jitter, missing

    def __call__(self, batch: dict) -> dict:
        keypoints = batch['keypoints']  # (B,T,J,2|3)
        frames, joints, channels = keypoints.shape[1:]
        if self.jitter:
            keypoints[..., :2] += (self.jitter * batch['random'].normal(frames, joints, 2)).float()
        if self.missing:
            missing = batch['random'].uniform(frames, joints) < self.missing
            keypoints.masked_fill_(missing[..., None], 0)
            if channels == 2:
                batch['detected'] = ~missing
        return batch
