"""Training curves from the logs of a work dir."""
import json
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure


def read_scalars(work_dir: str) -> dict:
    """``{name: {step: value}}`` of all runs in a work dir; a resumed run continues the curve of the run before.

    Raises:
        FileNotFoundError: the work dir has no log.
    """
    logs = sorted(Path(work_dir).glob('*/vis_data/scalars.json'))
    if not logs:
        raise FileNotFoundError(f'no */vis_data/scalars.json in {work_dir}: is it the work dir of a training run?')
    curves = {}
    for path in logs:
        for line in path.read_text().splitlines():
            try:
                entry = json.loads(line)
            except ValueError:  # a run that was killed leaves half a line
                continue
            for name, value in entry.items():
                if isinstance(value, (int, float)) and 'step' in entry and name not in ('step', 'iter', 'epoch'):
                    curves.setdefault(name, {})[entry['step']] = value
    return curves


def plot_training(work_dirs: dict, metric: str = 'body/MPJPE', heading: str = 'MPJPE (cm)') -> Figure:
    """Training loss and a validation metric over iterations.

    Args:
        work_dirs: ``{label: work dir}``.
        metric: validation result to draw.
        heading: what it is and its unit.
    """
    figure = Figure(figsize=(9, 3.4), layout='constrained')
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2)
    for label, work_dir in work_dirs.items():
        curves = read_scalars(work_dir)
        loss = curves.get('loss_mpjpe') or curves.get('loss', {})
        left.plot(*_sorted(loss), label=label)
        right.plot(*_sorted(curves.get(metric, {})), marker='o', markersize=3, label=label)
    left.set(xlabel='iteration', ylabel='training loss (m)', yscale='log')
    right.set(xlabel='iteration', ylabel=heading, title='validation')
    for axes in (left, right):
        axes.grid(alpha=0.3)
    right.legend(frameon=False)
    return figure


def _sorted(curve: dict):
    return [list(column) for column in zip(*sorted(curve.items()))] or [[], []]
