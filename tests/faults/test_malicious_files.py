"""Files made to harm: nothing in them runs, none takes time or memory beyond its size, no other file changes."""
import builtins
import io
import json
import os
import pickle
import resource
import shutil
import time
import zipfile
import zlib

import numpy as np
import pytest
import torch
from helpers.engine_toy import toy_runner

from mmegopose.body_models import read_body_model
from mmegopose.datasets import SequenceStore
from mmegopose.datasets.cache import cached_store
from mmegopose.datasets.converters import read_wheels
from mmegopose.datasets.mocap_sequences import MocapSequences
from mmegopose.datasets.readers.images.annotations import read_annotation_pickle
from mmegopose.datasets.readers.lifting import read_h36m_2_5d
from mmegopose.engine import load_config, load_from_local
from mmegopose.engine.official_checkpoints import read_weights
from mmegopose.export.publishing import read_words
from mmegopose.files import BadFile, read_json
from mmegopose.motion import Motion
from mmegopose.named_models import read_facts
from mmegopose.npz import read_array, read_arrays
from mmegopose.pickles import read_object
from mmegopose.yaml_text import read_yaml

MAX_S, MAX_KB = 5, 300_000


class Program:
    """Opens a file when it is unpickled without protection, which leaves a trace."""

    def __init__(self, trace):
        self.trace = str(trace)

    def __reduce__(self):
        return builtins.open, (self.trace, 'w')


def pickled(path, trace):
    path.write_bytes(pickle.dumps(dict(a=Program(trace)), 2))


def npz(**names):
    def write(path, trace):
        np.savez(path, **{key: np.array(Program(trace), object) for key in names or ['a']})
    return write


def checkpoint(zipped):
    return lambda path, trace: torch.save(dict(state_dict=dict(a=Program(trace))), path,
                                          _use_new_zipfile_serialization=zipped)


def yaml_program(path, trace):
    path.write_text(f'a: !!python/object/apply:builtins.open ["{trace}", "w"]\n')


def config_on_yaml(path, trace):
    yaml_program(path.with_suffix('.yml'), trace)
    path.write_text("_base_ = './evil.yml'\n")


def wheel(path, trace):
    content = io.BytesIO()
    np.save(content, np.array(Program(trace), object), allow_pickle=True)
    with zipfile.ZipFile(path, 'w') as archive:
        archive.writestr('mocap_climb_seq_1_joint_positions.npy', content.getvalue())
        archive.writestr('motions/humanoid3d_a.txt', f'open({str(trace)!r}, "w")')


PROGRAMS = {  # how the file is made, and who reads it
    'checkpoint.pth': (checkpoint(True), lambda path: load_from_local(str(path))),
    'old_checkpoint.pth': (checkpoint(False), lambda path: load_from_local(str(path))),
    'official.pth': (checkpoint(True), lambda path: read_weights(str(path))),
    'annotation.pkl': (pickled, read_annotation_pickle),
    'body.pkl': (pickled, read_body_model),
    'h36m_sh_conf_cam_source_final.pkl': (pickled, lambda path: read_h36m_2_5d(str(path.parent))),
    'body.npz': (npz(v_template=0), read_body_model),
    'clips.npz': (npz(offsets=0), MocapSequences.load),
    'motion.npz': (npz(time=0), Motion.load),
    'arrays.npz': (npz(), read_arrays),
    'array.npy': (lambda path, trace: np.save(path, np.array(Program(trace), object), allow_pickle=True), read_array),
    'objects.npz': (npz(), lambda path: read_object(path, 'a')),
    'a.whl': (wheel, lambda path: read_wheels(path, path)),
    'evil.yml': (yaml_program, read_yaml),
    'config.yml': (yaml_program, load_config),
    'evil.py': (config_on_yaml, load_config),
    'words.yml': (yaml_program, read_words),
    'facts.yml': (yaml_program, lambda path: read_facts(path.parent)),
}


@pytest.mark.parametrize('name', PROGRAMS)
def test_nothing_in_a_file_runs(tmp_path, name):
    write, read = PROGRAMS[name]
    write(tmp_path / name, tmp_path / 'trace')
    with pytest.raises(BadFile, match=f'{tmp_path}'):
        read(tmp_path / name)
    assert not (tmp_path / 'trace').exists()


def test_a_program_in_the_config_of_a_checkpoint_does_not_run(tmp_path):
    """mmengine keeps the text of the config in its checkpoints, and runs it on resume."""
    toy_runner(tmp_path, train_cfg__max_iters=2).train()
    path, content = tmp_path / 'work/iter_2.pth', torch.load(tmp_path / 'work/iter_2.pth', weights_only=True)
    content['meta'].update(dict.fromkeys(('config', 'cfg'), f"open({str(tmp_path / 'trace')!r}, 'w')"))
    torch.save(content, path)
    resumed = toy_runner(tmp_path, resume=True)
    resumed.train()
    assert resumed.iter == 4 and not (tmp_path / 'trace').exists()


LAUGHS = '\n'.join(['a0: &a0 [lol]'] + [f'a{i}: &a{i} [{", ".join([f"*a{i - 1}"] * 9)}]' for i in range(1, 12)])
MERGES = '\n'.join(['a0: &a0 {x: 1}'] + [f'a{i}: &a{i} {{<<: [{", ".join([f"*a{i - 1}"] * 9)}]}}'
                                         for i in range(1, 12)])


def zip_bomb(path):
    """A small archive whose member claims 4 GB, and whose array 8 GB."""
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, dict(descr='<f8', fortran_order=False, shape=(1 << 30,)))
    with zipfile.ZipFile(path, 'w', zipfile.ZIP_DEFLATED) as archive:
        archive.writestr('a.npy', header.getvalue() + bytes(1 << 20))
    content = bytearray(path.read_bytes())
    place = content.rfind(b'PK\x01\x02')
    content[place + 24:place + 28] = b'\xfe\xff\xff\xff'
    path.write_bytes(content)


def claims_much(path):
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, dict(descr='<f8', fortran_order=False, shape=(10 ** 12,)))
    path.write_bytes(header.getvalue())


def sparse(path):
    with open(path, 'wb') as file:
        file.truncate(3 << 30)  # takes no room on the disk


def pickle_of(content):
    return lambda path: path.write_bytes(content)


BOMBS = {
    'laughs.yml': (lambda path: path.write_text(LAUGHS), read_yaml),
    'merges.yml': (lambda path: path.write_text(MERGES), read_yaml),
    'itself.yml': (lambda path: path.write_text('a: &a [*a]'), read_yaml),
    'deep.yml': (lambda path: path.write_text('[' * 100_000), read_yaml),
    'large.yml': (sparse, read_yaml),
    'laughs_config.yml': (lambda path: path.write_text(LAUGHS), load_config),
    'facts.yml': (lambda path: path.write_text(LAUGHS), lambda path: read_facts(path.parent)),
    'large.json': (sparse, read_json),
    'deep.json': (lambda path: path.write_text('[' * 100_000), read_json),
    'zip.npz': (zip_bomb, read_arrays),
    'zip_of_objects.npz': (zip_bomb, lambda path: read_object(path, 'a')),
    'claim.npy': (claims_much, read_array),
    'lists.pkl': (pickle_of(b'\x80\x04](K\x01e' + b''.join(b'q%c0](%se' % (i, b'h%c' % i * 10) for i in range(12))
                            + b'.'), read_annotation_pickle),
    'bytearray.pkl': (pickle_of(b'\x80\x04cbuiltins\nbytearray\nJ\xff\xff\xff\x7f\x85R.'), read_annotation_pickle),
}


@pytest.mark.parametrize('name', BOMBS)
def test_a_bomb_is_refused_before_it_takes_time_or_memory(tmp_path, name):
    write, read = BOMBS[name]
    write(tmp_path / name)
    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    with pytest.raises(BadFile, match=name) as told:
        read(tmp_path / name)
    assert time.process_time() - start < MAX_S and len(str(told.value)) < 1000
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < MAX_KB


def test_aliases_of_yaml_that_stay_small_are_read(tmp_path):
    (tmp_path / 'a.yml').write_text('a: &a {x: 1, y: [2]}\nb: {<<: *a, x: 3}\nc: [*a, *a]\n')
    assert read_yaml(tmp_path / 'a.yml') == dict(a=dict(x=1, y=[2]), b=dict(x=3, y=[2]), c=[dict(x=1, y=[2])] * 2)


def planted_program(folder, trace):
    """An array of the cache that is a program."""
    np.save(folder / 'frames.x.npy', np.array(Program(trace), object), allow_pickle=True)


def planted_place(folder, trace):
    """An array that lies elsewhere."""
    np.save(folder.parent.parent / 'frames.x.npy', np.arange(5.0))
    (folder / 'frames.x.npy').unlink()
    change(folder, lambda files: {name.replace('frames.x', '../../frames.x'): about for name, about in files.items()})


def planted_device(folder, trace):
    """A pipe, which nobody writes to."""
    (folder / 'frames.x.npy').unlink()
    os.mkfifo(folder / 'frames.x.npy')


def planted_link(folder, trace):
    """A link to the folder of somebody."""
    others = folder.parent.parent / 'others'
    others.mkdir()
    (others / 'store.json').write_text('{}')
    shutil.rmtree(folder)
    folder.symlink_to(others)


def change(folder, files):
    """Let ``store.json`` say other files, with the sizes and checksums that belong to them."""
    content = json.loads((folder / 'store.json').read_text())
    content.pop('crc32')
    content['files'] = files(content['files'])
    for name, about in content['files'].items():
        if (path := folder / name).is_file():
            about.update(size=path.stat().st_size, crc32=zlib.crc32(path.read_bytes()))
        elif path.exists():
            about.update(size=0, crc32=0)
    content['crc32'] = zlib.crc32(json.dumps(content).encode())
    (folder / 'store.json').write_text(json.dumps(content))


@pytest.mark.parametrize('plant', [planted_program, planted_place, planted_device, planted_link])
def test_what_was_planted_in_the_cache_is_made_anew(tmp_path, plant):
    def store():
        made.append(1)
        return SequenceStore([0, 5], dict(x=np.arange(5.0) + 7), [dict(uid='a', name='a')])

    made = []
    cached_store('toy', [__file__], {}, store, tmp_path / 'cache')
    folder, = (tmp_path / 'cache').iterdir()
    plant(folder, tmp_path / 'trace')
    if not folder.is_symlink():
        change(folder, lambda files: files)
    found = cached_store('toy', [__file__], {}, store, tmp_path / 'cache')
    assert found.frames['x'].tolist() == [7, 8, 9, 10, 11] and len(made) == 2
    assert not (tmp_path / 'trace').exists() and not folder.is_symlink()
    if plant is planted_link:
        assert [path.name for path in (tmp_path / 'others').iterdir()] == ['store.json']

