"""Write docs/models/NAME.md of a published model: facts, scores, errors by scenario, a picture of its worst windows.

    python tools/analysis_tools/model_card.py lifter --data-root data/cmu_ego_full.npz

Scenarios and worst windows are those of the split that its config tests on, which is validation. The section 'Where it
fails', which a person writes, stays as it is when the card is written anew.
"""
import argparse
import re
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # a checkout runs its own package

from mmegopose.engine import load_config, user_errors
from mmegopose.files import atomic_path, atomic_write
from mmegopose.inference import load_inferencer, named_models
from mmegopose.named_models import find_model
from mmegopose.registry import DATASETS
from mmegopose.structures import get_skeleton
from mmegopose.visualization import draw_poses

DOCS = Path(__file__).resolve().parents[2] / 'docs/models'
FAILS = '## Where it fails'
TO_Z_UP = np.array([[1, 0, 0], [0, 0, 1], [0, -1, 0]])  # of camera axes: right, down, forward
APART = 15  # windows: of neighbours in a recording only the worst is shown


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('name', help='of the model, see mmegopose models')
    parser.add_argument('--data-root', metavar='PATH', help='data to test on; default: what its config names')
    parser.add_argument('--out', type=Path, default=DOCS, metavar='FOLDER')
    args = parser.parse_args()
    with user_errors():
        folder = find_model(args.name)[0].parent
        facts = next(model.facts for model in named_models() if model.folder == folder)
        windows = windows_with_errors(args.name, args.data_root)
        worst = worst_of(windows, num=10)
        skeleton = get_skeleton(facts['skeleton'])
        figure = draw_poses(
            np.stack([window['pred'] for window in worst]), skeleton, np.stack([window['truth'] for window in worst]),
            np.stack([window['visible'] for window in worst]), [window['title'] for window in worst])
        with atomic_path(args.out / f'{args.name}.png') as unfinished:
            figure.savefig(unfinished, dpi=60)
        card = args.out / f'{args.name}.md'
        with atomic_write(card) as file:
            file.write(text_of_card(facts, windows, worst, args.data_root, card))
    print(f'Wrote {card} and {card.with_suffix(".png")}')


def windows_with_errors(name: str, data_root: str | None, batch_size: int = 100) -> list[dict]:
    """For each window its error (cm), its scenario, and its worst pose beside the truth, z up."""
    inferencer = load_inferencer(name, device='cpu')
    kind = type(inferencer).__name__
    cfg = load_config(find_model(name)[0], dict(data_root=data_root) if data_root else None)
    data = DATASETS.build(cfg.test_dataloader.dataset)
    skeleton, sequences, found = get_skeleton(inferencer.skeleton), data.metainfo['sequences'], []
    for sample in inferencer.samples(data, batch_size):
        pred, truth = (sample.get(key).double().numpy() for key in ('pred_joints', 'joints'))      # (B,T,J,3) each
        pred = pred[:, -truth.shape[1]:]
        if kind != 'HeadPoseInferencer':  # relative to the pelvis or the wrist, which the camera does not tell
            root = skeleton.root or 0
            pred, truth = ((joints - joints[:, :, [root]]) @ TO_Z_UP.T for joints in (pred, truth))
        visible, scored = sample.visible.numpy(), sample.scored.numpy()
        error = 100 * np.where(visible & scored[..., None], np.linalg.norm(pred - truth, axis=-1), np.nan)
        for k in np.flatnonzero(~np.isnan(error).all((1, 2))):
            frames = [-1.0 if np.isnan(frame).all() else np.nanmean(frame) for frame in error[k]]
            frame, sequence = int(np.argmax(frames)), int(np.ravel(sample.sequence[k])[0])
            found.append(dict(
                error=float(np.nanmean(error[k])), scenario=scenario_of(sequences[sequence]), sequence=sequence,
                number=len(found), pred=pred[k, frame], truth=truth[k, frame], visible=visible[k, frame],
                in_time=kind != 'MeshInferencer', title=sequences[sequence]['name'][:24]))
    return found


def scenario_of(sequence: dict) -> str:
    """What is done in a sequence: its action, or the first word of its name that is no number."""
    words = [word for word in re.split(r'[_\W]+', sequence['name']) if word and not word.isdigit()]
    return str(sequence.get('action') or (words or ['all'])[0])


def worst_of(windows: list[dict], num: int) -> list[dict]:
    """The windows with the largest errors, of neighbours in time only one."""
    chosen: list[dict] = []
    for window in sorted(windows, key=lambda window: -window['error']):
        near = [one for one in chosen if one['sequence'] == window['sequence'] and window['in_time']
                and abs(one['number'] - window['number']) < APART]
        if not near:
            chosen.append(window)
    return chosen[:num]


def text_of_card(facts: dict, windows: list[dict], worst: list[dict], data_root: str | None, card: Path) -> str:
    """The page; ``card`` is where it stands, whose section on failures is kept."""
    also = f' The same weights serve the name `{"`, `".join(facts["also"])}`.' if 'also' in facts else ''
    rows = [('reads', facts['reads']), ('gives', facts['gives']), ('skeleton', facts['skeleton']),
            ('head camera', facts.get('head_camera')), ('size', f'{facts["num_parameters"] / 1e6:.2f} M parameters, '
             f'{facts["bytes"] / 1e6:.1f} MB in half precision'), ('trained on', facts['trained_on']),
            ('terms', facts['terms']), ('cite', facts.get('citation')), ('commit', facts['commit']),
            ('seed', facts['seed'])]
    errors = np.array([window['error'] for window in windows])
    scenarios = np.array([window['scenario'] for window in windows])
    command = f'python tools/analysis_tools/model_card.py {facts["name"]}' + (
        f' --data-root data/{Path(data_root).name}' if data_root else '')
    root = '' if facts['inferencer'] == 'HeadPoseInferencer' else ', relative to the root joint'
    old = card.read_text(encoding='utf-8') if card.is_file() else ''
    common = ', '.join(dict.fromkeys(window['scenario'] for window in worst))
    fails = old[old.index(FAILS):] if FAILS in old else f'{FAILS}\n\nThe ten worst windows are of: {common}.\n'
    return '\n'.join([
        f'# {facts["name"]}', '', f'{facts["task"][0].upper()}{facts["task"][1:]}.{also}', '', '| | |', '|---|---|',
        *(f'| {key} | {value} |' for key, value in rows if value is not None), '', '```bash', *facts['training'],
        '```', '', '## Scores', '', '| measure | value | data | command |', '|---|---:|---|---|',
        *(f'| {score["measure"]} | {score["value"]:g} | {score["data"]} | `{score["command"]}` |'
          for score in facts['scores']), '',
        '## By scenario, on validation', '', f'Mean error of all joints with a label{root}, cm, by `{command}`:', '',
        '| scenario | windows | mean | median | 95 % are below |', '|---|---:|---:|---:|---:|',
        *(row_of(name, errors[scenarios == name]) for name in sorted(set(scenarios)) if len(set(scenarios)) > 1),
        row_of('all', errors), '', '## The ten worst windows', '',
        f'Of neighbours in time the worst one; of each window its worst frame; the truth is grey{root}.', '',
        f'![Ten predictions over the truth]({facts["name"]}.png)', '', fails.rstrip()]) + '\n'


def row_of(name: str, errors: np.ndarray) -> str:
    low, high = np.percentile(errors, [50, 95])
    return f'| {name} | {len(errors)} | {errors.mean():.1f} | {low:.1f} | {high:.1f} |'


if __name__ == '__main__':
    main()
