"""The undistorted view of Aria glasses in Ego-Exo4D: its camera, and labels in space and in its pictures."""
from collections.abc import Sequence

import numpy as np

MANUAL_STRIDE = 3  # manual labels come at 10 Hz, video and automatic labels at 30 Hz
NUM_VIEWS = 4
FOCAL, SIDE = 150.0, 512  # pixels
# upright camera (x right, y down, z forward) to the landscape camera (x down the body, y left, z forward)
UPRIGHT_TO_LANDSCAPE = np.array([[0., 1, 0], [-1, 0, 0], [0, 0, 1]])


class LandscapeView:
    """The camera of one take.

    Args:
        head_pose: ``(T,4,4)`` camera to world, upright: x right, y down, z forward.
        picture_side: pixels; None: there are no pictures, and labels are in space only.

    Attributes:
        focal, center: of the pinhole, pixels.
    """

    def __init__(self, head_pose: np.ndarray, picture_side: int | None):
        self.side, side = picture_side, picture_side or SIDE
        self.focal, self.center = FOCAL * side / SIDE, (side - 1) / 2
        self.rotation = UPRIGHT_TO_LANDSCAPE @ head_pose[:, :3, :3].astype(float).transpose(0, 2, 1)  # (T,3,3) of world
        self.translation = -self.rotation @ head_pose[:, :3, 3:].astype(float)                        # (T,3,1)

    def camera(self) -> dict:
        """Its entry in the file of camera poses."""
        matrices = np.round(np.concatenate([self.rotation, self.translation], 2), 9).tolist()
        return dict(
            camera_intrinsics=[[self.focal, 0., self.center], [0., self.focal, self.center], [0., 0., 1.]],
            camera_extrinsics={str(frame): matrix for frame, matrix in enumerate(matrices)})

    def points(self, joints: np.ndarray) -> np.ndarray:
        """``joints (T,J,3)`` of the world in the axes of the camera."""
        return joints @ self.rotation.transpose(0, 2, 1) + self.translation.transpose(0, 2, 1)

    def pixels(self, joints: np.ndarray) -> np.ndarray:
        """Places ``(T,J,2)`` of ``joints (T,J,3)`` in the picture; NaN outside of it."""
        points = self.points(joints)
        with np.errstate(invalid='ignore', divide='ignore'):
            pixels = self.focal * points[..., :2] / points[..., 2:] + self.center
            seen = (points[..., 2] > 0) & ((pixels >= 0) & (pixels <= 2 * self.center)).all(-1)
        return np.where(seen[..., None], pixels, np.nan)

    def labels(self, names: Sequence[str], joints: np.ndarray) -> dict:
        """The file of labels: by frame a list of one annotator; a joint that is NaN is not in it.

        Args:
            names: of the J joints.
            joints: ``(T,J,3)`` world, metres.
        """
        places = np.round(joints.astype(float), 7).tolist()
        pixels = np.round(self.pixels(joints.astype(float)), 3).tolist() if self.side else [[]] * len(places)
        return {str(frame): [dict(annotation2D=self._in_picture(names, flat) if flat else {}, annotation3D={
            joint: dict(x=x, y=y, z=z, num_views_for_3d=NUM_VIEWS) for joint, (x, y, z) in zip(names, pose)
            if x == x})]  # NaN is not equal to itself
            for frame, (pose, flat) in enumerate(zip(places, pixels))}

    @staticmethod
    def _in_picture(names: Sequence[str], pixels: list) -> dict:
        return dict(aria01={joint: dict(x=x, y=y, placement='manual')
                            for joint, (x, y) in zip(names, pixels) if x == x})
