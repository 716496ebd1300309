"""What happens when a file registers its modules again."""
import importlib.util
import sys

import pytest

from mmegopose.registry import NECKS, PROTOCOLS, READERS, STREAMS
from mmegopose.structures import register_stream, streams

PLUGIN = """
from torch import nn
from mmegopose.registry import NECKS, READERS
from mmegopose.structures import Skeleton, Stream, register_skeleton, register_stream
from mmegopose.structures.protocols import LiftingProtocol, register_protocol

@NECKS.register_module()
class TwiceNeck(nn.Module):
    pass

@READERS.register_module(name=['twice_reader', 'twice_files'])
def twice_reader(data_root, split):
    pass

def mirror(values, flip):
    return values

register_stream(Stream('twice', ('B', 'T', 3), mirror=mirror))
register_stream(Stream('twice_lambda', ('B', 'T', 3), mirror=lambda values, flip: -values))
register_skeleton(Skeleton('twice2', ('a', 'b'), ((0, 1),)))
register_protocol(LiftingProtocol('twice', root='keep', frames='once'))
"""


def load(file, name):
    """Import a file by a name of its own, as pytest and a config do."""
    spec = importlib.util.spec_from_file_location(name, file)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def imported(monkeypatch):
    yield lambda file, name: (monkeypatch.setitem(sys.modules, name, None), load(file, name))[1]
    for registry, names in ((NECKS, ['TwiceNeck']), (READERS, ['twice_reader', 'twice_files']),
                            (STREAMS, ['twice', 'twice_lambda']), (PROTOCOLS, ['twice'])):
        for name in names:
            registry._module_dict.pop(name, None)


def test_a_file_that_is_imported_by_two_names_registers_once(tmp_path, imported):
    (tmp_path / 'twice.py').write_text(PLUGIN)
    imported(tmp_path / 'twice.py', 'twice_a')
    later = imported(tmp_path / 'twice.py', 'projects.twice_b')
    assert NECKS.get('TwiceNeck') is later.TwiceNeck and READERS.get('twice_files') is later.twice_reader
    assert streams.find_stream('twice').mirror is later.mirror


def test_another_file_does_not_replace_it(tmp_path, imported):
    (tmp_path / 'twice.py').write_text(PLUGIN)
    (tmp_path / 'other.py').write_text(PLUGIN)
    module = imported(tmp_path / 'twice.py', 'twice_a')
    with pytest.raises(KeyError, match='TwiceNeck is already registered'):
        imported(tmp_path / 'other.py', 'twice_b')
    with pytest.raises(KeyError, match="'twice' is registered already"):
        register_stream(streams.find_stream('twice')._replace(mirror=streams.keep))
    assert NECKS.get('TwiceNeck') is module.TwiceNeck
