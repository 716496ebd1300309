"""What the page tells in words: figures of each motion, and what its provenance says."""
from pathlib import PurePath

from ...motion import Motion

MAX_ROWS, MAX_TEXT, MAX_DEPTH, MAX_ITEMS = 80, 240, 4, 12


def describe(motions: list, means: list) -> str:
    """One line under the heading."""
    first, frames = motions[0], sum(map(len, motions))
    seconds = max(motion.time[-1] for motion in motions) - min(motion.time[0] for motion in motions)
    count = '1 frame' if frames == 1 else f'{frames} frames'
    parts = [f'{seconds:.1f} s at {first.fps:.3g} frames/s' if len(first) > 1 else count]
    if len({motion.skeleton for motion in motions}) == 1:
        parts.insert(0, f'{first.num_joints} joints of {first.skeleton}')
    known = [mean for mean in means if mean is not None]
    if len(known) == 1 == len(means):
        parts.append(f'mean error {100 * known[0]:.1f} cm')
    return ' · '.join(parts)


def fact_lists(motions: list, names: list, people: list, means: list) -> list:
    """``[dict(title, rows=[[name, value]])]``, all of them text."""
    lists = [dict(title=name, rows=_figures(motion, mean) + _flat(motion.provenance)[:MAX_ROWS])
             for motion, name, mean in zip(motions, names, means)][:20]
    steps = [person['joints']['step'] for person in people if person['joints']['type'] == 'i2']
    exact = f'joints to {1e3 * max(steps) / 2:.2g} mm' if len(steps) == len(people) else 'joints as 32-bit floats'
    return [*lists, dict(title='This page', rows=[
        ['exactness', exact], ['view', 'drag to turn, wheel or two fingers to zoom, shift and drag to move'],
        ['keys', 'space plays, arrows step (with shift a second), [ ] speed, g ghosts, s skeleton, m mesh, t head '
                 'track, f follow, c truth, r view, i facts']])]


def _figures(motion: Motion, mean: float | None) -> list:
    holes = int((~motion.valid.any(1)).sum())
    rows = [['frames', f'{len(motion)}' + (f', {motion.fps:.4g} a second' if len(motion) > 1 else '')],
            ['without a pose', f'{holes}'], ['filled in', f'{int(motion.filled.sum())}'],
            ['skeleton', motion.skeleton], ['relative to', motion.frame]]
    if mean is not None:
        rows.append(['mean error', f'{100 * mean:.2f} cm, of the joints that both have'])
    if motion.mesh is not None:
        rows.append(['mesh', f'{motion.mesh.vertices.shape[1]} vertices {motion.mesh.body_model}'.strip()])
    return [[name, value[:MAX_TEXT]] for name, value in rows]


def _flat(facts: dict, prefix: str = '', depth: int = 0) -> list:
    """Rows of nested facts; of absolute paths only the name, since a page is handed on."""
    rows: list = []
    for key, value in facts.items():
        name = f'{prefix}{key}'[:MAX_TEXT].replace('_', ' ')
        if isinstance(value, dict) and value and depth < MAX_DEPTH:
            rows += _flat(value, f'{prefix}{key} ', depth + 1)
        elif len(rows) < MAX_ROWS and value not in (None, '', {}, []):
            rows.append([name, _text(value)[:MAX_TEXT]])
    return rows


def _text(value) -> str:
    if isinstance(value, str):
        return PurePath(value).name if PurePath(value).is_absolute() and '\n' not in value else value
    if isinstance(value, float):
        return f'{value:.6g}'
    if isinstance(value, dict):
        return ', '.join(f'{name} {_text(item)}' for name, item in list(value.items())[:MAX_ITEMS])
    if isinstance(value, (list, tuple)):
        if value and all(isinstance(item, (list, tuple)) for item in value):
            return f'{len(value)} x {len(value[0])} values'
        return ', '.join(_text(item) for item in value[:MAX_ITEMS]) + (', ...' if len(value) > MAX_ITEMS else '')
    return str(value)
