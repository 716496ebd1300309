"""From errors of sequences to the numbers of a table: Markdown, CSV, JSON."""
import csv
import io
from dataclasses import dataclass

import numpy as np

from ..evaluation.intervals import interval_of, mean_and_deviation, mean_of_groups, resampling_weights
from .rows import BenchmarkRow
from .tasks import TASKS, OpenTask

NUM_RESAMPLES = 2000


@dataclass(frozen=True)
class ScoredRow:
    """A row with its results.

    Attributes:
        row: what it is.
        results: one for each checkpoint, see :func:`.evaluate_row`.
        commands: that make it again.
    """
    row: BenchmarkRow
    results: list
    commands: list


def summarize_row(scored: ScoredRow) -> dict:
    """Numbers of a row: ``{condition: dict(measures, macro, scenarios, subjects, joints, num_sequences, num_frames)}``.

    A number is a dict of ``value`` (mean over checkpoints), ``deviation`` over them (None: only one) and ``interval``
    (95 %, by sequence; None: fewer than two motions).
    """
    task = TASKS[scored.row.task]
    return {condition: _summary(task, [result[condition] for result in scored.results])
            for condition in task.conditions}


def _summary(task: OpenTask, results: list) -> dict:
    sequences = results[0]['sequences']

    def entries(key: str) -> np.ndarray:
        return np.array([sequence[key] for sequence in sequences])

    motions, over = entries('motion'), None if task.mean_over is None else entries(task.mean_over)
    several = len(set(motions)) > 1
    weights = resampling_weights(motions, NUM_RESAMPLES) if several else None

    def number(measure: str, groups=None, rows=None) -> dict:
        rows = np.ones(len(sequences), bool) if rows is None else rows
        parts = [(np.array(result['sums'][measure])[rows], np.array(result['counts'][measure])[rows],
                  None if groups is None else groups[rows]) for result in results]
        value, deviation = mean_and_deviation([mean_of_groups(*part)[0] for part in parts])
        interval = None
        if several and len(set(motions[rows])) > 1:
            interval = interval_of(np.mean([mean_of_groups(*part, weights[:, rows]) for part in parts], 0))
        return dict(value=value, deviation=deviation, interval=interval)

    def by(key: str) -> dict:
        names, frames = entries(key), np.array(results[0]['num_frames'])
        order = sorted(set(names.tolist()), key=lambda name: (-frames[names == name].sum(), name))
        return {name: dict(number(task.main, rows=names == name), num_frames=int(frames[names == name].sum()),
                           num_sequences=int((names == name).sum())) for name in order}

    return dict(
        measures={name: number(name, over) for name in task.measures}, macro=number(task.main, entries('subject')),
        scenarios=by('scenario'), subjects=by('subject'),
        joints={name.removeprefix('joint/'): number(name) for name in results[0]['sums'] if name.startswith('joint/')},
        num_sequences=len(sequences), num_motions=len(set(motions.tolist())),
        num_frames=int(sum(results[0]['num_frames'])))


def columns_of(task: OpenTask) -> list[tuple[str, str, str]]:
    """``(heading, condition, measure)`` of the columns of a task; ``macro`` is the mean over subjects."""
    several, columns = len(task.conditions) > 1, []
    for index, condition in enumerate(task.conditions):
        where = f'{condition}: ' if several else ''
        measures = [task.main, 'macro'] if several and index else [task.main, 'macro', *list(task.measures)[1:]]
        for measure in measures:
            unit = task.measures[task.main if measure == 'macro' else measure]
            name = 'mean over subjects' if measure == 'macro' else measure
            columns.append((f'{where}{name} ({unit})', condition, measure))
    return columns


def number_of(summary: dict, condition: str, measure: str) -> dict:
    """A number of :func:`summarize_row`."""
    part = summary[condition]
    return part['macro'] if measure == 'macro' else part['measures'][measure]


def words_of(number: dict) -> str:
    """``7.34 ± 0.05 [6.10, 8.80]``: value, deviation over checkpoints, interval."""
    text = f'{number["value"]:.2f}'
    if number['deviation'] is not None:
        text += f' ± {number["deviation"]:.2f}'
    return text if number['interval'] is None else text + ' [{:.2f}, {:.2f}]'.format(*number['interval'])


def markdown_tables(tasks: dict[str, list], note: str) -> str:
    """A table for each task; ``tasks`` are lists of ``(ScoredRow, summary)`` by task."""
    parts = [note]
    for name, rows in tasks.items():
        task, columns = TASKS[name], columns_of(TASKS[name])
        lines = [f'## {task.title}', '', f'{task.explanation} {scored_in_words(rows)}', '',
                 '| row | ' + ' | '.join(heading for heading, _, _ in columns) + ' | seeds |',
                 '|---|' + '---:|' * (len(columns) + 1)]
        for scored, summary in rows:
            cells = [words_of(number_of(summary, condition, measure)) for _, condition, measure in columns]
            label = scored.row.name.replace('|', '\\|').replace('<', '&lt;')  # of Markdown and HTML
            lines.append(f'| {label} | ' + ' | '.join(cells) + f' | {len(scored.results)} |')
        parts.append('\n'.join(lines))
    return '\n\n'.join(parts) + '\n'


def scored_in_words(rows: list) -> str:
    """Of how much the numbers of a task are."""
    counts = {(part['num_sequences'], part['num_motions'], part['num_frames'])
              for _, summary in rows for part in list(summary.values())[:1]}
    if len(counts) > 1:
        return 'The rows read different frames, so that they cannot be compared: ' + ', '.join(
            f'{frames} frames of {sequences} sequences' for sequences, _, frames in sorted(counts)) + '.'
    sequences, motions, frames = counts.pop()
    cameras = f' of {motions} motion{"s" if motions > 1 else ""}' if motions < sequences else ''
    return f'{frames:,} frames, {sequences} sequence{"s" if sequences > 1 else ""}{cameras}.'


def csv_table(tasks: dict[str, list]) -> str:
    """A line for each number: task, row, condition, group, measure, value, deviation, bounds of the interval."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator='\n')
    writer.writerow(['task', 'row', 'condition', 'group', 'measure', 'unit', 'value', 'deviation', 'low', 'high',
                     'seeds'])
    for name, rows in tasks.items():
        task = TASKS[name]
        for scored, summary in rows:
            for condition, part in summary.items():
                lines = [('all', measure, task.measures[measure], number)
                         for measure, number in part['measures'].items()]
                lines.append(('mean over subjects', task.main, task.measures[task.main], part['macro']))
                for kind in ('scenarios', 'subjects', 'joints'):
                    lines += [(f'{kind.removesuffix("s")} {key}', task.main, task.measures[task.main], number)
                              for key, number in part[kind].items()]
                for group, measure, unit, number in lines:
                    low, high = number['interval'] or (None, None)
                    writer.writerow([name, scored.row.name, condition, group, measure, unit, *(
                        '' if value is None else f'{value:.4f}' for value in (
                            number['value'], number['deviation'], low, high)), len(scored.results)])
    return out.getvalue()


def json_table(tasks: dict[str, list], facts: dict) -> dict:
    """All numbers of all rows, with the facts of the run."""
    return dict(facts, tasks={name: [dict(
        row=scored.row.name, seeds=len(scored.results), commands=scored.commands, numbers=summary,
        branches=[part['branches'] for result in scored.results for part in result.values() if part['branches']])
        for scored, summary in rows] for name, rows in tasks.items()})
