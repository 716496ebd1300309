"""Evaluation protocols of 2D-to-3D lifting: windows, which predictions count, and what happens to their root.

They are registered in ``PROTOCOLS``; data sets and metrics find them by name. A plugin adds its own::

    register_protocol(LiftingProtocol('mine', root='subtract', frames='once', windows=dict(type='OverlapWindows'),
                                      exclude=(('S9', 'Greeting'),)))
"""
from dataclasses import dataclass, field

from ..registry import PROTOCOLS

ROOT_RULES = ('keep', 'zero', 'subtract')
FRAME_RULES = ('twice', 'once')

# (subject, clip) of the Human3.6M clips whose recorded 3D pose drifts away from the image: the sub-actions Greeting-2,
# SittingDown-2 and Waiting-1 of S9 (act_05 subact_02, act_10 subact_02, act_13 subact_01). VideoPose3D names clips by
# file, and the plain file name may be either sub-action: of S9, 'Greeting 1' and 'Waiting 1' are the first, but
# 'SittingDown 1' is the second. The names of the official folders are clear.
H36M_DRIFTING = (('S9', 'Greeting'), ('S9', 'SittingDown 1'), ('S9', 'Waiting 1'))
H36M_DRIFTING_FOLDERS = (('S9', 'act_05_subact_02'), ('S9', 'act_10_subact_02'), ('S9', 'act_13_subact_01'))


def check_rules(root: str | None = None, frames: str | None = None):
    """Raises ``KeyError`` that lists the known names if a rule is unknown; None is not checked."""
    for kind, value, known in (('root', root, ROOT_RULES), ('frames', frames, FRAME_RULES)):
        if value is not None and value not in known:
            raise KeyError(f'unknown {kind} rule {value!r}; known: {list(known)}')


@dataclass(frozen=True)
class LiftingProtocol:
    """How windows are cut for training and evaluation, and how the predictions of a split are scored.

    Attributes:
        name: name of the protocol.
        root: what happens to the predicted root before scoring: ``'keep'``, ``'zero'`` (the root joint is set to zero)
            or ``'subtract'`` (the root is subtracted from all joints).
        frames: ``'twice'``: every prediction counts, also a second one of the same frame; ``'once'``: the predictions
            of a frame are averaged by weight.
        exclude: ``(subject, clip)`` of the sequences that are not scored, as their uid ``subject/clip/camera`` has
            them.
        windows: config of its windows; data sets add ``num_frames`` and, where they are given, ``frame_step``,
            ``window_stride`` and ``mirror``.

    Raises:
        KeyError: unknown ``root`` or ``frames``.
    """
    name: str
    root: str
    frames: str
    exclude: tuple = ()
    windows: dict = field(default_factory=lambda: dict(type='OverlapWindows'))

    def __post_init__(self):
        check_rules(self.root, self.frames)

    def excludes(self, sequence: dict) -> bool:
        """Whether a sequence, by its uid ``subject/clip/camera``, is not scored."""
        return tuple(sequence['uid'].split('/')[:2]) in set(self.exclude)


def register_protocol(protocol: LiftingProtocol, force: bool = False) -> LiftingProtocol:
    """Make a protocol known. Raises ``KeyError`` if the name is taken by another one and ``force`` is not set."""
    PROTOCOLS.add(protocol.name, protocol, force)
    return protocol


def get_protocol(name: str) -> LiftingProtocol:
    """Protocol by name. Raises ``KeyError`` that lists the known names."""
    if name not in PROTOCOLS.module_dict:
        raise KeyError(f'unknown lifting protocol {name!r}; known: {sorted(PROTOCOLS.module_dict)}, nearest: '
                       f'{PROTOCOLS.nearest(str(name), 1)[0]}. The key protocol of the config, or of its data sets, '
                       'names it')
    return PROTOCOLS.module_dict[name]


register_protocol(LiftingProtocol('mixste', root='keep', frames='twice', windows=dict(type='MixSTEWindows')))
register_protocol(LiftingProtocol('stcformer', root='zero', frames='once', windows=dict(type='STCFormerWindows')))
register_protocol(LiftingProtocol('stcformer_3dhp', root='zero', frames='once',
                                  windows=dict(type='STCFormerWindows', whole_chunks=True)))
register_protocol(LiftingProtocol('motionbert', root='subtract', frames='once', exclude=H36M_DRIFTING,
                                  windows=dict(type='MotionBERTWindows')))
# The model is trained without its root, which then is never right.
register_protocol(LiftingProtocol('motionbert_2_5d', root='zero', frames='once', exclude=H36M_DRIFTING_FOLDERS,
                                  windows=dict(type='MotionBERTWindows')))
register_protocol(LiftingProtocol('overlap', root='subtract', frames='once', windows=dict(type='OverlapWindows')))
