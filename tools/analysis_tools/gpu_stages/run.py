"""One stage after another, each in a process of its own, and the report that grows with them."""
import contextlib
import importlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
import traceback
from pathlib import Path

import torch

from mmegopose.errors import user_errors
from mmegopose.files import atomic_write, finite_values

from .markdown import report_text
from .stages import STAGES, TINY, Stage, chosen_stages


class Found:
    """What a stage finds: rows, written to a file as they come.

    Attributes:
        folder: of files that the stages share, and that the report does not keep.
    """

    def __init__(self, name: str, seconds: float, folder: Path):
        self.file, self.folder, self.rows, self.facts = folder / f'{name}.json', folder, [], {}
        self.end = time.monotonic() + seconds

    @property
    def seconds_left(self) -> float:
        return self.end - time.monotonic()

    def add(self, **row) -> None:
        self.rows.append(row)
        self.write()

    def write(self, **facts) -> None:
        self.facts |= facts
        _write_json(self.file, dict(self.facts, rows=self.rows))

    def row(self, name: str, function, needs: float = 0.0, **facts) -> None:
        """Add the row that a function returns, or why there is none; running out of memory is a result."""
        if self.seconds_left < needs:
            self.add(name=name, **facts, note=f'skipped: {self.seconds_left:.0f} s are left')
            return
        try:
            row = function()
        except torch.OutOfMemoryError:
            row = dict(note='out of memory')
        except Exception as error:
            traceback.print_exc()
            row = dict(note=f'failed: {type(error).__name__}: {str(error)[:300]}')
        self.add(name=name, **facts, **row)


def run_stage(args, name: str, seconds: str, folder: str) -> int:
    """Run a stage in this process."""
    stage, found = STAGES[name], Found(name, float(seconds), Path(folder))
    module, function = stage.function.split(':')
    try:
        run = getattr(importlib.import_module(f'.{module}', __package__), function)
        run(found, args, *[stage.argument] if stage.argument else [])
    except Exception as error:
        traceback.print_exc()
        found.write(error=f'{type(error).__name__}: {error}')
        return 1
    found.write()
    return 0


def run_report(args, command: list) -> int:
    """Run the stages of ``--stages`` and write the report; 1 if one failed.

    Args:
        command: that of this report, which runs one stage with ``--child NAME SECONDS FOLDER`` behind it.
    """
    with user_errors():
        stages = chosen_stages(args.stages)
        if args.data is not None and not args.data.is_file():
            raise FileNotFoundError(f'--data {args.data} is missing: name an npz of tools/dataset_converters/mocap.py')
        if args.device == 'cuda' and not torch.cuda.is_available():
            raise ValueError('--device cuda: torch sees no GPU; --device cpu --scale tiny runs every stage without one')
        if args.workers < 0:
            raise ValueError(f'--workers {args.workers} should be 0 or more')
        if args.out.exists() and not args.out.is_dir():
            raise ValueError(f'--out {args.out} is a file: name a folder')
        args.out.mkdir(parents=True, exist_ok=True)
    start, folder = time.monotonic(), Path(tempfile.mkdtemp(prefix='gpu_report_'))
    kept = _kept(args.out / 'report.json')
    report = dict(arguments=_texts(vars(args)),
                  stages={**kept, **{name: dict(state='waits') for name in stages}})
    for name in STAGES:  # what another run has found may be of use, e.g. the peak
        if name in kept and name not in stages:
            _write_json(folder / f'{name}.json', kept[name])
    try:
        for index, (name, stage) in enumerate(stages.items()):
            left = args.budget - (time.monotonic() - start)
            seconds = stage_seconds(stage, left, list(stages.values())[index + 1:], args)
            if seconds is None:
                report['stages'][name] = dict(state='skipped', rows=[], error=(
                    f'{left:.0f} s of the budget are left, it takes at least {stage.least:.0f} s'))
            else:
                _watch(report, name, seconds, [*command, '--child', name, f'{seconds:.1f}', str(folder)], folder, args)
            report['seconds'] = round(time.monotonic() - start, 1)
            write_report(report, args.out)
            print(f'{name}: {report["stages"][name]["state"]}, {report["seconds"]:.0f} s in all', flush=True)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print((args.out / 'report.md').read_text())
    return int(any(report['stages'][name]['state'] in ('failed', 'stopped') for name in stages))


def stage_seconds(stage: Stage, left: float, later: list, args) -> float | None:
    """Seconds that a stage gets; None if it does not fit. A training leaves the trainings after it as much."""
    least, most = (stage.least, stage.most) if args.scale == 'full' else (0.5, TINY)
    if left < least:
        return None
    if most is not None:
        return min(left, most)
    sharing = 1 + sum(other.most is None for other in later)
    return max(least, min(left, left / sharing))


def _watch(report: dict, name: str, seconds: float, command: list, folder: Path, args) -> None:
    """Run a stage as another process until its time is over; its rows join the report while it runs."""
    entry, file, start = report['stages'][name], folder / f'{name}.json', time.monotonic()
    entry.update(state='runs', rows=[])
    with open(folder / f'{name}.log', 'w+') as log:
        hidden = dict(CUDA_VISIBLE_DEVICES='') if args.device == 'cpu' else {}
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
                                   env=dict(os.environ, **hidden))
        try:
            while process.poll() is None and time.monotonic() - start < seconds:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(0.5)
                if _take(entry, file):
                    write_report(report, args.out)
            over = process.poll() is None
        finally:
            _end(process)
        _take(entry, file)
        log.seek(0)
        tail = log.read()[-1500:]
    entry['seconds'] = round(time.monotonic() - start, 1)
    if over:
        entry.update(state='stopped', error=f'stopped after {seconds:.0f} s', log=tail)
    elif process.returncode:
        entry.update(state='failed', log=tail)
        entry.setdefault('error', f'exit status {process.returncode}')
    else:
        entry['state'] = 'done'


def _take(entry: dict, file: Path) -> bool:
    """Put what a stage has written in its entry; whether that is new."""
    if not file.is_file():
        return False
    found = json.loads(file.read_text())
    new = found.get('rows') != entry.get('rows')
    entry.update(found)
    return new


def _end(process: subprocess.Popen) -> None:
    """End a process and those that it has started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _texts(arguments: dict) -> dict:
    """Arguments of the command as text."""
    return {key: ' '.join(map(str, value)) if isinstance(value, list) else str(value)
            for key, value in arguments.items() if key != 'child' and value is not None}


def _kept(file: Path) -> dict:
    """Stages of an earlier run in the same folder."""
    if not file.is_file():
        return {}
    return {name: entry for name, entry in json.loads(file.read_text()).get('stages', {}).items() if name in STAGES}


def _write_json(path: Path, content: dict) -> None:
    with atomic_write(path) as file:
        json.dump(finite_values(content), file, indent=1, allow_nan=False)


def write_report(report: dict, out: Path) -> None:
    """``report.json`` and ``report.md``."""
    _write_json(out / 'report.json', report)
    with atomic_write(out / 'report.md') as file:
        file.write(report_text(report))
