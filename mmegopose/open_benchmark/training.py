"""Trainings of rows that have no checkpoint, in processes of their own."""
import hashlib
import json
import re
import subprocess
import sys
import time
from pathlib import Path

from ..engine.checkpoint import newest_checkpoint
from ..engine.config import load_config
from ..files import atomic_write
from .motions import OpenMotions
from .rows import BenchmarkRow


def run_logged(log: Path, *command) -> None:
    """Run a command of Python whose output goes to ``log``; raise ``ValueError`` with its last lines if it fails."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with open(log, 'w') as file:
        done = subprocess.run([sys.executable, *map(str, command)], stdout=file, stderr=subprocess.STDOUT)
    if done.returncode:
        raise ValueError(f'{" ".join(map(str, command))} failed, see {log}: {log.read_text().strip()[-400:]}')


def train_row(row: BenchmarkRow, seed: int, motions: OpenMotions, folder: Path) -> Path:
    """Checkpoint of a training of a row; one that was interrupted goes on, one that is done is not repeated.

    Args:
        folder: of the trainings of all rows.

    Raises:
        ValueError: it failed.
    """
    work_dir = folder / training_name(row, motions) / f'seed_{seed}'
    done = work_dir / 'trained.txt'
    if not done.is_file():
        command = ['-m', 'mmegopose', *training_command(row, seed, motions, work_dir)]
        print(f'{row.task}: {row.name}, seed {seed}: training, log in {work_dir / "train.log"}', flush=True)
        start = time.monotonic()
        run_logged(work_dir / 'train.log', *command)
        with atomic_write(done) as file:
            file.write(f'{time.monotonic() - start:.0f} s\n')
    return Path(newest_checkpoint(work_dir))


def training_name(row: BenchmarkRow, motions: OpenMotions) -> str:
    """Folder of the trainings of a row: another one for other data, another config or other options, so that no
    training of theirs counts as one of this row.
    """
    config = load_config(row.config, row.options).pretty_text
    digest = hashlib.sha256(json.dumps([row.name, config, motions.checksum]).encode()).hexdigest()
    return f'{row.task}-{re.sub("[^A-Za-z0-9.-]+", "_", row.name).strip("._")[:40]}-{digest[:8]}'


def training_command(row: BenchmarkRow, seed: int, motions: OpenMotions, work_dir: Path) -> list[str]:
    """Arguments of ``mmegopose`` that train a row."""
    root = motions.npz if row.task == 'lifting' else motions.folder
    options = [f'data_root={"sample" if motions.given == "sample" else root}', f'randomness.seed={seed}',
               *(f'{key}={value}' for key, value in row.options.items())]
    return ['train', str(row.config), '--work-dir', str(work_dir), '--resume', '--cfg-options', *options]
