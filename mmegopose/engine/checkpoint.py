"""Checkpoint files: written whole or not at all, local, read as data and never as code, loaded strictly."""
import errno
import os.path as osp
import pickle
import re
import warnings
import zipfile
from collections import OrderedDict
from collections.abc import Container
from pathlib import Path

import torch
from mmengine.fileio import LocalBackend, register_backend
from mmengine.fileio import io as _io
from mmengine.logging import print_log
from mmengine.model import is_model_wrapper
from mmengine.runner.checkpoint import CheckpointLoader

from ..files import DAMAGE, BadFile, atomic_write, first_bytes, stand_in
from ..models.weights.renames import rename_old_keys
from ..named_models import named_checkpoint

PROGRAMS = ('config', 'cfg')  # keys of ``meta`` whose text is a config


class CheckpointError(BadFile):
    """A checkpoint file that cannot be used; the message names the file and the remedy."""


class AtomicLocalBackend(LocalBackend):
    """mmengine's local file backend with atomic writes."""

    def put(self, obj: bytes, filepath) -> None:
        if osp.exists(filepath) and not osp.isfile(filepath):  # replacing /dev/null would remove the device
            super().put(obj, filepath)
        else:
            with atomic_write(filepath, 'wb') as file:
                file.write(obj)

    def put_text(self, obj: str, filepath, encoding: str = 'utf-8') -> None:
        self.put(obj.encode(encoding), filepath)


register_backend('local', AtomicLocalBackend, prefixes='', force=True)
_io.backend_instances.clear()


def load_from_local(filename, map_location='cpu', **_):
    """Content of a local checkpoint file, which is read as data: no code in it runs.

    The text of the config that mmengine keeps in ``meta`` is left out: it is a program, and mmengine runs it on resume.

    Raises ``FileNotFoundError``, or ``CheckpointError`` if the file is an address, damaged, foreign, or holds more than
    data.
    """
    if re.match(r'[\w.+:-]+://', filename):
        raise CheckpointError(f'{filename} is an address: download the checkpoint and give the path of the file')
    path = osp.expanduser(filename)
    require_checkpoint(path)
    foreign = _foreign(path)
    if foreign:
        raise CheckpointError(f'{path} ({osp.getsize(path)} bytes) is not a checkpoint: it is {foreign}')
    try:
        if zipfile.is_zipfile(path):  # torch does not verify the checksums that it writes
            with zipfile.ZipFile(path) as archive:
                unpacked = sum(entry.file_size for entry in archive.infolist())
                if unpacked > osp.getsize(path):  # torch packs nothing
                    raise CheckpointError(f'{path} ({osp.getsize(path)} bytes) is no checkpoint of torch: it would '
                                          f'unpack to {unpacked / 1e9:.3g} GB')
                damaged = archive.testzip()
            if damaged:
                raise CheckpointError(f'{path} is damaged (checksum of {damaged}): use another checkpoint')
        return _without_programs(torch.load(path, map_location=map_location, weights_only=True))
    except CheckpointError:
        raise
    except pickle.UnpicklingError as error:
        # torch's own text, which advises to load without protection, is not shown: not as a cause either
        reason = re.search(r'(GLOBAL \S+|Unsupported class .*)', str(error))
        if not reason:
            raise _damaged(path, 'it does not read as one') from None
        raise CheckpointError(
            f'{path} holds more than weights and plain values ({reason.group(1)}), which could run code when loaded, '
            'so it was not opened. Where it was made, save the weights alone: torch.save(model.state_dict(), file)'
        ) from None
    except MemoryError:
        raise CheckpointError(f'{path} asks for more memory than there is') from None
    except DAMAGE as error:
        raise _damaged(path, error) from error
    except OSError as error:
        if error.errno != errno.EINVAL:  # which torch raises for a seek before the start of a cut file
            raise
        raise _damaged(path, error) from error


def require_checkpoint(path: str, remedy: str = '') -> None:
    """Raise ``FileNotFoundError`` if there is no file ``path``, with the checkpoints that lie beside it."""
    if osp.isfile(path):
        return
    folder = path if osp.isdir(path) else osp.dirname(path) or '.'
    there = sorted(map(str, Path(folder).glob('*.pth')), key=osp.getmtime)
    raise FileNotFoundError(
        f'there is no checkpoint {path}' + (', which is a folder' if osp.isdir(path) else '')
        + (f'; in {folder} there are: {", ".join(map(osp.basename, there[-3:]))}' if there else '')
        + (f'. {remedy}' if remedy else ''))


def _foreign(path: str) -> str:
    """What a file is, with the remedy, if its first bytes are not those of a checkpoint; else ''."""
    head = first_bytes(path)
    if not head or head.startswith((b'PK', b'\x80')) or b'ustar' in head:  # zip; pickle; tar of the oldest torch
        return ''
    if found := stand_in(head):
        return found
    try:
        text = head.decode('utf-8')
    except UnicodeDecodeError as error:
        if error.start < len(head) - 3:  # else the end cuts a letter in two
            return 'a file of another kind. Give the .pth file that training wrote'
        text = head[:error.start].decode('utf-8')
    kind = 'JSON text' if text.strip()[:1] in ('{', '[') else 'text'
    return f'{kind}. Give the .pth file that training wrote, or download the file again' if '\0' not in text else ''


def _without_programs(checkpoint):
    meta = checkpoint.get('meta') if isinstance(checkpoint, dict) else None
    if isinstance(meta, dict):
        checkpoint['meta'] = {key: value for key, value in meta.items() if key not in PROGRAMS}
    return checkpoint


for _scheme in list(CheckpointLoader._schemes):  # mmengine's own loaders unpickle whatever they read or download
    CheckpointLoader.register_scheme(prefixes=_scheme, loader=load_from_local, force=True)


def _damaged(path, error) -> CheckpointError:
    size = osp.getsize(path)
    reason = str(error).strip().split('\n')[0][:120]
    return CheckpointError(f'{path} ({size} bytes) is not a checkpoint, or is damaged or cut off ({reason}): '
                           'use another checkpoint, or copy it again and compare sizes')


def newest_checkpoint(work_dir) -> str | None:
    """Path of the newest readable ``epoch_N.pth`` or ``iter_N.pth`` of a work dir, or ``None``.

    The file named in ``last_checkpoint`` comes first, then the others from new to old. Each unreadable one gets a
    warning that names it.
    """
    for path in checkpoints_for_resuming(work_dir):
        try:
            _require_finite(state_of(load_from_local(str(path)), str(path)), str(path))
            return str(path)
        except CheckpointError as error:
            warnings.warn(f'skipped for resuming: {error}', stacklevel=2)
    return None


def checkpoints_for_resuming(work_dir) -> list[Path]:
    """Those that :func:`newest_checkpoint` tries, in its order, unread."""
    named = named_checkpoint(work_dir)
    # Saved elsewhere only if none is here: the work dir may be a copy, whose last_checkpoint names the original's file.
    found = _numbered(work_dir) or (_numbered(named.parent) if named.name else [])
    return sorted(found, key=lambda p: (p.name == named.name, p.stat().st_mtime_ns, int(p.stem.split('_')[1])),
                  reverse=True)


def not_finite(state: dict, parameters: Container = ()) -> list[str]:
    """Names of what holds NaN in a state dict; of those that are ``parameters`` also of what is infinite.

    Buffers may be: a mask that is added to logits, say.
    """
    return [name for name, value in state.items() if isinstance(value, torch.Tensor) and value.is_floating_point()
            and not (value.isfinite() if name in parameters else ~value.isnan()).all()]


def _require_finite(state_dict: dict, filename: str, parameters: Container = ()) -> None:
    broken = not_finite(state_dict, parameters)
    if broken:
        raise CheckpointError(f'{filename} holds {len(broken)} weights that are not finite, e.g. {broken[0]}: its '
                              'training had diverged; use an earlier checkpoint')


def _numbered(folder) -> list:
    return [path for path in Path(folder).glob('*.pth') if re.fullmatch(r'(epoch|iter)_\d+', path.stem)]


def state_of(checkpoint, filename: str) -> dict:
    """State dict in a loaded checkpoint, without the prefix of a data-parallel wrapper."""
    state = checkpoint.get('state_dict', checkpoint) if isinstance(checkpoint, dict) else None
    if not state or not all(isinstance(value, torch.Tensor) for value in state.values()):
        raise CheckpointError(f'{filename} holds no state dict of a model')
    for key, value in state.items():
        if value.layout != torch.strided or value.is_meta or value.nbytes > value.untyped_storage().nbytes():
            raise CheckpointError(f'{filename}: {key} {tuple(value.shape)} has fewer numbers than it says')
    stripped = OrderedDict((re.sub(r'^module\.', '', key), value) for key, value in state.items())
    stripped._metadata = getattr(state, '_metadata', OrderedDict())
    return stripped


def keep_weights(path: str | Path) -> None:
    """Reduce a checkpoint file to its weights and ``meta``: no optimizer, no history."""
    checkpoint = load_from_local(str(path))
    with atomic_write(path, 'wb') as file:
        torch.save({key: checkpoint[key] for key in ('meta', 'state_dict') if key in checkpoint}, file)


def load_state(model: torch.nn.Module, state_dict: dict, filename: str) -> int:
    """Load every weight of ``state_dict`` into ``model``; ``CheckpointError`` lists what does not match.

    Returns the number of weights whose names are those of an earlier version of this package.
    """
    if is_model_wrapper(model):
        model = model.module
    own = model.state_dict()
    metadata = getattr(state_dict, '_metadata', OrderedDict())
    state_dict, renamed = rename_old_keys(state_dict, own)
    _require_finite(state_dict, filename, dict(model.named_parameters()))
    state_dict._metadata = metadata
    if renamed:
        old, new = renamed[0]
        print_log(f'{filename} is of an earlier version: {len(renamed)} weights are renamed, e.g. {old} to {new}',
                  'current')
    shapes = [f'{key} {tuple(value.shape)} (model: {tuple(own[key].shape)})' for key, value in state_dict.items()
              if isinstance(own.get(key), torch.Tensor) and own[key].shape != value.shape]
    if shapes:
        missing, unexpected = [k for k in own if k not in state_dict], [k for k in state_dict if k not in own]
    else:
        missing, unexpected = model.load_state_dict(state_dict, strict=False)
    problems = [f'{len(keys)} {kind}: {", ".join(keys[:6])}{", ..." if len(keys) > 6 else ""}'
                for kind, keys in (('missing', missing), ('unexpected', unexpected), ('of wrong shape', shapes))
                if keys]
    if problems:
        raise CheckpointError(f'{filename} does not fit {type(model).__name__}; {"; ".join(problems)}. Checkpoint of '
                              "another model? To start from what fits, give the model init_cfg=dict(type='Pretrained', "
                              'checkpoint=...)')
    return len(renamed)


def check_fit(own: dict, state_dict: dict, what: str) -> None:
    """Raise ``CheckpointError``, which begins with ``what``, with every key that keeps weights from fitting a model.

    Args:
        own: state dict of the model.
        state_dict: the weights.
        what: says which weights do not fit what.
    """
    problems = {
        'missing': [key for key in own if key not in state_dict],
        'unexpected': [key for key in state_dict if key not in own],
        'of wrong shape': [f'{key} {tuple(value.shape)} (model: {tuple(own[key].shape)})'
                           for key, value in state_dict.items() if key in own and own[key].shape != value.shape]}
    if any(problems.values()):
        raise CheckpointError(f'{what}: ' + '; '.join(
            f'{len(keys)} keys {kind}: {", ".join(keys)}' for kind, keys in problems.items() if keys))
