"""The benchmark from beginning to end: scores on val, submissions of the test split, tables, page."""
import copy
import json
from pathlib import Path

from ... import __version__
from ...engine.config import load_config
from ...evaluation.submissions import (
    read_hand_poses,
    read_submission,
    score_hand_poses,
    score_submission,
)
from ...files import atomic_write, finite_values, require, require_writable
from ...inference.loading import load_model
from ...named_models import files_of_model
from ...registry import DATASETS, METRICS
from .egoexo4d_page import write_egoexo4d_page
from .egoexo4d_scores import TaskScores, body_scores, evaluate_metric, hand_scores

# Of each task: function, kind of data that a model reads, its template and truth, metric that writes a submission.
TASKS = dict(
    body=(body_scores, 'EgoExo4DBodyDataset', 'dummy_test.json', 'private_test_gt.json', 'BodySubmission'),
    hand=(hand_scores, 'EgoExo4DHandDataset', 'ego_pose_gt_anno_test_public.json', 'private_hand_test_gt.json',
          'EgoExo4DHandSubmission'))


def run_egoexo4d_benchmark(root: str | Path, out: str | Path, body: list | None = None, hand: list | None = None,
                           hand_root: str | Path | None = None, command: str = '') -> dict:
    """Score models on the validation split and write the submissions of the test split.

    Written are ``table.md``, ``results.json``, ``report.html`` and, where ``root`` has the template of a challenge,
    ``body.json`` and ``hand.json``.

    Args:
        root: the download.
        out: folder.
        body, hand: models, see :func:`files_of`.
        hand_root: folder of the prepared hands; default: ``root``.
        command: that started it, for the page.

    Returns:
        ``{task: {group: {measure: value}}}``.

    Raises:
        ValueError: no model, or one of another task.
        FileNotFoundError: a file is not there.
    """
    root, out = require(root, '--root should be the folder of the download'), Path(out)
    require_writable(out)
    models = {task: model for task, model in dict(body=body, hand=hand).items() if model}
    if not models:
        raise ValueError('name a model: --body, --hand, or both')
    roots = dict(body=root, hand=require(hand_root or root, '--hand-root should be the folder of the prepared hands'))
    scores: dict[str, TaskScores] = {}
    facts: dict = {}
    for task, given in models.items():
        score = TASKS[task][0]
        config, checkpoint = files_of(given)
        cfg = load_config(config)
        data = data_of_task(cfg, task, roots[task], str(config))
        model = load_model(cfg, str(checkpoint))
        print(f'{task}: {checkpoint}', flush=True)
        scores[task] = score(DATASETS.build(dict(data, split='val', test_mode=True)), model)
        if any(step['type'] == 'WristPlaces' for step in data.get('pipeline', ())):
            scores[task].notes.append('The model reads wrists, and on val they are those of the labels: no such input '
                                      'is there in the challenge.')
        facts[task] = dict(config=str(config), checkpoint=str(checkpoint),
                           submission=submit_task(task, data, model, roots[task], out))
    results = {task: dict(groups=found.groups, **facts[task], notes=found.notes) for task, found in scores.items()}
    with atomic_write(out / 'table.md') as file:
        file.write(''.join(_table_text(task, found) for task, found in scores.items()))
    with atomic_write(out / 'results.json') as file:
        json.dump(finite_values(dict(results, version=__version__, root=str(root))), file, indent=1)
    write_egoexo4d_page(scores, facts, roots, out / 'report.html', command)
    return {task: found.groups for task, found in scores.items()}


def files_of(given: list) -> tuple[Path, Path]:
    """Config and checkpoint of ``[CONFIG, CHECKPOINT]``, ``[CHECKPOINT]`` beside its config, or ``[FOLDER_OR_NAME]``.

    Raises ``ValueError`` for more, or a checkpoint with several configs or none beside it.
    """
    if len(given) > 2:
        raise ValueError(f'{given} should be a model: a name, a folder, a checkpoint, or a config and a checkpoint')
    if len(given) == 1 and str(given[0]).endswith('.pth'):
        checkpoint = require(given[0], 'name the checkpoint of a training')
        configs = sorted(checkpoint.parent.glob('*.py'))
        if len(configs) != 1:
            raise ValueError(f'beside {checkpoint} lie {len(configs)} configs: name the config, then the checkpoint')
        return configs[0], checkpoint
    config, checkpoint, _ = files_of_model(*given)
    return Path(config), Path(checkpoint)


def data_of_task(cfg, task: str, root: Path, source: str) -> dict:
    """Data config of a model over ``root``; ``ValueError`` if it is one of another task."""
    kind = TASKS[task][1]
    data = copy.deepcopy(dict((cfg.get('test_dataloader') or {}).get('dataset') or {}))
    if data.get('type') != kind:
        raise ValueError(f'--{task} {source} reads {data.get("type")}, the task needs a model that reads {kind}')
    return dict(data, data_root=str(root))


def submit_task(task: str, data: dict, model, root: Path, out: Path) -> dict | None:
    """Write and check the submission file of a task, and score it where the truth is at hand; None: no template."""
    _, _, name, truth, metric = TASKS[task]
    template = next((path for path in (root / name, root / 'annotation' / 'manual' / name) if path.is_file()), None)
    if template is None:
        print(f'{task}: no {name} in {root}, so no submission is written', flush=True)
        return None
    file = out / f'{task}.json'
    asked = DATASETS.build(dict(data, split='test', template=str(template.resolve()), test_mode=True))
    metric = METRICS.build(dict(type=metric, out_file=str(file), template=str(template)))
    written = evaluate_metric(asked, model, metric)
    found = dict(file=str(file), **{key.rpartition('/')[2]: value for key, value in written.items()})
    if (root / truth).is_file():
        try:
            found['scores'] = score_submission(read_submission(file), read_submission(root / truth)) \
                if task == 'body' else score_hand_poses(read_hand_poses(file), read_hand_poses(root / truth), True)
        except ValueError as error:  # too short for the official score
            found['note'] = str(error)
    return found


def _table_text(task: str, scores: TaskScores) -> str:
    """The official numbers, in all and by group."""
    measures = list(scores.groups['all'])
    units = f'{scores.unit}, MPJVE m/s' if 'MPJVE' in measures else scores.unit
    lines = [f'## {task}, val ({units})', '', '| group | ' + ' | '.join(measures) + ' |',
             '|---' * (len(measures) + 1) + '|']
    lines += [f'| {group} | ' + ' | '.join(_cell(values.get(measure)) for measure in measures) + ' |'
              for group, values in scores.groups.items()]
    return '\n'.join([*lines, '', *scores.notes, '']) + '\n'


def _cell(value) -> str:
    """A number in a table."""
    return '-' if value is None else f'{value:,}' if isinstance(value, int) else f'{value:.2f}'
