"""Results that are kept: found again by what they depend on, made anew where a file is damaged."""
import json

import pytest

from mmegopose.open_benchmark.stored import StoredResults

IDENTITY = dict(task='head', split='val', checkpoint='a' * 64, data='b' * 64)


def test_a_result_is_found_by_its_identity_alone(tmp_path):
    stored = StoredResults(tmp_path)
    assert stored.find(IDENTITY) is None
    written = stored.write(IDENTITY, {'all': dict(sums=[1.5], error=float('nan'))})
    assert StoredResults(tmp_path).find(IDENTITY) == written == {'all': dict(sums=[1.5], error=None)}
    assert stored.find(dict(IDENTITY, checkpoint='c' * 64)) is None
    assert stored.find(dict(IDENTITY, data='c' * 64)) is None
    assert [path.suffix for path in tmp_path.iterdir()] == ['.json']


@pytest.mark.parametrize('harm', [
    lambda text: text[:len(text) // 2], lambda text: text.replace('1.5', '1.4'), lambda text: '[]', lambda text: ''])
def test_a_damaged_file_is_no_result(tmp_path, harm):
    stored = StoredResults(tmp_path)
    stored.write(IDENTITY, dict(sums=[1.5]))
    path = stored.path(IDENTITY)
    path.write_text(harm(path.read_text()))
    with pytest.warns(UserWarning, match='made anew'):
        assert stored.find(IDENTITY) is None
    stored.write(IDENTITY, dict(sums=[1.5]))
    assert json.loads(path.read_text())['result'] == dict(sums=[1.5])
