"""Files with damage: bytes that are changed, lost or doubled, numbers that nothing has, arrays of other kinds."""
import io
import random
import re

import numpy as np

NUMBERS = [b'NaN', b'null', b'-1', b'0', b'1e30', b'1e308', b'-Infinity', b'true', b'"a"', b'[]', b'{}', b'2147483648',
           b'9' * 400, b'1e-320', b'[[1],[2,3]]', '\u0663'.encode(), b'4294967296.5', b'']
NUMBER = re.compile(rb'(?<![\w.])-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?')
ABSURD = [np.nan, np.inf, -np.inf, 1e30, -1e30, 1e300, 0.0, -1.0, 1e6]


def damaged(content: bytes, name: str, dice: random.Random) -> bytes:
    """A damaged copy of a file's content; ``name`` tells what kind of file it is."""
    if name.endswith('.npz') and dice.random() < .6:
        return _other_arrays(content, dice)
    if name.endswith(('.json', '.csv', '.txt', '.jsonl', '.bvh', '.asf', '.amc', '.py', '.yml')) and dice.random() < .6:
        return _other_numbers(content, dice)
    return _other_bytes(content, dice)


def _other_bytes(content: bytes, dice: random.Random) -> bytes:
    data = bytearray(content)
    for _ in range(dice.choice([1, 1, 3, 20])):
        place, kind = dice.randrange(max(len(data), 1)), dice.randrange(7)
        if kind == 0 and data:
            data[place] = dice.randrange(256)
        elif kind == 1:
            del data[place:place + dice.randrange(1, 40)]
        elif kind == 2:
            data[place:place] = bytes(dice.choice(b',;-.0e9n\n "[]{}:\xff\0') for _ in range(dice.randrange(1, 5)))
        elif kind == 3 and data:
            other = dice.randrange(len(data))
            data[place:place + 20] = data[other:other + 20]
        elif kind == 4:
            data[place:place + dice.choice([4, 64, 4096])] = b'\0' * 4
        elif kind == 5 and dice.random() < .3:
            del data[place:]
        elif kind == 6 and dice.random() < .1:
            data = bytearray(dice.choice([b'', b'\xef\xbb\xbf' + content, b'<html></html>', b'[' * 5000, content * 2]))
    return bytes(data)


def _other_numbers(content: bytes, dice: random.Random) -> bytes:
    found = list(NUMBER.finditer(content))
    for match in sorted(dice.sample(found, min(len(found), dice.choice([1, 1, 2, 10]))), key=lambda m: -m.start()):
        content = content[:match.start()] + dice.choice(NUMBERS) + content[match.end():]
    return content


def _other_arrays(content: bytes, dice: random.Random) -> bytes:
    with np.load(io.BytesIO(content), allow_pickle=True) as file:
        arrays = dict(file)
    for key in dice.sample(list(arrays), min(len(arrays), dice.choice([1, 1, 2]))):
        if isinstance(changed := _other_array(arrays[key], dice), str):
            del arrays[key]
        else:
            arrays[key] = changed
    target = io.BytesIO()
    np.savez(target, **arrays)
    return target.getvalue()


def _other_array(array: np.ndarray, dice: random.Random):
    """Another array, or the word ``gone``."""
    kind = dice.randrange(9)
    if array.dtype.kind == 'O':
        return _deep(array, dice)
    if kind < 4 and array.dtype.kind in 'fiu' and array.size:
        array = array.astype(float) if array.dtype.kind != 'f' or dice.random() < .2 else array.copy()
        with np.errstate(over='ignore'):
            array.reshape(-1)[dice.randrange(array.size)] = dice.choice(ABSURD)
        return array
    return [array[:-1] if array.ndim else array[None], array[..., None], array.astype(str), np.zeros(0),
            array.astype('U4').astype(object), 'gone', array.astype(complex) if array.dtype.kind in 'fiu' else array,
            array.ravel(), array[..., :1] if array.ndim else array][kind]


def _deep(array: np.ndarray, dice: random.Random):
    """An array of one dict of dicts, in which one place is another."""
    value = array.item() if array.ndim == 0 else array
    place = value
    while isinstance(place, dict) and place:
        key = dice.choice(list(place))
        inner = place[key]
        if isinstance(inner, dict) and dice.random() < .8:
            place = inner
        elif isinstance(inner, list) and inner and dice.random() < .8:
            spot = dice.randrange(len(inner))
            inner[spot] = _other_array(inner[spot], dice) if isinstance(inner[spot], np.ndarray) else None
            break
        else:
            place[key] = _other_array(inner, dice) if isinstance(inner, np.ndarray) and inner.dtype.kind != 'O' else \
                dice.choice([None, 'a', 3, [], {}, [[1], [2, 3]], 10 ** 400])
            break
    out = np.empty((), object)
    out[()] = value
    return out
