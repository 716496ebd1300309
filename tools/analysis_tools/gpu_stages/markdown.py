"""The report as a page."""
from .goals import goals
from .stages import STAGES

HEADINGS = dict(
    name='', ms='ms', low='from', high='to', windows='windows', tflops='TFLOP/s', share='of the peak', peak_gib='GiB',
    step_gib='GiB of a step', frames_per_s='frames/s', windows_per_s='windows/s',
    ms_of_one_window='ms of one window', prepare_s='s to prepare', first_loss='first loss', last_loss='last loss',
    speedup='times plain fp32', memory_ratio='memory of plain fp32', note='note')
HIDDEN = ('network', 'form', 'note')  # the name tells the first two; notes come last
PERCENT = ('share', 'memory_ratio', 'waiting')


def report_text(report: dict) -> str:
    """Markdown of a report: machine, goals, and a table for each stage."""
    stages = report['stages']
    machine = stages.get('card', {}).get('machine', {})
    lines = ['# GPU report', '', ', '.join(f'{key} {value}' for key, value in machine.items()) or
             'The stage `card`, which names the machine, has not run.', '',
             *['The scale is tiny: it shows that the stages run; its times and scores say nothing.', ''] * (
                 report['arguments'].get('scale') == 'tiny'),
             'Command: ' + ' '.join(['tools/analysis_tools/gpu_report.py', *_options(report['arguments'])]), '']
    reached = goals(stages)
    if reached:
        lines += ['## Goals', '', '| goal | found | |', '|---|---|---|',
                  *(f'| {goal} | {found} | {"" if good else "not "}reached |' for goal, found, good in reached), '']
    for name, stage in STAGES.items():
        if name in stages:
            lines += _section(f'{stage.group}. {stage.title} (`{name}`)', stages[name])
    return '\n'.join(lines) + '\n'


def _options(arguments: dict) -> list:
    return [f'--{key.replace("_", "-")} {value}' for key, value in arguments.items() if value]


def _section(title: str, entry: dict) -> list:
    took = f', {entry["seconds"]:.0f} s' if 'seconds' in entry else ''
    lines = [f'## {title}', '', f'{entry["state"]}{took}' + (f': {entry["error"]}' if entry.get('error') else ''), '']
    rows = entry.get('rows') or []
    if rows:
        keys = [key for key in dict.fromkeys(key for row in rows for key in row) if key not in HIDDEN]
        keys += ['note'] if any('note' in row for row in rows) else []
        lines += ['| ' + ' | '.join(HEADINGS.get(key, key) for key in keys) + ' |', '|---|' + '---:|' * (len(keys) - 1),
                  *('| ' + ' | '.join(_cell(key, row.get(key)) for key in keys) + ' |' for row in rows), '']
    if entry.get('log') and entry['state'] != 'done':
        lines += ['```', *entry['log'].strip().splitlines()[-12:], '```', '']
    return lines


def _cell(key: str, value) -> str:
    if value is None:
        return ''
    if isinstance(value, float):
        return f'{value:.0%}' if key in PERCENT else f'{value:,.0f}' if abs(value) >= 1000 else f'{value:.3g}'
    return str(value).replace('|', '/').replace('\n', ' ')
