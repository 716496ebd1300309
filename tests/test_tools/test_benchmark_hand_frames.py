"""Rates from the film to the batch."""
import re
import sys

import pytest
from helpers.source_tree import ROOT

sys.path.insert(0, str(ROOT / 'tools/analysis_tools'))
import benchmark_hand_frames  # noqa: E402


@pytest.mark.slow
def test_rates_of_all_parts(capsys):
    benchmark_hand_frames.main(['--num-frames', '4', '--num-sequences', '2', '--workers', '1', '2', '--cfg-options', *(
        f'model.{key}' for key in ('backbone.arch=tiny', 'backbone.depth=1', 'backbone.init_cfg=None',
                                   'head.embed_dim=96', 'head.decoder_dim=64', 'head.depth=1'))])
    out = capsys.readouterr().out
    for part in ('decode, every frame', 'decode, one in 3', 'undistort to 512 x 512', 'write as JPEG', 'decode JPEG',
                 'crop', 'targets and collate', 'all', '1', '2'):
        assert float(re.search(rf'^  {part} +([0-9.]+)', out, re.MULTILINE)[1]) > 0, part
    assert re.search(r'loading its batch in one process takes [0-9.]+% of it', out)
