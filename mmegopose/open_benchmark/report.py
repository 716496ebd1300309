"""All results on one page for people: a file without network."""
from html import escape
from pathlib import Path

from ..files import atomic_write
from .report_charts import bar_rows, key_of_colors, largest, mix_curve, pose_pictures, row_colors
from .score_tables import columns_of, number_of, scored_in_words
from .tasks import TASKS, OpenTask

STYLE = Path(__file__).parents[1] / 'assets' / 'benchmark.css'
MAX_CARDS = 12      # scenarios or subjects, those with the most frames
HOW = ('A bar is a mean over all frames. The line on it is a 95 % interval: the sequences were drawn anew, with '
       'repetition, 2,000 times (bootstrap; all cameras of a motion together), so it says how much the number would '
       'change with other motion of the same kind, not with another training. ± is the standard deviation over '
       'trainings with other seeds.')


def write_report(tasks: dict[str, list], path: Path, facts: dict) -> None:
    """Write the page.

    Args:
        tasks: lists of ``(ScoredRow, summary)`` by task.
        path: of the HTML file.
        facts: ``data``, ``split``, ``version``, ``checksum``.

    Raises:
        OSError: it cannot be written; none is left.
    """
    title = f'Open benchmark: {facts["data"]}, {facts["split"]}'
    links = ''.join(f'<a href="#{name}">{escape(TASKS[name].title)}</a>' for name in tasks)
    warning = '' if facts['split'] == 'val' else (
        '<p><strong>This is the test split.</strong> Each row was to be looked at once, after everything was '
        'decided on val.</p>')
    parts = [f'<h1>{escape(title)}</h1><nav>{links}</nav>{warning}<p class="quiet">{HOW}</p>',
             *(_task(TASKS[name], rows, facts['split']) for name, rows in tasks.items()),
             f'<p class="quiet">mmegopose {escape(facts["version"])}; SHA-256 of the data {facts["checksum"][:16]}</p>']
    with atomic_write(path) as file:
        file.write(f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)}</title>'
                   '<meta name="viewport" content="width=device-width, initial-scale=1">'
                   f'<style>{STYLE.read_text(encoding="utf-8")}</style>{"".join(parts)}</html>\n')


def _task(task: OpenTask, rows: list, split: str) -> str:
    scored, summaries = [one for one, _ in rows], [summary for _, summary in rows]
    names, colors = [one.row.name for one in scored], row_colors([one.row for one in scored])
    first, unit = next(iter(task.conditions)), task.measures[task.main]
    parts = [f'<h2 id="{task.name}">{escape(task.title)}</h2><p>{escape(task.explanation)}</p>'
             f'<p class="quiet">{escape(scored_in_words(rows))} Lower is better.</p>']
    main = {condition: [number_of(summary, condition, task.main) for summary in summaries]
            for condition in task.conditions}
    reach = max(map(largest, main.values()))
    for condition, numbers in main.items():
        where = f'{condition}: ' if len(task.conditions) > 1 else ''
        parts.append(f'<h3>{escape(where)}{escape(task.main)} ({unit})</h3>{bar_rows(names, numbers, colors, reach)}')
    parts.append(_number_table(task, rows))
    for kind, title in (('scenarios', 'By scenario'), ('joints', 'By joint'), ('subjects', 'By subject')):
        parts.append(_cards(kind, title, names, colors, [summary[first] for summary in summaries], unit,
                            f', {first}' if len(task.conditions) > 1 else ''))
    parts.append(_mixes(scored, split))
    parts.append(_worst(task, first, unit, rows))
    commands = ''.join(f'<p>{escape(one.row.name)}</p><pre>{escape(chr(10).join(one.commands))}</pre>'
                       for one in scored if one.commands)
    if commands:
        parts.append(f'<details><summary>Commands that make each row again</summary>{commands}</details>')
    return ''.join(parts)


def _number_table(task: OpenTask, rows: list) -> str:
    columns = columns_of(task)
    lines = ['<tr><th>row</th>' + ''.join(f'<th>{escape(heading)}</th>' for heading, _, _ in columns)
             + '<th>seeds</th></tr>']
    for scored, summary in rows:
        cells = []
        for _, condition, measure in columns:
            number = number_of(summary, condition, measure)
            spread = '' if number['deviation'] is None else f' ± {number["deviation"]:.2f}'
            told = '' if number['interval'] is None else '<small>{:.2f} to {:.2f}</small>'.format(*number['interval'])
            cells.append(f'<td>{number["value"]:.2f}{spread}{told}</td>')
        lines.append(f'<tr><td>{escape(scored.row.name)}</td>{"".join(cells)}<td>{len(scored.results)}</td></tr>')
    return f'<h3>All numbers</h3><div class="wide"><table>{"".join(lines)}</table></div>'


def _cards(kind: str, title: str, names: list, colors: list, parts: list, unit: str, where: str) -> str:
    """Small multiples: a card for each scenario, joint or subject, with a bar for each row."""
    groups = list(parts[0][kind])[:MAX_CARDS]
    if len(groups) < 2:
        return ''
    cards = []
    for group in groups:
        there = [index for index, part in enumerate(parts) if group in part[kind]]
        numbers = [parts[index][kind][group] for index in there]
        count = f' <span>{numbers[0]["num_frames"]:,} frames</span>' if 'num_frames' in numbers[0] else ''
        bars = bar_rows([names[index] for index in there], numbers, [colors[index] for index in there])
        cards.append(f'<div class="card"><h4>{escape(group)}{count}</h4>{bars}</div>')
    rest = len(parts[0][kind]) - len(groups)
    more = f'<p class="quiet">{rest} more with fewer frames stand in table.csv.</p>' if rest else ''
    return (f'<h3>{title}{escape(where)} ({unit})</h3>{key_of_colors(names, colors)}'
            f'<div class="cards">{"".join(cards)}</div>{more}')


def _mixes(scored: list, split: str) -> str:
    """What the branches of each fusion are worth."""
    found = []
    for one in scored:
        for number, result in enumerate(one.results):
            for part in result.values():
                if part['branches'] and split == 'val':
                    name = one.row.name + (f', checkpoint {number + 1}' if len(one.results) > 1 else '')
                    found.append(f'<h4>{escape(name)}</h4><div class="mix">{mix_curve(part["branches"])}'
                                 f'<p>{escape(mix_in_words(part["branches"]))}</p></div>')
    return f'<h3>What the branches are worth: any fixed mix of them (cm)</h3>{"".join(found)}' if found else ''


def mix_in_words(branches: dict) -> str:
    """Whether a fusion is better than its better branch, and why."""
    (first, second), alone = branches['names'], branches['alone']
    better = branches['names'][0] if alone[0] <= alone[1] else branches['names'][1]
    gain = min(alone) - branches['fused']
    weight = '' if branches['mean_weight'] is None else \
        f' Its weights give {first} {branches["mean_weight"]:.2f} on average.'
    verdict = f'better by {gain:.2f} cm' if gain >= 0.005 else 'no better' if gain > -0.005 else \
        f'worse by {-gain:.2f} cm'
    most = min(alone) - branches['best']
    why = f'a fixed mix can gain {most:.2f} cm over the better branch' if most >= 0.005 else \
        'no fixed mix gains anything over the better branch'
    return (f'{first} alone {alone[0]:.2f} cm, {second} alone {alone[1]:.2f} cm, the model {branches["fused"]:.2f} cm: '
            f'{verdict} than {better}.{weight} The best fixed weight of {first} on these data is '
            f'{branches["best_weight"]:.2f}: {branches["best"]:.2f} cm. The errors of the branches correlate by '
            f'{branches["correlation"]:.3f} (1: the same mistakes), their root mean squares have the ratio '
            f'{branches["ratio"]:.3f}; in squares a mix is better than the better branch only where the correlation is '
            f'below that ratio. Here {why}.')


def _worst(task: OpenTask, condition: str, unit: str, rows: list) -> str:
    """The worst sequences of each model, the best model first and open."""
    models = [(number_of(summary, condition, task.main)['value'], one) for one, summary in rows if not one.row.rule]
    parts = []
    for rank, (_, one) in enumerate(sorted(models, key=lambda pair: pair[0])):
        result = one.results[0][condition]
        pictures = ''.join(
            f'<p><strong>{escape(entry["name"])}</strong> <span class="quiet">{escape(entry["action"])}, subject '
            f'{escape(entry["subject"])}{escape(_camera(entry))}: {entry["error"]:.1f} {unit} on average</span></p>'
            + pose_pictures(entry['shown'], result['skeleton'], unit, task.name == 'lifting')
            for entry in result['worst'] if entry['shown'])
        parts.append(f'<details{" open" if not rank else ""}><summary>{escape(one.row.name)}</summary>{pictures}'
                     '</details>')
    if not parts:
        return ''
    where = f', {condition}' if len(task.conditions) > 1 else ''
    return (f'<h3>Worst sequences{escape(where)}: prediction in colour, truth in grey</h3>'
            '<p class="quiet">Left limbs are blue, right ones red; seen from the front of the person, somewhat aside. '
            'One of the pictures of a sequence is its worst frame.</p>'
            + ''.join(parts))


def _camera(entry: dict) -> str:
    """Which camera a sequence is seen by, where several see one motion."""
    seen = str(entry['uid']).removeprefix(f'{entry["name"]}/')
    return f', camera {seen}' if seen.isdigit() else ''
