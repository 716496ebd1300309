"""Damaged files in Python: they are read, or a ``ValueError`` of one line says why not."""
import random
import warnings

import numpy as np
import pytest
from helpers import track_files
from helpers.damage import damaged
from test_inference.test_inputs import test_head_track_formats, test_poses_2d

from mmegopose.inference.inputs.head_tracks import read_head_track
from mmegopose.inference.inputs.poses_2d import read_poses_2d
from mmegopose.motion import Motion

NUM_CHANGES = 40
FRAMES = slice(0, 60)


def survives(path, read):
    """Change the files below ``path`` again and again; returns how often they could be read nevertheless."""
    files = sorted(file for file in (path.rglob('*') if path.is_dir() else [path]) if file.is_file())
    contents, dice, good = [file.read_bytes() for file in files], random.Random(str(path.name)), 0
    for _ in range(NUM_CHANGES):
        number = dice.randrange(len(files))
        files[number].write_bytes(damaged(contents[number], files[number].name, dice))
        try:
            with warnings.catch_warnings(), np.errstate(all='ignore'):
                warnings.simplefilter('ignore')
                read()
            good += 1
        except ValueError as error:
            assert str(error) and '\n' not in str(error)
        files[number].write_bytes(contents[number])
    return good


@pytest.mark.parametrize('name', test_head_track_formats.WRITERS)
def test_head_tracks(name, tmp_path, monkeypatch):
    time, poses = track_files.walk()
    monkeypatch.setattr(test_head_track_formats, 'TIME', time[FRAMES])
    monkeypatch.setattr(test_head_track_formats, 'POSES', poses[FRAMES])
    write, options = test_head_track_formats.WRITERS[name]
    path = write(tmp_path)
    assert survives(path, lambda: read_head_track(path, name, **options)) < NUM_CHANGES


@pytest.mark.parametrize('name', test_poses_2d.READ)
def test_poses_2d_of_detectors(name, tmp_path):
    write, options, _ = test_poses_2d.READ[name]
    path = write(tmp_path)
    assert survives(path, lambda: read_poses_2d(path, name, **options)) < NUM_CHANGES


def test_motions(tmp_path):
    path = tmp_path / 'm.npz'
    Motion(np.arange(5) / 30, np.zeros((5, 17, 3)), 'coco17', confidence=np.ones((5, 17))).save(path)
    assert survives(path, lambda: Motion.load(path)) < NUM_CHANGES
