"""Both tasks on one page: a file without network."""
import base64
from html import escape
from pathlib import Path

import cv2
import numpy as np

from ... import __version__
from ...datasets.image_files import decode_picture
from ...files import DAMAGE, atomic_write, read_json
from ...structures import get_skeleton
from ..report import STYLE
from ..report_charts import bar_rows, pose_pictures
from .egoexo4d_scores import TaskScores

TITLES = dict(body='Body pose', hand='Hand pose')
EXPLAINED = dict(
    body='Joints of the wearer in the world, without any alignment: the error is pooled over joints, frames and takes, '
         'in runs of labels of four seconds or more.',
    hand='Joints of each hand in the axes of the camera, from the wrist: the mean over its visible joints, then over '
         'hands. PA: after a similarity, without a reflection.')
REACH = dict(body=50.0, hand=100.0)   # of the curves, in the unit of the task
COLORS = ('#1f77b4', '#e07b00', '#2a9d5c')
PREDICTED, TRUE = (255, 120, 0), (60, 200, 120)   # RGB
INTRINSICS = np.array([[150., 0, 255.5], [0, 150, 255.5], [0, 0, 1]])   # of the prepared pictures
SIDE = 320                            # pixels of a picture on the page
AROUND = 1.6                          # side of the part of a picture that shows a hand, by the extent of its joints
BELOW = dict(body=' Below them the prediction in colour, left blue and right red, the truth grey, from the front of '
             'the person.', hand=' They show the part around the hand, with the prediction relative to the true wrist.')


def write_egoexo4d_page(scores: dict[str, TaskScores], facts: dict, roots: dict, path: Path, command: str) -> None:
    """Write the page.

    Args:
        scores, facts: by task; facts have ``config``, ``checkpoint`` and ``submission``.
        roots: of the data of each task, for pictures of the worst poses.
        path: of the HTML file.
        command: that makes it again.

    Raises ``OSError`` if it cannot be written.
    """
    links = ''.join(f'<a href="#{task}">{TITLES[task]}</a>' for task in scores)
    parts = [f'<h1>Ego-Exo4D, validation split</h1><nav>{links}</nav>',
             *(_task(task, found, facts[task], roots[task]) for task, found in scores.items()),
             f'<h2>Again</h2><pre>{escape(command)}</pre>' if command else '',
             f'<p class="quiet">mmegopose {escape(__version__)}</p>']
    with atomic_write(path) as file:
        file.write('<!doctype html><html lang="en"><meta charset="utf-8"><title>Ego-Exo4D</title>'
                   '<meta name="viewport" content="width=device-width, initial-scale=1">'
                   f'<style>{STYLE.read_text(encoding="utf-8")}</style>{"".join(parts)}</html>\n')


def _task(task: str, scores: TaskScores, facts: dict, root: Path) -> str:
    unit, skeleton = scores.unit, get_skeleton(scores.skeleton)
    groups = {name: values['MPJPE'] for name, values in scores.groups.items() if 'MPJPE' in values}
    means = np.array([np.nan if np.isnan(column).all() else np.nanmean(column) for column in scores.errors.T])
    joints = {name: value for name, value in zip(skeleton.joints, means) if np.isfinite(value)}
    notes = ''.join(f'<p><strong>{escape(note)}</strong></p>' for note in scores.notes)
    return (f'<h2 id="{task}">{TITLES[task]}</h2><p>{EXPLAINED[task]} Lower is better.</p>{notes}'
            f'<p class="quiet">{escape(facts["checkpoint"])}</p>{_table(scores)}{_submission(facts["submission"])}'
            f'<h3>By group, MPJPE ({unit})</h3>{_bars(groups)}'
            f'<h3>Share of joints within a distance of the truth</h3>{_curves(task, scores)}'
            f'<h3>By joint ({unit})</h3>{_bars(joints)}{_worst(task, scores, root)}')


def _table(scores: TaskScores) -> str:
    measures = list(scores.groups['all'])
    units = {'MPJPE': scores.unit, 'PA-MPJPE': scores.unit, 'MPJVE': 'm/s'}
    head = ''.join(f'<th>{measure}{f" ({units[measure]})" if measure in units else ""}</th>' for measure in measures)
    lines = ''.join(f'<tr><td>{escape(group)}</td>' + ''.join(
        f'<td>{_number(values.get(measure))}</td>' for measure in measures) + '</tr>'
        for group, values in scores.groups.items())
    title = 'Numbers, which are not those of the challenge' if scores.notes else 'Official numbers'
    return f'<h3>{title}</h3><div class="wide"><table><tr><th>group</th>{head}</tr>{lines}</table></div>'


def _number(value) -> str:
    return '-' if value is None else f'{value:,}' if isinstance(value, int) else f'{value:.2f}'


def _submission(facts: dict | None) -> str:
    if facts is None:
        return '<p>No submission was written, for the template of the challenge is not there.</p>'
    told = ', '.join(f'{facts[key]} {key if facts[key] != 1 else key[:-1]}'
                     for key in ('takes', 'frames', 'hands') if key in facts)
    scored = '; '.join(f'{name} {value:.2f}' for name, value in facts.get('scores', {}).items() if '/' not in name)
    truth = f' With the truth of a sample: {escape(scored)}.' if scored else ''
    if 'note' in facts:
        truth = f' With the truth of a sample there is no score: {escape(facts["note"].partition(". ")[0])}.'
    return (f'<p>Submission of the test split: <code>{escape(Path(facts["file"]).name)}</code>, {told}, checked '
            f'against the template.{truth}</p>')


def _bars(values: dict) -> str:
    numbers = [dict(value=value, interval=None, deviation=None) for value in values.values()]
    return bar_rows(list(values), numbers, [COLORS[0]] * len(numbers))


def _curves(task: str, scores: TaskScores) -> str:
    """The cumulative distribution of the errors."""
    left, top, right, bottom = 46, 14, 560, 220
    grid, parts = np.linspace(0, REACH[task], 101), []
    for mark in range(0, 101, 25):
        y, x = bottom - (bottom - top) * mark / 100, left + (right - left) * mark / 100
        parts.append(f'<path d="M{left} {y:.0f}H{right}" stroke="#dde2e8"/><text x="{left - 6}" y="{y + 4:.0f}" '
                     f'text-anchor="end">{mark} %</text><text x="{x:.0f}" y="{bottom + 18}" text-anchor="middle">'
                     f'{REACH[task] * mark / 100:g}</text>')
    names = [name for name, mask in scores.curves.items() if name == 'all' or mask.any() and not mask.all()]
    for name, color in zip(names, COLORS):
        errors = scores.errors[scores.curves[name]]
        errors = np.sort(errors[np.isfinite(errors)])
        share = np.searchsorted(errors, grid, 'right') / max(len(errors), 1)
        line = ' '.join(f'{left + (right - left) * at:.1f},{bottom - (bottom - top) * value:.1f}'
                        for at, value in zip(np.linspace(0, 1, len(grid)), share))
        parts.append(f'<polyline points="{line}" fill="none" stroke="{color}" stroke-width="2.5"/>')
    key = ''.join(f'<div><i style="background:{color}"></i>{escape(name)}</div>' for name, color in zip(names, COLORS))
    return (f'<div class="key">{key}</div><svg viewBox="0 0 600 260" style="max-width:46rem;width:100%" font-size="12" '
            f'fill="#1c2430" role="img" aria-label="share of joints by distance">{"".join(parts)}'
            f'<text x="{(left + right) / 2}" y="{bottom + 36}" text-anchor="middle">{scores.unit}</text></svg>')


def _worst(task: str, scores: TaskScores, root: Path) -> str:
    figures = []
    for pose in scores.worst:
        title = f'{pose["name"]}{", " + pose["side"] if "side" in pose else ""}, frame {pose["frame"]}: ' \
                f'{pose["error"]:.1f} {scores.unit}'
        picture = _picture(task, pose, scores.skeleton, root)
        shown = '' if picture is None else f'<img alt="{escape(title)}" style="width:100%" src="{picture}">'
        drawn = '' if task == 'hand' else pose_pictures(
            [dict(frame=pose['frame'], error=pose['error'], pred=pose['pred'].tolist(),
                  truth=[None if not np.isfinite(point).all() else point.tolist() for point in pose['truth']])],
            scores.skeleton, scores.unit, False).replace('class="poses"', '')
        figures.append(f'<div class="card"><h4>{escape(title)}</h4>{shown}{drawn}</div>')
    return ('<h3>The worst pose of the worst sequences</h3><p class="quiet">In pictures the prediction is orange, the '
            f'truth green.{BELOW[task]}</p><div class="cards">{"".join(figures)}</div>')


def _picture(task: str, pose: dict, skeleton: str, root: Path) -> str | None:
    """The upright picture with both poses, as a data URL; None: there is no picture."""
    where = _in_camera(task, pose, root)
    if where is None:
        return None
    folder = root / 'image' / 'undistorted' / 'val' / pose['name'].removeprefix('takes/')
    try:
        image = decode_picture((folder / f'{pose["frame"]:06d}.jpg').read_bytes(), upright=True)
    except OSError:
        return None
    pred, true = (_in_picture(points, where[2]) for points in where[:2])
    corner, side = _around(true) if task == 'hand' and np.isfinite(true).any() else (np.zeros(2), max(image.shape))
    scale = 2 * SIDE / side
    image = cv2.warpAffine(image, scale * np.column_stack([np.eye(2), -corner]), (2 * SIDE, 2 * SIDE))
    for points, color in ((true, TRUE), (pred, PREDICTED)):
        for a, b in get_skeleton(skeleton).edges:
            ends = np.round(scale * (points[[a, b]] - corner))
            if np.isfinite(ends).all():
                cv2.line(image, *ends.astype(int).tolist(), color, 3, cv2.LINE_AA)
    image = np.ascontiguousarray(np.rot90(image, -1))
    image = cv2.resize(image, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    return 'data:image/jpeg;base64,' + base64.b64encode(cv2.imencode('.jpg', image[..., ::-1])[1].tobytes()).decode()


def _in_picture(points: np.ndarray, intrinsics: np.ndarray) -> np.ndarray:
    """``(J,2)`` pixels; NaN for joints that are not before the camera."""
    with np.errstate(divide='ignore', invalid='ignore'):
        pixels = (points @ intrinsics.T)[:, :2] / points[:, 2:]
    front = (points[:, 2:] > 0.02) & (np.abs(pixels) < 4096).all(1, keepdims=True)
    return np.where(front, pixels, np.nan)


def _around(pixels: np.ndarray) -> tuple[np.ndarray, float]:
    """Corner and side of the square around joints, of which one at least is there."""
    low, high = np.nanmin(pixels, 0), np.nanmax(pixels, 0)
    side = max(AROUND * float((high - low).max()), 32.0)
    return (low + high - side) / 2, side


def _in_camera(task: str, pose: dict, root: Path) -> tuple | None:
    """Prediction and truth ``(J,3)`` in the axes of the camera, and its intrinsics; None: not known."""
    if task == 'hand':
        file = root / 'annotation' / 'manual' / 'ego_pose_gt_anno_val_public.json'
        try:
            wrist = np.array(read_json(file)[pose['uid']][str(pose['frame'])][f'{pose["side"]}_hand_3d'][0], float)
        except (OSError, *DAMAGE):
            return None
        return pose['pred'] + wrist, pose['truth'] + wrist, INTRINSICS
    try:
        content = read_json(root / 'annotations' / 'ego_pose' / 'val' / 'camera_pose' / f'{pose["uid"]}.json')
        camera = next(value for key, value in content.items() if 'aria' in key)
        matrix = np.array(camera['camera_extrinsics'][str(pose['frame'])], float)
        intrinsics = np.array(camera['camera_intrinsics'], float)
    except (OSError, *DAMAGE):
        return None
    return *(points @ matrix[:, :3].T + matrix[:, 3] for points in (pose['pred'], pose['truth'])), intrinsics
