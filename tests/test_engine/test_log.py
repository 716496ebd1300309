"""What a log line holds."""
from types import SimpleNamespace

import pytest
from mmengine.logging import MessageHub

from mmegopose.registry import LOG_PROCESSORS


@pytest.mark.parametrize('mode', ['val', 'test'])
def test_results_by_joint_are_in_the_json_and_not_in_the_line(mode):
    hub = MessageHub(f'test_log_{mode}')
    for name, value in {'MPJPE': 12.5, 'joint/left-hip/MPJPE': 3.5, 'joint/nose/MPJPE': 4.5, 'MPJVE': 0.25}.items():
        hub.update_scalar(f'{mode}/body/{name}', value)
    loop = SimpleNamespace(dataloader=[0] * 7)
    runner = SimpleNamespace(message_hub=hub, val_loop=loop, test_loop=loop, val_dataloader=[0] * 7,
                             test_dataloader=[0] * 7)
    tag, line = LOG_PROCESSORS.build(dict(type='ShortLogProcessor', by_epoch=False)).get_log_after_epoch(
        runner, 7, mode)
    assert tag['body/joint/left-hip/MPJPE'] == 3.5 and tag['body/joint/nose/MPJPE'] == 4.5
    assert 'joint' not in line and line.split() == [
        f'Iter({mode})', '[7/7]', 'body/MPJPE:', '12.5000', 'body/MPJVE:', '0.2500']
