"""Which stages there are, in order of value."""
from typing import NamedTuple


class Stage(NamedTuple):
    """A part of the report.

    Attributes:
        group: its number.
        title: of its table.
        function: ``module:function`` of this folder; imported in the process of the stage alone.
        least: seconds without which it is not begun, at full scale.
        most: seconds after which it is stopped, at full scale; None: all that are left.
        argument: further argument of the function.
    """
    group: int
    title: str
    function: str
    least: float
    most: float | None
    argument: str = ''


TINY = 300  # seconds of any stage at tiny scale, at most

STAGES = {
    'card': Stage(1, 'The card: rates of matrix products', 'card:card', 12, 40),
    'waits': Stage(1, 'Training steps that wait for the card', 'card:waits', 12, 40),
    'launch': Stage(1, 'tools/dist_train.sh, and a resume', 'launch:launch', 30, 90),
    'steps': Stage(2, 'Training steps', 'speed:training_steps', 30, 150),
    'inference': Stage(2, 'Inference', 'speed:inference', 20, 60),
    'head_body': Stage(3, 'Training of head_body', 'training:train', 35, None, 'head_body'),
    'head_wrists_body': Stage(3, 'Training of head_wrists_body', 'training:train', 35, None, 'head_wrists_body'),
    'lifter': Stage(3, 'Training of lifter', 'training:train', 35, None, 'lifter'),
    'coarse_only': Stage(3, 'Training of the coarse branch only', 'training:train', 35, None, 'coarse_only'),
    'fine_only': Stage(3, 'Training of the fine branch only', 'training:train', 35, None, 'fine_only'),
    'levelwise': Stage(3, 'Training of both branches, Level-wise ViT', 'training:train', 35, None, 'levelwise'),
    'ablation': Stage(4, 'ExtPose at the size of ViT-S, rendered hands', 'ablation:ablation', 60, None)}


def chosen_stages(names: list) -> dict:
    """Stages by name, of names and numbers of groups; ``ValueError`` if there is no such stage."""
    groups = {str(stage.group) for stage in STAGES.values()}
    unknown = [name for name in names if name not in STAGES and name not in groups]
    if unknown:
        raise ValueError(f'--stages {" ".join(unknown)}: there are the groups {", ".join(sorted(groups))} and the '
                         f'stages {", ".join(STAGES)}')
    return {name: stage for name, stage in STAGES.items() if name in names or str(stage.group) in names}
