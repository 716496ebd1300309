"""What stands in a page, read without its program."""
import base64
import json
import re

import numpy as np

TYPES = dict(i2='<i2', u1='<u1', u2='<u2', u4='<u4', i4='<i4', f4='<f4', f8='<f8')


def read_page(path):
    text = path.read_text(encoding='utf-8')
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.S)[1])


def read_points(packed, shape):
    """An array of the page as numbers, NaN where there is none."""
    values = np.frombuffer(base64.b64decode(packed['data']), TYPES[packed['type']])
    out = values * packed['step']
    if packed['type'] == 'i2':
        out = np.where(values == -32768, np.nan, out)
    return out.reshape(shape)
