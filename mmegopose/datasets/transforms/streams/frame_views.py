"""The stream of what the wearer sees, from pictures or from a video."""
from pathlib import Path

import cv2
import numpy as np
import torch

from ....files import BadFile
from ....geometry.crops import normalize_image
from ....registry import TRANSFORMS
from ...film_frames import FilmFrames
from ...image_files import decode_picture
from ...random import check_shares
from .side_stream import SideStream

FILMS = ('.mp4', '.mov', '.avi', '.mkv', '.webm', '.m4v')


@TRANSFORMS.register_module()
class FrameViews(SideStream):
    """The stream ``view (B,T',3,H,W)``: egocentric pictures or video, upright, standardised as an image.

    A picture is squeezed to ``size``. Every frame is decoded once for a batch, and kept small for those that follow, so
    that windows share it. A video has the number of a frame as the count of its pictures from 0, see
    :class:`.FilmFrames`, and the rate of the store; one with another rate is not used, and one that ends too early is
    not there from then on.

    Args:
        files, num_frames: see :class:`.SideStream`: a path with ``{frame...}`` is one of pictures, else a video.
        size: rows and columns, H, W.
        quarter_turns: turns by 90 degrees clockwise that make pictures upright: 1 for the undistorted frames of
            Ego-Exo4D, which lie on their side. Videos, its own too, are upright.
        color: augmentation for training: the channels of a window are multiplied by factors of 1 - color to 1 + color.
        shuffle: read another frame of the same sequence, drawn at random, for each: a control, for what a model learns
            from it, it does not know from when a picture is.
    """

    dtype = np.uint8

    def __init__(self, files: str | tuple, size: tuple = (96, 96), num_frames: int | None = 4, quarter_turns: int = 0,
                 color: float = 0.0, shuffle: bool = False):
        super().__init__(files, 'view', num_frames)
        if len(size) != 2 or min(size) < 1:
            raise ValueError(f'size={size} should be the rows and columns of the pictures')
        check_shares(color=color)
        self.size, self.quarter_turns, self.color, self.shuffle = tuple(size), quarter_turns % 4, color, shuffle
        self.shape = (*self.size, 3)
        self.films: dict = {}

    def __getstate__(self) -> dict:
        return self.__dict__ | dict(films={})  # open files stay in their process

    def bind(self, store) -> None:
        super().bind(store)
        self.films = {}

    def __call__(self, batch: dict) -> dict:
        if not self.shuffle:
            return super().__call__(batch)
        shuffled = super().__call__(batch | dict(rows=self._anywhere(batch), inputs={}))['inputs']
        batch.setdefault('inputs', {}).update(shuffled)
        return batch

    @staticmethod
    def _anywhere(batch: dict) -> np.ndarray:
        """Rows ``(B,T)`` drawn from those to be predicted of the same sequences."""
        store, sequence = batch['store'], batch['sequence'].numpy()
        rows = np.flatnonzero(store.frames['target']) if 'target' in store.frames else np.arange(store.num_rows)
        first, end = (np.searchsorted(rows, store.offsets[sequence + i])[:, None] for i in (0, 1))
        share = batch['random'].uniform(batch['rows'].shape[1]).numpy()
        return rows[first + (share * (end - first)).astype(np.int64)]

    def read(self, path, index, frames):
        values, there = np.zeros((len(frames), *self.shape), np.uint8), np.zeros(len(frames), bool)
        for row, frame in enumerate(frames.tolist()):
            picture = self.recent.get((index, frame), lambda frame=frame: self._picture(path, index, frame))
            if len(picture):
                values[row], there[row] = picture, True
        self.report['frames without a picture'] += int((~there).sum())
        return values, there

    def finished(self, values, there, batch):
        factors = None
        if self.color:
            factors = batch['random'].uniform(1, 3, low=1 - self.color, high=1 + self.color).numpy()  # (B,1,3)
        images = normalize_image(values, factors)
        images[~there] = 0
        return images

    def pictures(self, index: int, frames: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
        """Standardised pictures ``(n,3,H,W)`` of frames of a sequence, ascending, and which are there, ``(n,)``."""
        values, there = self.read_frames(index, frames)
        images = normalize_image(values)
        return torch.from_numpy(images), torch.from_numpy(there)

    def _picture(self, path: str, index: int, frame: int) -> np.ndarray:
        """Small and upright ``(H,W,3)`` uint8; empty if there is none."""
        image = self._decoded(path, frame) if '{frame' in path else self._film(path, index).frame(frame)
        if image is None or not image.size:
            return np.zeros((0,), np.uint8)
        image = np.rot90(image, -self.quarter_turns) if '{frame' in path else image
        shrinks = image.shape[0] >= self.size[0] and image.shape[1] >= self.size[1]
        return cv2.resize(np.ascontiguousarray(image), self.size[::-1],
                          interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)

    def _decoded(self, path: str, frame: int) -> np.ndarray | None:
        file = path.format(frame=frame)
        try:
            return decode_picture(Path(file).read_bytes())
        except FileNotFoundError:
            return None
        except OSError as error:
            self.tell(file, f'cannot be used: {error}')
            return None

    def _film(self, path: str, index: int) -> FilmFrames:
        if index not in self.films:
            if len(self.films) >= 4:
                self.films.pop(next(iter(self.films))).capture.release()
            film, fps = FilmFrames(path), self.store.info['fps']
            if film.fps is not None and abs(film.fps - fps) > 0.05 * fps:
                raise BadFile(f'it has {film.fps:g} frames a second, and the sequence {fps:g}: its frames would be out '
                              'of step')
            last = self.store.offsets[index + 1] - 1
            last = int(self.store.frame_ids(np.array([last]), np.array([index]))[0])
            if film.num_frames is not None and film.num_frames <= last:
                self.tell(path, f'it has {film.num_frames} frames, but the sequence goes on to frame {last}: the rest '
                                'is not there')
            self.films[index] = film
        return self.films[index]
