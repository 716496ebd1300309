"""What somebody should know of a prediction before using it: where the camera is taken to sit, which hands were seen,
doubtful places."""
from ...motion import Motion

MAX_RESIDUAL = 0.02  # of the width of the image: the pose does not fit the picture
MIN_STILL_FEET = 20  # frames: with fewer the floor is that of the lowest joints
MAX_ROLL = 8.0       # degrees: cameras that stand are level


def camera_sentence(motion: Motion) -> str:
    """Whose camera the model expects and whose the track is of, ``''`` for what is not of a head track."""
    expected, source = motion.provenance.get('head_camera'), motion.provenance.get('input') or {}
    if motion.head_pose is None or not isinstance(expected, str):
        return ''
    if source.get('device'):
        found = f'the track is that of {source["device"]}, and is moved there'
        found = 'and so is the track' if source['device'] == expected else found
    elif source.get('head_offset'):
        found = 'the place of the track\'s camera on the head was given'
    else:
        found = ('the device of the track is not known: taken as if its camera sat between the eyes '
                 '(--options head_offset=... tells where it is)')
    usual = ' (of Ego-Exo4D; --head-camera eyes if it was trained on converted motion capture)' \
        if expected == 'aria_gen1' else ''
    return f'The model expects the camera {expected!r}{usual}; {found}.'


def wrist_sentence(motion: Motion) -> str:
    """How often each hand was seen, ``''`` if no wrists were read."""
    wrists = (motion.provenance.get('input') or {}).get('wrists')
    if not wrists:
        return ''
    return (f'Wrists of {wrists["source"]}: the left one is seen in {wrists["left"]:.0%} of the frames, '
            f'the right one in {wrists["right"]:.0%}.')


def doubts(motions: list) -> list[str]:
    """A sentence for each sign that people are not where they seem to be; see ``placement`` and ``upright``."""
    told = []
    for motion in motions:
        who = f'person {motion.person}' if motion.person else 'the person'
        residual = (motion.provenance.get('placement') or {}).get('residual_pixels')
        width = (motion.provenance.get('image_size') or [0])[0]
        if residual and width and residual > MAX_RESIDUAL * width:
            told.append(f'{who}: the 3D pose misses the keypoints by {residual:.0f} pixels '
                        f'({100 * residual / width:.1f} % of the width of the image): where they are is doubtful; '
                        'check --field-of-view, --image-size and --skeleton')
        exchanged = (motion.provenance.get('input') or {}).get('exchanged_sides') or {}
        if exchanged:
            told.append(f'{who}: the detector exchanged left and right, of ' + ' and of '.join(
                f'{kind}s in {frames} frames' for kind, frames in exchanged.items())
                + '; they were put back (--options sides=keep leaves them)')
        upright = motion.provenance.get('upright')
        if upright and upright['still_feet'] < MIN_STILL_FEET:
            told.append(f'the floor was found from {upright["still_feet"]} still feet: its height and slope are '
                        'doubtful')
        if upright and abs(upright['camera_roll']) > MAX_ROLL:
            told.append(f'the camera seems to be rolled by {upright["camera_roll"]:.0f} degrees: if it stood level, '
                        'the vertical of the world is wrong by that')
    return list(dict.fromkeys(told))
