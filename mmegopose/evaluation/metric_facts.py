"""What metrics say of themselves: how predictions are drawn, columns in a table, which value is better, baselines.

For the command line, which does not know the metrics of a config or of a plugin. A metric that says nothing, such as
one of another package, is left out.
"""
from collections.abc import Sequence

from mmengine.evaluator import BaseMetric

from ..registry import METRICS
from .metrics import PoseWiseMetric, SequenceMetric


def as_list(configs: dict | Sequence[dict] | None) -> list[dict]:
    """The metric configs of an evaluator config, which may be one metric or several."""
    if not configs:
        return []
    return [configs] if isinstance(configs, dict) else list(configs)


def build_metrics(configs: dict | Sequence[dict], dataset_meta: dict) -> list[BaseMetric]:
    """Metrics of configs that know the data set."""
    metrics = [METRICS.build(config) for config in as_list(configs)]
    for metric in metrics:
        metric.dataset_meta = dataset_meta
    return metrics


def draw_predictions(cfg: dict, configs: dict | Sequence[dict], folder: str) -> None:
    """Put the hook that draws predictions in the config of a run: the first metric that says how they are drawn
    decides.

    Raises:
        ValueError: no metric says it.
    """
    types = [config['type'] for config in as_list(configs)]
    classes = [METRICS.get(kind) if isinstance(kind, str) else kind for kind in types]
    hook = next(filter(None, (getattr(cls, 'visualization_hook', None) for cls in classes)), None)
    if hook is None:
        raise ValueError(f'none of the metrics {types} says how its predictions are drawn: set the attribute '
                         "visualization_hook of its class to the type of a hook, e.g. 'PoseVisualizationHook'")
    cfg.setdefault('default_hooks', {})
    cfg['default_hooks']['visualization'] = dict(type=hook, out_dir=folder)


def table_columns(metrics: Sequence[BaseMetric]) -> dict[str, str]:
    """Names of results by the heading of their column, those of the first metric first.

    Raises:
        ValueError: no metric has a column.
    """
    columns = {}
    for metric in metrics:
        for heading, name in getattr(metric, 'table_columns', dict)().items():
            taken = columns.setdefault(heading, name) != name
            if taken:  # two metrics of one kind
                columns[f'{heading}, {name}'] = name
    if not columns:
        raise ValueError(f'none of the metrics {[type(metric).__name__ for metric in metrics]} has columns for a '
                         'table: give its class a method table_columns() that returns names of results by heading')
    return columns


def better_value(metrics: Sequence[BaseMetric], name: str) -> str | None:
    """Whether the ``'greater'`` or the ``'less'`` of two results called ``name`` is the better one; None: none of the
    metrics says it."""
    for metric in metrics:
        if name.startswith(f'{metric.prefix}/') and hasattr(metric, 'greater'):
            return 'greater' if any(part in name.rsplit('/')[-1] for part in metric.greater) else 'less'
    return None


def score_baselines(metrics: Sequence[BaseMetric], configs: dict | Sequence[dict], train: dict, test: dict) -> dict:
    """Results of simple rules on the same data, by the name of the rule; empty if no metric knows any.

    Args:
        metrics: built from ``configs``.
        configs: of the metrics. Those on the same base as the one that names the rules, which read the same fields,
            score them.
        train, test: configs of the data sets.
    """
    first = next((metric for metric in metrics if getattr(metric, 'baselines', None)), None)
    if first is None:
        return {}
    base = next((base for base in (SequenceMetric, PoseWiseMetric) if isinstance(first, base)), type(first))
    return first.baselines(train, test, [config for metric, config in zip(metrics, as_list(configs))
                                         if isinstance(metric, base)])


def markdown_table(title: str, results: dict[str, dict], columns: dict[str, str]) -> str:
    """A table with a row per model.

    Args:
        title: heading of the first column.
        results: results by the label of a model and by name.
        columns: see :func:`table_columns`.
    """
    lines = [f'| {title} | ' + ' | '.join(columns) + ' |', '|---|' + '---:|' * len(columns)]
    for label, found in results.items():
        cells = [f'{found[name]:.2f}' if name in found else '-' for name in columns.values()]
        lines.append(f'| {label} | ' + ' | '.join(cells) + ' |')
    return '\n'.join(lines)
