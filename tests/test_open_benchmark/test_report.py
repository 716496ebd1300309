"""The page: whole, without network, and names from files are text in it."""
import dataclasses
import re
from html.parser import HTMLParser

import pytest

from mmegopose.open_benchmark import BenchmarkRow
from mmegopose.open_benchmark.report import mix_in_words, write_report
from mmegopose.open_benchmark.score_tables import ScoredRow, markdown_tables, summarize_row
from mmegopose.open_benchmark.tasks import TASKS
from mmegopose.structures import get_skeleton

ATTACK = '<script>alert(1)</script>'


def result_of(errors: dict, skeleton='h36m17'):
    """A result with one error for each of ``{(subject, action): error}``, ten frames each."""
    pose = [[0.1 * joint, 0.0, 0.05 * joint] for joint in range(get_skeleton(skeleton).num_joints)]
    names = [f'{subject}-{action}' for subject, action in errors]
    values = list(errors.values())
    measures = (*TASKS['lifting'].measures, 'joint/knee', 'joint/hip')
    sequences = [dict(name=name, uid=name, subject=subject, action=action, scenario=action, motion=name)
                 for name, (subject, action) in zip(names, errors)]
    shown = [dict(frame=3, error=values[0], pred=pose, truth=[None, *pose[1:]])]
    return dict(all=dict(
        sequences=sequences, num_frames=[10] * len(values), skeleton=skeleton, branches=None,
        sums={name: [10 * value for value in values] for name in measures},
        counts={name: [10] * len(values) for name in measures},
        worst=[dict(sequences[0], error=values[0], shown=shown)]))


@pytest.fixture
def tasks():
    first = {('a', 'walk'): 10.0, ('a', 'run'): 20.0, ('b', 'walk'): 60.0, ('b', ATTACK): 30.0}
    scored = [ScoredRow(BenchmarkRow('linear', 'lifting', rule='linear'), [result_of(first)], []),
              ScoredRow(BenchmarkRow(ATTACK, 'lifting', config='c.py', checkpoints=('a', 'b')),
                        [result_of(first), result_of({key: value + 2 for key, value in first.items()})],
                        [f'mmegopose test "{ATTACK}"'])]
    return dict(lifting=[(one, summarize_row(one)) for one in scored])


def test_means_are_over_actions_and_subjects_and_seeds(tasks):
    _, summary = tasks['lifting'][0]
    part = summary['all']
    assert part['measures']['MPJPE']['value'] == pytest.approx((35 + 20 + 30) / 3)
    assert part['macro']['value'] == pytest.approx((15 + 45) / 2)
    assert list(part['scenarios']) == ['walk', ATTACK, 'run'] and part['scenarios']['walk']['value'] == 35
    assert part['scenarios']['run']['interval'] is None and part['num_frames'] == 40
    low, high = part['measures']['MPJPE']['interval']
    assert 10 <= low < part['measures']['MPJPE']['value'] < high <= 60
    seeds = tasks['lifting'][1][1]['all']['measures']['MPJPE']
    assert seeds['value'] == pytest.approx(part['measures']['MPJPE']['value'] + 1)
    assert seeds['deviation'] == pytest.approx(2 ** 0.5)
    assert '| linear | 28.33 [' in markdown_tables(tasks, '')


def test_the_page_is_whole_and_runs_nothing(tasks, tmp_path):
    write_report(tasks, tmp_path / 'report.html', dict(data=ATTACK, split='val', version='1', checksum='f' * 64))
    text = (tmp_path / 'report.html').read_text()
    assert '<script' not in text and 'http' not in text and '&lt;script&gt;' in text
    assert '28.33' in text and '± 1.41' in text and 'By scenario' in text and 'test split' not in text
    assert text.count('<figure>') == 1 and 'NaN' not in text and not re.search(r'\bnan\b', text)
    opened = []

    class Tags(HTMLParser):
        def handle_starttag(self, tag, attributes):
            if tag not in ('meta', 'path'):
                opened.append(tag)

        def handle_startendtag(self, tag, attributes):
            pass

        def handle_endtag(self, tag):
            assert opened.pop() == tag

    Tags().feed(text)
    assert opened == []


def test_a_fusion_that_is_worse_than_its_better_branch_is_explained():
    branches = dict(names=['coarse', 'fine'], alone=[11.9, 12.1], fused=12.2, best=11.85, best_weight=0.8,
                    correlation=0.97, ratio=0.99, mean_weight=None)
    text = mix_in_words(branches)
    assert 'worse by 0.30 cm than coarse' in text and '0.80: 11.85 cm' in text and 'can gain 0.05 cm' in text
    text = mix_in_words(dict(branches, fused=11.8, best=11.9, correlation=0.995, mean_weight=0.4))
    assert 'better by 0.10 cm than coarse' in text and 'no fixed mix gains anything' in text
    assert 'give coarse 0.40' in text


def test_names_do_not_break_the_table_of_markdown(tasks):
    (scored, summary), *_ = rows = next(iter(tasks.values()))
    named = dataclasses.replace(scored, row=dataclasses.replace(scored.row, name='a | <img src=x>'))
    name = next(iter(tasks))
    plain, other = (markdown_tables({name: [(one, summary)]}, '').splitlines()[-1] for one in (rows[0][0], named))
    assert other.startswith(r'| a \| &lt;img src=x> | ')
    assert other.split(' | ')[1:] == plain.split(' | ')[1:]


def test_worst_sequences_tell_the_camera(tasks, tmp_path):
    for scored, _ in tasks['lifting']:
        for result in scored.results:
            result['all']['worst'] *= 2
            result['all']['worst'] = [dict(entry, uid=f'{entry["name"]}/{camera}')
                                      for camera, entry in enumerate(result['all']['worst'])]
    write_report(tasks, tmp_path / 'report.html', dict(data='d', split='val', version='1', checksum='f' * 64))
    text = (tmp_path / 'report.html').read_text()
    assert 'subject a, camera 0:' in text and 'subject a, camera 1:' in text
