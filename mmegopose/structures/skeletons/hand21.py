"""A hand: 21 joints in the order of OpenPose, COCO-WholeBody and FreiHAND."""
from ..skeleton import HAND_RADIUS, Skeleton

FINGERS = ('thumb', 'index', 'middle', 'ring', 'little')

HAND21 = Skeleton(
    name='hand21', joints=('wrist', *(f'{finger}-{i}' for finger in FINGERS for i in range(1, 5))),
    edges=tuple((0 if joint % 4 == 1 else joint - 1, joint) for joint in range(1, 21)), root=0,
    limbs={finger: tuple(f'{finger}-{i}' for i in range(1, 5)) for finger in FINGERS},  # base to tip
    # OpenPose (Simon et al., CVPR 2017): one hue for each finger, brighter towards the tip.
    joint_colors=((100, 100, 100),
                  (100, 0, 0), (150, 0, 0), (200, 0, 0), (255, 0, 0),
                  (100, 100, 0), (150, 150, 0), (200, 200, 0), (255, 255, 0),
                  (0, 100, 50), (0, 150, 75), (0, 200, 100), (0, 255, 125),
                  (0, 50, 100), (0, 75, 150), (0, 100, 200), (0, 125, 255),
                  (100, 0, 100), (150, 0, 150), (200, 0, 200), (255, 0, 255)),
    # COCO-WholeBody (Jin et al., ECCV 2020), the same for both hands.
    oks_sigmas=(.029, .022, .035, .037, .047, .026, .025, .024, .035, .018, .024, .022, .026, .017, .021, .021, .032,
                .020, .019, .022, .031),
    radius=HAND_RADIUS)
