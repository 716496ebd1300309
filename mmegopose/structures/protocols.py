"""Evaluation protocols of 2D-to-3D lifting: which predictions count, and what happens to their root."""
from dataclasses import dataclass

ROOT_POLICIES = ('keep', 'zero', 'subtract')
FRAME_POLICIES = ('twice', 'once')

# (subject, clip) of the Human3.6M clips whose recorded 3D pose drifts away from the image: the sub-actions Greeting-2,
# SittingDown-2 and Waiting-1 of S9 (act_05 subact_02, act_10 subact_02, act_13 subact_01). VideoPose3D names clips by
# file, and the plain file name may be either sub-action: of S9, 'Greeting 1' and 'Waiting 1' are the first, but
# 'SittingDown 1' is the second.
EXCLUDED = (('S9', 'Greeting'), ('S9', 'SittingDown 1'), ('S9', 'Waiting 1'))


def check_policies(root: str | None = None, frames: str | None = None):
    """Raises ``KeyError`` that lists the known names if a policy is unknown; None is not checked."""
    for kind, value, known in (('root', root, ROOT_POLICIES), ('frames', frames, FRAME_POLICIES)):
        if value is not None and value not in known:
            raise KeyError(f'unknown {kind} policy {value!r}; known: {list(known)}')


@dataclass(frozen=True)
class LiftingProtocol:
    """How the predictions of a split are scored.

    Attributes:
        name: name of the protocol.
        root: what happens to the predicted root before scoring: ``'keep'``, ``'zero'`` (the root joint is set to zero)
            or ``'subtract'`` (the root is subtracted from all joints).
        frames: ``'twice'``: every prediction counts, also a second one of the same frame; ``'once'``: the predictions
            of a frame are averaged by weight.
        exclude: leave out the clips of :data:`EXCLUDED`.

    Raises:
        KeyError: unknown ``root`` or ``frames``.
    """
    name: str
    root: str
    frames: str
    exclude: bool

    def __post_init__(self):
        check_policies(self.root, self.frames)


PROTOCOLS = {protocol.name: protocol for protocol in (
    LiftingProtocol('mixste', root='keep', frames='twice', exclude=False),
    LiftingProtocol('stcformer', root='zero', frames='once', exclude=False),
    LiftingProtocol('motionbert', root='subtract', frames='once', exclude=True),
    LiftingProtocol('overlap', root='subtract', frames='once', exclude=False))}


def get_protocol(name: str) -> LiftingProtocol:
    """Protocol by name. Raises ``KeyError`` that lists the known names."""
    if name not in PROTOCOLS:
        raise KeyError(f'unknown lifting protocol {name!r}; known: {sorted(PROTOCOLS)}')
    return PROTOCOLS[name]


def is_excluded(sequence: dict) -> bool:
    """Whether a sequence, by its uid ``subject/clip/camera``, is one of :data:`EXCLUDED`."""
    return tuple(sequence['uid'].split('/')[:2]) in EXCLUDED
