"""The three tasks: what goes in, what is measured, under which conditions."""
from dataclasses import dataclass, field

from ..evaluation.metrics import SequenceMetric
from .sequence_errors import BodyErrors, LiftingErrors


@dataclass(frozen=True)
class OpenTask:
    """A task of the benchmark.

    Attributes:
        name: as rows name it.
        title, explanation: for people.
        collector: metric that collects the errors of sequences.
        measures: unit of each measure of the collector that stands in tables; the first one is the main one.
        conditions: changes of the transform ``WristPlaces`` by the name of the condition.
        mean_over: entry of a sequence: a mean is one over its values of the means over frames; None: over all frames.
        rules: names of the simple rules that are rows, see :mod:`mmegopose.evaluation.baselines`.
        config: whose data the rules read.
    """
    name: str
    title: str
    explanation: str
    collector: type[SequenceMetric]
    measures: dict
    conditions: dict = field(default_factory=lambda: {'all': {}})
    mean_over: str | None = None
    rules: tuple = ()
    config: str = ''

    @property
    def main(self) -> str:
        return next(iter(self.measures))


BODY_MEASURES = {'MPJPE, 12 joints': 'cm', 'MPJPE, 17 joints': 'cm', 'MPJVE': 'm/s'}
TASKS = {task.name: task for task in (
    OpenTask(
        'head', 'Body from the track of the head',
        'From two seconds of the pose of a headset to the 17 joints of its wearer in the world. MPJPE: mean distance '
        'of the 12 joints below the head from the truth, over all labelled frames, without alignment.',
        BodyErrors, BODY_MEASURES, conditions={'head alone': dict(lost_all=1.0)},
        rules=('mean pose', 'mean pose at head height', 'ridge regression'), config='mmegopose::levelwise_vit.py'),
    OpenTask(
        'head_wrists', 'Body from head and wrists',
        'The same with the places of both wrists, as a headset tracks hands: all of them, without one place in ten, '
        'and without any.',
        BodyErrors, BODY_MEASURES, rules=('ridge regression',), config='mmegopose::head_pose/head_wrists_body.py',
        conditions={'both wrists': {}, '10 % lost': dict(lost_frames=0.1), 'no wrists': dict(lost_all=1.0)}),
    OpenTask(
        'lifting', '3D poses from 2D poses',
        'From the 2D poses that a detector would find in four cameras around each person to 3D poses relative to the '
        'pelvis. MPJPE and the others are means over actions of the means over the frames of an action.',
        LiftingErrors, {'MPJPE': 'mm', 'PA-MPJPE': 'mm', 'ACCEL': 'mm/frame²', 'MPJVE': 'mm/frame',
                        'limb SD': 'cm'},
        mean_over='action', rules=('mean pose', 'linear', 'linear over the window'),
        config='mmegopose::lifting/stcformer_27_sample.py'))}
