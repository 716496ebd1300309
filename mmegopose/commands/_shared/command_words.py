"""Advice of the package, which is written as Python (``pass unit='mm'``), in the words of ``mmegopose predict``."""
import re
import shlex
from contextlib import contextmanager

ARGUMENTS = dict(preset='PRESET', image_size='W H', fps='RATE', skeleton='SKELETON', field_of_view='DEGREES',
                 format='FORMAT', detector='DETECTOR', person='PERSON', boxes='LEFT TOP RIGHT BOTTOM',
                 poses='FILE', right='left|right')
"""What has an argument of its own, and what stands there for a value that is not known."""
FLAGS = dict(boxes='box', right='hand')
"""Arguments that are called otherwise on the command line."""
OPTIONS = ('up', 'camera', 'direction', 'unit', 'time_unit', 'head_offset', 'scale', 'gravity', 'sequence', 'columns')
"""What is said with ``--options`` and known without a value."""
_NAME = f'({"|".join((*ARGUMENTS, *OPTIONS))})'
_ADVICE = re.compile(r'\b(?:pass|give|needs|say|say what it is:) (.*?)(?:\. |; |$)', re.DOTALL)
_WORD = re.compile(rf"\b([a-z]\w*)=('[^']*'|\w+\([^)]*\)|[-\w.]+)|(?:^|\b(?:or|and) ){_NAME}\b(?!=)")


def command_words(message: str) -> str:
    """A sentence with the arguments that a message advises, ``''`` if it advises none."""
    found = []
    for advice in _ADVICE.finditer(message):
        end = None
        for word in _WORD.finditer(advice[1]):
            name, value = word[1] or word[3], (word[2] or '').strip("'")
            joined = 'or' if end is None or re.search(r'\bor\b', advice[1][end:word.start()] + word[0][:3]) else 'and'
            found.append((joined, _argument(name, value)))
            end = word.end()
    seen: list = []
    for joined, text in found:
        if text not in [known for _, known in seen]:
            seen.append((joined, text))
    told = ''.join((' or ' if joined == 'or' else ' ') * bool(i) + text for i, (joined, text) in enumerate(seen))
    return f'On the command line: {told}' if told else ''


def _argument(name: str, value: str) -> str:
    if name == 'right' and value:
        value = 'right' if value == 'True' else 'left'
    if name in ARGUMENTS:
        return f'--{FLAGS.get(name, name.replace("_", "-"))} {value or ARGUMENTS[name]}'
    return f'--options {shlex.quote(f"{name}={value}") if value else f"{name}=..."}'


@contextmanager
def advice_in_command_words():
    """Errors within have the words of the command at the end of their message."""
    try:
        yield
    except (ValueError, KeyError, TypeError, OSError, ImportError) as error:
        text = error.args[0] if error.args else None
        if isinstance(text, str) and (words := command_words(text)):
            error.args = (f'{text}. {words}', *error.args[1:])
            if isinstance(error, ImportError):
                error.msg = error.args[0]
        raise
