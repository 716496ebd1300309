"""The benchmark from beginning to end: data, rows, results, tables, page."""
import json
import shlex
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .. import __version__
from ..files import atomic_write, finite_values, require_writable
from .evaluating import config_of, device_in_words, evaluate_row, identity_of
from .motions import OpenMotions, open_motions
from .report import write_report
from .rows import BenchmarkRow, data_of
from .score_tables import ScoredRow, csv_table, json_table, markdown_tables, summarize_row
from .stored import StoredResults
from .tasks import TASKS
from .training import train_row, training_command


def run_open_benchmark(rows: list[BenchmarkRow], data: str, out: str | Path, *, split: str = 'val',
                       train: bool = False, command: str = '') -> dict:
    """Score rows and write ``table.md``, ``table.csv``, ``table.json`` and ``report.html``.

    Every result is kept as soon as it is there; what was done with the same checkpoint, config and data is not done
    again.

    Args:
        rows: what to compare.
        data: see :func:`.open_motions`.
        out: folder.
        split: ``'val'`` or ``'test'``.
        train: train rows that have a config and no checkpoint.
        command: that started it, without ``--only``, to be told for each row.

    Returns:
        Summaries by task and name of the row.

    Raises:
        ValueError: a row cannot be scored; those before it are kept.
        FileNotFoundError: a file of a row, or the data, is not there.
    """
    out = Path(out)
    require_writable(out)
    files = _checkpoints(rows, train)
    motions = open_motions(data)
    stored = StoredResults(out / 'results')
    tasks: dict[str, list] = {}
    try:
        for row in sorted(rows, key=lambda row: list(TASKS).index(row.task)):
            if row.task == 'lifting' and motions.npz is None:
                print(f'{row.task}: {row.name}: left out, for {data} is the converted folder; give --data the npz')
                continue
            with _naming(row):
                checkpoints = files[row.task, row.name]
                if checkpoints is None:
                    checkpoints = [train_row(row, seed, motions, out / 'training') for seed in row.seeds]
                results = [_result(row, checkpoint, motions, split, stored) for checkpoint in checkpoints or [None]]
                scored = ScoredRow(row, results, _commands(row, motions, command))
                tasks.setdefault(row.task, []).append((scored, summarize_row(scored)))
            _write_tables(tasks, motions, split, out)
    finally:  # what was scored before a mistake, or before Ctrl-C, is on the page, too
        if tasks:
            write_report(tasks, out / 'report.html', facts_of_run(motions, split))
    if not tasks:
        raise ValueError('there is nothing to score: no row is left')
    return {name: {scored.row.name: summary for scored, summary in found} for name, found in tasks.items()}


def facts_of_run(motions: OpenMotions, split: str) -> dict:
    """What a table should tell besides its numbers."""
    return dict(data=motions.title, split=split, version=__version__, checksum=motions.checksum)


def _checkpoints(rows: list[BenchmarkRow], train: bool) -> dict:
    """Checkpoints of each row, None: to be trained; whatever is not there is told before anything is computed."""
    found = {}
    for row in rows:
        with _naming(row):
            _, files = row.find()
            cfg = config_of(row)
            if not row.rule and not (cfg.get('model') and data_of(cfg)):
                raise ValueError(f'{row.config or row.model} has no model or no data to test on: name the config '
                                 'of a training')
        if not files and not row.rule and not train:
            raise ValueError(f'row {row.name!r} has no checkpoint: name checkpoints, or train it with --train')
        found[row.task, row.name] = files if files or row.rule else None
    return found


@contextmanager
def _naming(row: BenchmarkRow) -> Iterator[None]:
    """What is wrong within tells the row."""
    try:
        yield
    except (ValueError, KeyError, TypeError, ImportError, FileNotFoundError) as error:
        if len(error.args) == 1 and f'row {row.name!r}' not in str(error):
            error.args = (f'row {row.name!r} of {row.task}: {error.args[0]}',)
        raise


def _result(row: BenchmarkRow, checkpoint: Path | None, motions: OpenMotions, split: str,
            stored: StoredResults) -> dict:
    identity = identity_of(row, checkpoint, motions, split)
    result, start = stored.find(identity), time.monotonic()
    told = f'{row.task}: {row.name}' + (f', {checkpoint.name}' if checkpoint is not None else '')
    if result is not None:
        print(f'{told}: as before', flush=True)
        return result
    result = stored.write(identity, evaluate_row(row, checkpoint, motions, split))
    print(f'{told}: {time.monotonic() - start:.0f} s on {device_in_words()}', flush=True)
    return result


def _commands(row: BenchmarkRow, motions: OpenMotions, command: str) -> list[str]:
    lines = []
    if row.config and not row.rule:
        lines += [shlex.join(['mmegopose', *training_command(row, seed, motions, Path('WORK_DIR'))])
                  for seed in row.seeds[:1]]
    if command:
        lines.append(f'{command} --only {shlex.quote(row.name)}')
    return lines


def _write_tables(tasks: dict, motions: OpenMotions, split: str, out: Path) -> None:
    facts = facts_of_run(motions, split)
    note = (f'# Open benchmark: {motions.title}, {split}\n\nIn brackets: 95 % intervals, bootstrap by sequence; ±: '
            'standard deviation over seeds.')
    texts = dict(md=markdown_tables(tasks, note), csv=csv_table(tasks),
                 json=json.dumps(finite_values(json_table(tasks, facts)), indent=1))
    for ending, text in texts.items():
        with atomic_write(out / f'table.{ending}') as file:
            file.write(text)
