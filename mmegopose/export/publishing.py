"""A trained model as a folder that others load by its name: weights in half precision, a config, and facts."""
import hashlib
import tempfile
from pathlib import Path

import torch
import yaml
from mmengine.config import Config

from ..engine.checkpoint import CheckpointError, load_from_local, state_of
from ..engine.config import load_config
from ..files import BadFile, atomic_write
from ..inference import load_inferencer
from ..models.weights.renames import rename_old_keys
from ..named_models import FACTS, SHIPPED, read_facts
from ..registry import MODELS, RUNNERS
from ..structures.streams import find_stream
from ..yaml_text import read_yaml
from .config_text import config_to_predict, text_of_config

WORDS = ('task', 'reads', 'gives', 'trained_on', 'terms', 'training', 'scores')
"""What a person says of a model; the rest of its facts is found out."""
SCORED = ('data', 'measures')
NOTICE = """\
Models in this folder
=====================
Each folder holds weights, the config that runs them, and facts.yml, from which
`python tools/model_converters/publish.py` writes this file.
"""


def publish_model(cfg: Config, checkpoint: str | Path, name: str, words: dict, commit: str,
                  data_root: str | None = None, home: Path = SHIPPED) -> Path:
    """Write the folder ``home/NAME`` with ``config.py``, ``NAME.pth`` and ``facts.yml``, and the NOTICE beside it.

    The same checkpoint gives the same bytes. Of a checkpoint of ``EMAHook`` the averaged weights are taken, which it
    stores as ``state_dict``; those that the optimizer steps are ``ema_state_dict`` there. The scores are measured on
    what is written.

    Args:
        cfg: loaded config of the training.
        checkpoint: its checkpoint.
        name: of the model, small letters with hyphens.
        words: :data:`WORDS`: what the model does, reads and gives, on what and by which commands it was trained, its
            terms, and ``scores``: for each test a dict of ``data``, ``measures`` (name of a metric: what it is, with
            its unit), and perhaps ``options`` of the config, ``data_root`` among them. Perhaps ``also``, other names
            that the model serves, and ``citation``.
        commit: of the code that trained it.
        data_root: where the data of the scores is on this machine; it is not written anywhere.
        home: folder of models.

    Returns:
        The folder.

    Raises:
        ValueError: words are missing, a path of this machine is in the config, or half precision cannot hold a weight.
        CheckpointError: the weights do not fit the config.
    """
    _require_words(name, words)
    values = config_to_predict(cfg)
    state = published_state(values['model'], checkpoint)
    text = text_of_config(values, f'{name}: {words["task"]}.\nWritten by tools/model_converters/publish.py.')
    with tempfile.TemporaryDirectory() as draft:
        config, weights = Path(draft, 'config.py'), Path(draft, f'{name}.pth')
        config.write_text(text, encoding='utf-8')
        with open(weights, 'wb') as file:
            torch.save(dict(state_dict=state), file)
        inferencer, content = load_inferencer(config, weights, device='cpu'), weights.read_bytes()
        scores = [score for test in words['scores'] for score in _scores(name, config, weights, test, data_root)]
    facts = dict(
        name=name, also=words.get('also'), task=words['task'], reads=words['reads'], gives=words['gives'],
        inferencer=type(inferencer).__name__, streams=_streams_of(inferencer.model), skeleton=inferencer.skeleton,
        head_camera=getattr(inferencer, 'head_camera', None), trained_on=words['trained_on'], terms=words['terms'],
        citation=words.get('citation'), training=words['training'], commit=commit,
        seed=(cfg.get('randomness') or {}).get('seed'), scores=scores,
        num_parameters=sum(parameter.numel() for parameter in inferencer.model.parameters()), bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest())
    folder = home / name
    for file, written in ((f'{name}.pth', content), ('config.py', text.encode()), (FACTS, _yaml(facts).encode())):
        with atomic_write(folder / file, 'wb') as target:
            target.write(written)
    write_notice(home)
    return folder


def published_state(model: dict, checkpoint: str | Path) -> dict:
    """The weights of a checkpoint that the model of a config has, floating point in half precision.

    Raises ``CheckpointError`` if some are missing, ``ValueError`` if half precision cannot hold one.
    """
    own = MODELS.build(dict(model)).state_dict()
    state, _ = rename_old_keys(state_of(load_from_local(str(checkpoint)), str(checkpoint)), own)
    if missing := [key for key in own if key not in state]:
        raise CheckpointError(f'{checkpoint} lacks {len(missing)} weights of the model, e.g. {missing[0]}: it is of '
                              'another config')
    found = {}
    for key in sorted(own):
        value = state[key].detach().cpu()
        half = value.half() if value.is_floating_point() else value
        if value.is_floating_point() and not torch.equal(half.isinf(), value.isinf()):
            raise ValueError(f'{checkpoint}: {key} holds {value.abs().max():g}, which half precision cannot')
        found[key] = half.clone(memory_format=torch.contiguous_format)  # of a view its own part alone
    return found


def read_words(path: str | Path) -> dict:
    """The words on a model in a YAML file. Raises ``FileNotFoundError``, or ``BadFile`` if they are no names and
    values."""
    words = read_yaml(path)
    if not isinstance(words, dict):
        raise BadFile(f'{path} should hold names and values ({", ".join(WORDS)}), got {type(words).__name__}')
    return words


def write_notice(home: Path) -> None:
    """Write the file NOTICE of a folder of models from their facts."""
    parts = [NOTICE]
    for facts in (read_facts(path.parent) for path in sorted(home.glob(f'*/{FACTS}'))):
        title = ', '.join([facts['name'], *facts.get('also', [])])
        parts.append('\n'.join([
            title, '-' * len(title), f'Trained on: {facts["trained_on"]}', f'Terms: {facts["terms"]}',
            *([f'Cite: {facts["citation"]}'] if 'citation' in facts else []),
            f'Trained at commit {facts["commit"]} with seed {facts["seed"]}:',
            *(f'    {line}' for line in facts['training'])]) + '\n')
    with atomic_write(home / 'NOTICE') as file:
        file.write('\n'.join(parts))


def _scores(name: str, config: Path, weights: Path, test: dict, data_root: str | None) -> list[dict]:
    """The measures of one test, and the command that repeats it."""
    options = dict(test.get('options') or {})
    told = [f'{key}={value}' for key, value in options.items()]
    command = f'mmegopose test {name}' + (f' --cfg-options {" ".join(told)}' if told else '')
    if data_root is not None and 'data_root' in options:
        options['data_root'] = str(data_root)
    cfg = load_config(config, options)
    with tempfile.TemporaryDirectory() as folder:
        cfg.launcher, cfg.load_from, cfg.resume, cfg.work_dir = 'none', str(weights), False, folder
        cfg.experiment_name = f'{name}_{Path(folder).name}'  # mmengine's own: the same within a second
        metrics = dict(RUNNERS.build(cfg).test())
    if missing := [key for key in test['measures'] if key not in metrics]:
        raise ValueError(f'the test of {name} measures no {", ".join(missing)}; it measures {", ".join(metrics)}')
    return [dict(measure=said, value=round(float(metrics[key]), 3), data=test['data'], command=command)
            for key, said in test['measures'].items()]


def _yaml(facts: dict) -> str:
    """YAML that people read, in the given order, without what is empty."""
    return yaml.safe_dump({key: value for key, value in facts.items() if value not in (None, [], {})},
                          sort_keys=False, allow_unicode=True, width=110)


def _require_words(name: str, words: dict) -> None:
    if not name or name != name.lower() or not name.replace('-', '').isalnum():
        raise ValueError(f'name={name!r} should have small letters, digits and hyphens')
    if missing := [word for word in WORDS if not words.get(word)]:
        raise ValueError(f'the words on {name} lack {", ".join(missing)}')
    if not isinstance(words['training'], list):
        raise ValueError(f'training of {name} should be a list of commands, got {words["training"]!r}')
    for test in words['scores']:
        if missing := [key for key in SCORED if not test.get(key)]:
            raise ValueError(f'the score {test} of {name} lacks {", ".join(missing)}')


def _streams_of(model) -> dict:
    """Name and shape of the streams that a model reads."""
    streams = {name: find_stream(name) for name in getattr(model, 'streams', None) or ()}
    return {name: 'x'.join(map(str, stream.shape)) for name, stream in streams.items() if stream}
