"""Pictures of people over time: skeletons and meshes in a world with a floor, truth, head track, error and holes."""
from collections.abc import Iterator, Sequence

import numpy as np

from ...motion import Motion
from ...rendering.mesh_images import flat_shading, render
from ...structures import get_skeleton
from ..comparisons import errors_in_time
from .canvas import FAINT, INK, PAPER, draw_disc, draw_line, draw_polylines, draw_text, fixed_point
from .motion_views import choose_view, facing
from .timelines import draw_timeline, known_pieces, timeline_column

LEFT, RIGHT, CENTRE, TRUTH = (31, 119, 180), (214, 39, 40), INK, (176, 178, 184)
HEAD, TRAIL, ALARM = (235, 140, 0), (245, 200, 140), (190, 40, 60)
SHADOW, GRID, MESH = (228, 230, 234), (190, 197, 206), (150, 190, 255)
PEOPLE = ((31, 119, 180), (214, 39, 40), (44, 140, 60), (148, 103, 189), (200, 120, 20), (23, 150, 170),
          (190, 80, 150), (120, 110, 40))
TRUTH_BEHIND = 0.2       # times the reach of the view, so that the truth does not hide what is predicted
AT_ONCE = 256            # frames whose projections are in memory
TRAIL_SECONDS = 2.0      # of the head track behind a head
FRUSTUM_M = np.array([[0, 0, 0], [-.09, -.07, .15], [.09, -.07, .15], [.09, .07, .15], [-.09, .07, .15]])
FRUSTUM_EDGES = np.array([[0, 1], [0, 2], [0, 3], [0, 4], [1, 2], [2, 3], [3, 4], [4, 1]])


def person_colors(motion: Motion, number: int, count: int) -> np.ndarray:
    """RGB of each bone ``(E,3)``: left blue, right red; several people have one each, lighter on their left."""
    skeleton = get_skeleton(motion.skeleton)
    colors = []
    for edge in skeleton.edges:
        sides = {side for side in ('left', 'right') if all(side in skeleton.joints[end] for end in edge)}
        if count == 1:
            colors.append(LEFT if sides == {'left'} else RIGHT if sides == {'right'} else CENTRE)
        else:
            own = np.array(PEOPLE[number % len(PEOPLE)])
            colors.append(tuple((own + (255 - own) * (0.35 if sides == {'left'} else 0)).astype(int).tolist()))
    return np.array(colors)


def side_names(motion: Motion) -> list:
    """Names and colours of both sides for a legend; none for a hand."""
    colors = set(map(tuple, person_colors(motion, 0, 1).tolist()))
    return [('left', LEFT), ('right', RIGHT)] if {LEFT, RIGHT} <= colors else []


def person_name(motion: Motion, number: int) -> str:
    """What a person is called in a picture."""
    named = motion.person and not motion.person.replace('-', '').isdigit()
    return motion.person if named else f'person {motion.person or number}'


class MotionPictures:
    """Pictures of one or several people at given times.

    Args:
        motions: in one frame of reference, with z up, see ``Motion.upright``.
        truths: the truth of each, with its skeleton, times and frame of reference; None: it is not known.
        time: ``(F,)`` seconds, evenly spaced; a person is shown by the frame that is nearest, if it is near enough.
        fps: of ``time``.
        size: width and height of a picture.
        turn: degrees per second by which the view turns.
        azimuth: degrees, where the camera stands; default: at an angle before the people.
        note: what else is to be said, beside the step of the grid.

    Raises:
        ValueError: no valid pose and no head track.
    """

    def __init__(self, motions: Sequence[Motion], truths: Sequence[Motion | None], time: np.ndarray, fps: float,
                 size: tuple, turn: float = 0.0, azimuth: float | None = None, note: str = ''):
        self.motions, self.truths, self.time, self.fps, self.size = list(motions), list(truths), time, fps, size
        self.note = note
        self.rows = [nearest_rows(motion.time, time, fps) for motion in motions]
        self.errors = errors_in_time(self.motions, self.truths, self.rows)
        self.frame = motions[0].frame
        self.present = np.stack([(motion.valid.any(1)[rows]) & (rows >= 0)
                                 for motion, rows in zip(self.motions, self.rows)], 1)              # (F,P)
        self.unit = max(9, round(min(size[1], 0.8 * size[0]) / 34))
        with_truth = any(truth is not None for truth in self.truths)
        self.top, self.bottom = round(2.4 * self.unit), round((6.6 if with_truth else 4.2) * self.unit)
        self.view = choose_view(*self._extent(), size, (self.top, self.bottom), fps, self._azimuth(azimuth),
                                np.radians(turn))
        self.thick = max(1, round(size[1] / 130))
        self.background = self._background(with_truth)

    def __iter__(self) -> Iterator[np.ndarray]:
        """Each picture ``(H,W,3)`` uint8 RGB; it is the same array every time, so copy what you keep."""
        image, floor = np.empty_like(self.background), self.size[1] - self.bottom
        fading = self.view.floor_fading()
        for begin in range(0, len(self.time), AT_ONCE):
            rows = np.arange(begin, min(begin + AT_ONCE, len(self.time)))
            shadows, bones, heads = self._shadows(rows), self._bones(rows), self._heads(rows)
            lines = None if self.view.still else fixed_point(
                self.view.project(self.view.floor_lines(rows), rows)[0], self.size)
            for k, row in enumerate(rows):
                np.copyto(image, self.background)
                if lines is not None:
                    _draw_floor(image, lines[k], fading)
                draw_polylines(image, shadows[k], SHADOW, self.thick)
                self._draw_heads(image, *(part[k] for part in heads))
                self._draw_meshes(image, row)
                for (start, end), color, thickness in bones[k]:
                    draw_line(image, start, end, color, thickness)
                image[floor:] = self.background[floor:]
                self._write(image, row)
                yield image

    def _extent(self) -> tuple[np.ndarray, np.ndarray]:
        """What is to be seen ``(F,P,3)``: boxes of people and truth, heads; and the middle of people ``(F,3)``."""
        boxes, middles = [], []
        for motion, rows in zip(self.motions + self.truths, self.rows + self.rows):
            if motion is None:
                continue
            joints = np.where(motion.valid[..., None], motion.joints, np.nan).astype(np.float32)
            there = motion.valid.any(1)
            low, high, middle = (np.full((len(motion) + 1, 3), np.nan, np.float32) for _ in range(3))
            if there.any():
                known = joints[there]
                low[:-1][there], high[:-1][there] = np.nanmin(known, 1), np.nanmax(known, 1)
            middle[:-1] = (low[:-1] + high[:-1]) / 2
            boxes += [low[rows], high[rows]]
            middles.append(middle[rows])
        for motion, rows in zip(self.motions, self.rows):
            if self.frame == 'world' and motion.head_pose is not None:
                places = np.full((len(motion) + 1, 3), np.nan, np.float32)
                places[:-1][motion.head_valid] = motion.head_pose[motion.head_valid, :3, 3]
                boxes.append(places[rows])
        stacked = np.stack(middles)
        known = np.isfinite(stacked).all(-1)
        total = np.where(known[..., None], stacked, 0).sum(0)
        count = known.sum(0)[:, None]
        return np.stack(boxes, 1), np.where(count > 0, total / np.maximum(count, 1), np.nan)

    def _azimuth(self, azimuth: float | None) -> float:
        if azimuth is not None:
            return np.radians(azimuth)
        angles = [angle for motion in self.motions if (angle := facing(motion)) is not None]
        return (angles[0] if angles else 0.0) + np.radians(52)

    def _background(self, with_truth: bool) -> np.ndarray:
        """What is the same in every picture: legend, time line, and the floor of a view that stands still."""
        (width, height), unit = self.size, self.unit
        image = np.full((height, width, 3), PAPER, np.uint8)
        if self.view.still:
            lines = self.view.project(self.view.floor_lines(np.zeros(1, int)), np.zeros(1, int))[0]
            _draw_floor(image, fixed_point(lines, self.size)[0], self.view.floor_fading())
            image[height - self.bottom:] = PAPER
        if len(self.motions) == 1:
            names = side_names(self.motions[0]) or [('predicted', CENTRE)] * with_truth
        else:
            names = [(person_name(motion, number), PEOPLE[number % len(PEOPLE)])
                     for number, motion in enumerate(self.motions[:6])]
        names += [('truth', TRUTH)] if with_truth else []
        names += [('head camera', HEAD)] if any(motion.head_pose is not None for motion in self.motions) and \
            self.frame == 'world' else []
        x, y = unit, height - self.bottom + round(1.5 * unit)
        for name, color in names:
            draw_line(image, *fixed_point(np.array([[x, y - 0.35 * unit], [x + 1.2 * unit, y - 0.35 * unit]]),
                                          self.size).tolist(), color, max(2, unit // 4))
            x += round(1.6 * unit)
            x += draw_text(image, name, (x, y), unit, INK) + unit
        draw_text(image, f'grid {self.view.grid_step:g} m{self.note}', (width - unit, y), unit, FAINT, 'right')
        draw_timeline(image, self._strip(), self.time, self.present.any(1), self.errors if with_truth else None, unit)
        return image

    def _strip(self) -> tuple[int, int, int, int]:
        """Left, top, right, bottom of the time line."""
        (width, height), unit = self.size, self.unit
        return unit, height - self.bottom + round(2.3 * unit), width - unit, height - round(1.7 * unit)

    def _at(self, motion: Motion, places: np.ndarray) -> np.ndarray:
        """Joints ``(n,J,3)`` with z up of the rows ``places (n,)`` of a motion, NaN where there is nothing."""
        there = motion.valid[places] & (places >= 0)[:, None]
        return np.where(there[..., None], motion.joints[places], np.nan)

    def _bones(self, rows: np.ndarray) -> list:
        """What is drawn in each frame, the farthest first: ``[((start, end), colour, thickness), ...]``."""
        ends, colors, thick = [], [], []
        for number, (motion, truth, at) in enumerate(zip(self.motions, self.truths, self.rows)):
            edges = np.array(get_skeleton(motion.skeleton).edges)
            for one, color, extra in ((truth, np.array([TRUTH] * len(edges)), 2),
                                      (motion, person_colors(motion, number, len(self.motions)), 0)):
                if one is not None:
                    ends.append(self._at(one, at[rows])[:, edges])
                    colors += color.tolist()
                    thick += [(1 if one.mesh is not None and extra == 0 else self.thick) + extra] * len(edges)
        pixels, depth = self.view.project(np.concatenate(ends, 1), rows)
        depth = depth.mean(-1) + [TRUTH_BEHIND * self.view.reach * (color == list(TRUTH)) for color in colors]
        order = np.argsort(-depth, 1)  # NaN comes last
        counts, places = np.isfinite(depth).sum(1), fixed_point(pixels, self.size).tolist()
        return [[(place[i], colors[i], thick[i]) for i in one[:count]]
                for place, one, count in zip(places, order.tolist(), counts)]

    def _shadows(self, rows: np.ndarray) -> list:
        """Lines on the floor under each bone, for each frame."""
        result = [[] for _ in rows]
        for motion, at in zip(self.motions, self.rows):
            joints = self._at(motion, at[rows])
            joints[..., 2] = np.where(np.isfinite(joints[..., 2]), self.view.floor, np.nan)
            pixels = self.view.project(joints, rows)[0][:, np.array(get_skeleton(motion.skeleton).edges)]
            there, places = np.isfinite(pixels).all((-1, -2)), fixed_point(pixels, self.size)
            for lines, place, known in zip(result, places, there):
                lines.extend(place[known])
        return result

    def _heads(self, rows: np.ndarray) -> tuple[list, list]:
        """Edges of the camera on each head, and the path behind it, for each frame."""
        frusta, trails = [[] for _ in rows], [[] for _ in rows]
        past = max(1, round(TRAIL_SECONDS * self.fps))
        for motion, at in zip(self.motions, self.rows):
            if motion.head_pose is None or self.frame != 'world':
                continue
            before = np.clip(rows[:, None] + np.arange(-past, 1), 0, None)                          # (n,K)
            known = (at[before] >= 0) & motion.head_valid[at[before]]
            pose = np.where(known[..., None, None], motion.head_pose[at[before]], np.nan)
            trail = self.view.project(pose[..., :3, 3], rows)[0]
            now = pose[:, -1]
            corners = FRUSTUM_M @ now[:, :3, :3].swapaxes(1, 2) + now[:, None, :3, 3]
            corners = self.view.project(corners, rows)[0][:, FRUSTUM_EDGES]
            there = np.isfinite(corners).all((1, 2, 3))
            places, trail_places = fixed_point(corners, self.size), fixed_point(trail, self.size)
            for k in range(len(rows)):
                frusta[k].extend(places[k] if there[k] else [])
                trails[k].extend(known_pieces(trail_places[k], np.isfinite(trail[k]).all(-1)))
        return frusta, trails

    def _draw_heads(self, image: np.ndarray, frusta: list, trails: list) -> None:
        draw_polylines(image, trails, TRAIL, max(1, self.thick // 2))
        draw_polylines(image, frusta, HEAD, max(1, self.thick // 2))

    def _draw_meshes(self, image: np.ndarray, row: int) -> None:
        side = max(self.size)
        for number, (motion, at) in enumerate(zip(self.motions, self.rows)):
            if motion.mesh is None or not self.present[row, number]:
                continue
            vertices = np.asarray(motion.mesh.vertices[at[row]], np.float64)
            if not np.isfinite(vertices).all():
                continue
            seen = self.view.to_camera(vertices[None], np.array([row]))[0]
            color = np.array(MESH if len(self.motions) == 1 else PEOPLE[number % len(PEOPLE)])
            shades = flat_shading(seen, motion.mesh.faces, color, light=(-0.4, -0.5, -1.0))
            picture, depth = render(seen, motion.mesh.faces, shades, self.view.focal, side, center=self.view.center)
            there = np.isfinite(depth[:self.size[1], :self.size[0]])
            image[there] = picture[:self.size[1], :self.size[0]][there]

    def _write(self, image: np.ndarray, row: int) -> None:
        """Time, error, and what is not there."""
        width, unit, base = self.size[0], self.unit, round(1.7 * self.unit)
        draw_text(image, f'{self.time[row]:.2f} s', (unit, base), unit + 2, INK)
        if np.isfinite(self.errors[row]):
            error = f'{self.errors[row] * 100:.1f} cm'
            wide = draw_text(image, error, (width - unit, base), unit + 4, INK, 'right', True)
            draw_text(image, 'mean joint error', (width - unit - wide - unit // 2, base), unit, FAINT, 'right')
        count = int(self.present[row].sum())
        notes = [f'{count} of {len(self.motions)} people'] if len(self.motions) > 1 else []
        notes += ['input filled in'] if any(motion.filled[at[row]] for motion, at, there in zip(
            self.motions, self.rows, self.present[row]) if there) else []
        draw_text(image, ', '.join(notes), (round(7.5 * unit), base), unit, FAINT)
        if not count:
            middle = width // 2, round(0.45 * self.size[1])
            draw_text(image, 'no pose', middle, round(1.8 * unit), ALARM, 'center', True)
        left, top, right, bottom = self._strip()
        x = timeline_column(row, len(self.time), left, right)
        draw_line(image, *fixed_point(np.array([[x, top], [x, bottom]]), self.size).tolist(), INK, 1)
        draw_disc(image, fixed_point(np.array([x, top]), self.size).tolist(), 0.28 * unit, INK)


def nearest_rows(own: np.ndarray, time: np.ndarray, fps: float) -> np.ndarray:
    """For each ``time (F,)`` the row of ``own (T,)`` that is nearest, -1 where none is near enough."""
    if not len(own):
        return np.full(len(time), -1)
    after = np.clip(np.searchsorted(own, time), 1, max(len(own) - 1, 1)) if len(own) > 1 else np.ones(len(time), int)
    after = np.minimum(after, len(own) - 1)
    before = np.maximum(after - 1, 0)
    rows = np.where(time - own[before] <= own[after] - time, before, after)
    near = 0.51 * max(1 / fps, float(np.median(np.diff(own))) if len(own) > 1 else 0)
    return np.where(np.abs(own[rows] - time) <= near, rows, -1)


def _draw_floor(image: np.ndarray, lines: np.ndarray, fading: np.ndarray) -> None:
    """The lines ``(L,2,2)`` of the floor, fainter towards its border."""
    levels = np.minimum((fading * 5).astype(int), 4)
    for level in range(4, -1, -1):
        color = tuple(round(c + (255 - c) * level / 5) for c in GRID)
        draw_polylines(image, list(lines[levels == level]), color)
