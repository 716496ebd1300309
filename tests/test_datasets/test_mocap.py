"""Readers of motion capture files on tiny files with known poses, and the repairs of the CMU conversions."""
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from mmegopose.datasets.converters import asf, bvh, cmu, convert_cmu
from mmegopose.datasets.mocap_sequences import MocapSequences

ASF = """:version 1.10
:units
  mass 1.0
  length 0.0254
  angle deg
:root
   order TX TY TZ RX RY RZ
   axis XYZ
:bonedata
  begin
     id 1
     name upper
     direction 0 1 0
     length 2
     axis 0 0 0 XYZ
     dof rx ry rz
  end
  begin
     id 2
     name lower
     direction 1 0 0
     length 3
     axis 0 0 90 XYZ
     dof rx
  end
  begin
     id 3
     name tip
     direction 1 0 0
     length 1
     axis 0 0 0 XYZ
  end
:hierarchy
  begin
    root upper
    lower tip
    upper lower
  end
"""
AMC = """#!comment
:FULLY-SPECIFIED
:DEGREES
1
root 1 2 3 0 0 0
upper 0 0 0
lower 0
2
root 0 0 0 0 0 90
upper 90 0 0
lower 90
"""
BVH = """HIERARCHY
ROOT Hips
{
  OFFSET 0 0 0
  CHANNELS 6 Xposition Yposition Zposition Zrotation Yrotation Xrotation
  JOINT Arm
  {
    OFFSET 2 0 0
    CHANNELS 3 Zrotation Yrotation Xrotation
    JOINT Hand
    {
      OFFSET 0 3 0
      CHANNELS 1 Xrotation
      End Site
      {
        OFFSET 0 0 4
      }
    }
  }
}
MOTION
Frames: 2
Frame Time: 0.01
0 0 0 0 0 0 0 0 0 0
1 2 3 90 0 0 0 90 90 0
"""


def write(path, text):
    path.write_text(text)
    return path


def test_asf_forward_kinematics(tmp_path):
    skeleton = asf.read_asf(write(tmp_path / 'a.asf', ASF))
    assert skeleton.scale == pytest.approx(1)
    ends, rotations = asf.asf_kinematics(skeleton, asf.read_amc(write(tmp_path / 'a.amc', AMC), skeleton))
    np.testing.assert_allclose(ends['root'], [[1, 2, 3], [0, 0, 0]])
    np.testing.assert_allclose(ends['upper'], [[1, 4, 3], [0, 0, 2]], atol=1e-12)
    # the elbow's x axis is turned by 90 degrees about z, so that it bends about y: x goes to -z
    np.testing.assert_allclose(ends['lower'][0], [4, 4, 3], atol=1e-12)
    turn = (Rotation.from_euler('z', 90, degrees=True) * Rotation.from_euler('x', 90, degrees=True)
            * Rotation.from_euler('y', 90, degrees=True))
    np.testing.assert_allclose(rotations['lower'][1], turn.as_matrix(), atol=1e-12)
    np.testing.assert_allclose(ends['lower'][1], [0, 0, 2] + turn.apply([3, 0, 0]), atol=1e-12)
    np.testing.assert_allclose(ends['tip'] - ends['lower'], rotations['lower'] @ [1, 0, 0], atol=1e-12)


@pytest.mark.parametrize('old, new, message', [
    (':hierarchy', ':other', 'no section :hierarchy'),
    ('length 3', '', "'lower'.*'length'"),
    ('length 3', 'length x', 'x'),
    ('    upper lower\n  end\n', '    upper lower', 'cut off'),
    ('    root upper\n', '    nobody upper\n', 'not connected'),
    ('dof rx ry rz', 'dof rx ry tz', "dof 'tz'"),
    ('angle deg', 'angle rad', 'degrees'),
])
def test_malformed_asf(tmp_path, old, new, message):
    path = write(tmp_path / 'bad.asf', ASF.replace(old, new))
    with pytest.raises(ValueError, match=rf'(?s)bad\.asf.*{message}'):
        asf.read_asf(path)


@pytest.mark.parametrize('cut', [1, 4, len('lower 90\n'), len('upper 90 0 0\nlower 90\n'), len('0\nlower 90\n')])
def test_incomplete_last_frame_is_dropped(tmp_path, cut):
    skeleton = asf.read_asf(write(tmp_path / 'a.asf', ASF))
    motion = asf.read_amc(write(tmp_path / 'a.amc', AMC[:-cut]), skeleton)
    assert len(motion['root']) == (2 if cut == 1 else 1)
    file = bvh.read_bvh(write(tmp_path / 'a.bvh', BVH[:-cut]))
    assert len(file.motion) == (2 if cut == 1 else 1)


@pytest.mark.parametrize('text, message', [
    (AMC.replace('upper 0 0 0\n', ''), 'different lengths'),
    (AMC.replace('upper 90 0 0', 'upper 90 0'), 'line 10'),
    (AMC.replace('upper 90 0 0', 'leg 90 0 0'), 'line 10'),
    (AMC.replace('lower 90', 'lower 9-0'), "'lower'"),
    (AMC.replace('\n2\n', '\n3\n'), 'frame 1 is not followed'),
    ('', 'not an AMC'),
])
def test_malformed_amc(tmp_path, text, message):
    skeleton = asf.read_asf(write(tmp_path / 'a.asf', ASF))
    with pytest.raises(ValueError, match=rf'(?s)bad\.amc.*{message}'):
        asf.read_amc(write(tmp_path / 'bad.amc', text), skeleton)


def test_bvh_forward_kinematics(tmp_path):
    file = bvh.read_bvh(write(tmp_path / 'a.bvh', BVH))
    assert file.parents == (-1, 0, 1) and file.frame_time == 0.01
    np.testing.assert_array_equal(file.ends['Hand'], [0, 0, 4])
    positions, rotations = bvh.bvh_kinematics(file)
    np.testing.assert_allclose(positions['Hand'][0], [2, 3, 0], atol=1e-12)
    np.testing.assert_allclose(positions['Hips'][1], [1, 2, 3])
    np.testing.assert_allclose(positions['Arm'][1], [1, 4, 3], atol=1e-12)
    turn = np.linalg.multi_dot([Rotation.from_euler(a, 90, degrees=True).as_matrix() for a in 'zyx'])
    np.testing.assert_allclose(rotations['Arm'][1], turn, atol=1e-12)
    np.testing.assert_allclose(positions['Hand'][1], [1, 4, 3] + turn @ [0, 3, 0], atol=1e-12)
    np.testing.assert_array_equal(bvh.bvh_kinematics(file, np.array([1]))[0]['Hand'], positions['Hand'][1:])


@pytest.mark.parametrize('text, message', [
    (BVH.replace('Frames: 2', 'Frames: 4'), 'cut off'),
    (BVH[:200], 'no line MOTION'),
    (BVH.replace('OFFSET 0 3 0', 'OFFSET 0 3'), 'line 12'),
    (BVH.replace('CHANNELS 1 X', 'CHANNELS 2 X'), 'line 13'),
    (BVH.replace('1 Xrotation', '1 Wrotation'), 'line 13'),
    (BVH.replace('Frames: 2', 'Frame 2'), 'Frames: N'),
    (BVH.replace('}\n}\nMOTION', '}\nMOTION'), 'open braces: 1'),
    (BVH.replace('90 90 0', '90 nan 0'), 'malformed'),
])
def test_malformed_bvh(tmp_path, text, message):
    with pytest.raises(ValueError, match=rf'(?s)bad\.bvh.*{message}'):
        bvh.read_bvh(write(tmp_path / 'bad.bvh', text))


# ---------------------------------------------------------------------------------------------- a small CMU download
# rest pose in ASF units (y up, x left, z forward), as straight as a body can be
REST = dict(lhip=(2, -2, 0), lfemur=(0, -7, 0), ltibia=(0, -7, 0), lfoot=(0, -.5, 2), rhip=(-2, -2, 0),
            rfemur=(0, -7, 0), rtibia=(0, -7, 0), rfoot=(0, -.5, 2), lowerback=(0, 2, 0), upperback=(0, 2, 0),
            thorax=(0, 2, 0), lowerneck=(0, 1.7, 0), upperneck=(0, 1.7, 0), head=(0, 1.7, 0), lclavicle=(3.3, 1, 0),
            lhumerus=(5, 0, 0), lradius=(3.5, 0, 0), rclavicle=(-3.3, 1, 0), rhumerus=(-5, 0, 0), rradius=(-3.5, 0, 0))
NUM = 241  # frames at 120 Hz


def angles(seed):
    """``(T,3)`` degrees about x, y, z by bone: smooth turns of all bones, small at the root."""
    rng, time = np.random.default_rng(seed), np.arange(NUM)[:, None] / 120
    turns = {bone: rng.uniform(-20, 20, (1, 3)) * np.sin(2 * time + rng.uniform(0, 6, (1, 3)))
             for bone in ('root', *cmu.BONES)}
    for bone in ('lhip', 'rhip', 'lowerback', 'upperneck'):
        turns[bone] = turns[bone] * 0
    return turns


def root_track():
    return np.stack([np.zeros(NUM), np.full(NUM, 17.), np.linspace(0, 10, NUM)], 1)


def asf_text(rest=REST):
    bones = ''.join(f'  begin\n name {cmu.BONES[bone].asf}\n direction {" ".join(map(str, offset))}\n length 1\n'
                    ' axis 0 0 0 XYZ\n dof rx ry rz\n  end\n' for bone, offset in rest.items())
    links = ''.join(f' {cmu.BONES[k.parent].asf if k.parent != "root" else "root"} {k.asf}\n'
                    for k in cmu.BONES.values())
    return (f':units\n length 0.45\n angle deg\n:root\n order TX TY TZ RX RY RZ\n:bonedata\n{bones}'
            f':hierarchy\n begin\n{links} end\n')


def amc_text(seed):
    turns, track, lines = angles(seed), root_track(), [':DEGREES']
    for t in range(NUM):
        lines += [str(t + 1), 'root ' + ' '.join(f'{v:.9f}' for v in (*track[t], *turns['root'][t]))]
        lines += [f'{cmu.BONES[b].asf} ' + ' '.join(f'{v:.9f}' for v in turns[b][t]) for b in cmu.BONES]
    return '\n'.join(lines) + '\n'


def tree(children, name, offsets, channels='Zrotation Yrotation Xrotation'):
    kind, move = ('JOINT', '3 ') if name in offsets else ('ROOT', '6 Xposition Yposition Zposition ')
    inner = ''.join(tree(children, c, offsets, channels) for c in children.get(name, ()))
    end = '' if inner else 'End Site\n{\nOFFSET 0 1.7 0\n}\n'
    return (f'{kind} {name}\n{{\nOFFSET {" ".join(map(str, offsets.get(name, (0, 0, 0))))}\nCHANNELS {move}{channels}\n'
            f'{inner}{end}}}\n')


def names_in(text):
    return [line.split()[1] for line in text.splitlines() if line.split()[0] in ('ROOT', 'JOINT')]


def bvh_text(header, track, rotations):
    """The header with local ZYX angles; ``rotations`` ``{joint: (T,3,3)}`` local; the first frame is a T pose."""
    names = names_in(header)
    rows = np.concatenate([track] + [Rotation.from_matrix(rotations[n]).as_euler('ZYX', degrees=True) if n in rotations
                                     else np.zeros((NUM, 3)) for n in names], 1)
    rows = np.concatenate([np.zeros((1, rows.shape[1])), rows])
    return (f'HIERARCHY\n{header}MOTION\nFrames: {NUM + 1}\nFrame Time: 0.0083333\n'
            + '\n'.join(' '.join(f'{v:.9f}' for v in row) for row in rows) + '\n')


def motionbuilder_text(seed, thorax):
    """As the popular conversion writes it: the offsets of the joints at the end of the thorax are as given."""
    children = {'Hips': ('LHipJoint', 'RHipJoint', 'LowerBack'), 'LowerBack': ('Spine',), 'Spine': ('Spine1',),
                'Spine1': ('Neck', 'LeftShoulder', 'RightShoulder'), 'Neck': ('Neck1',), 'Neck1': ('Head',)}
    for side, s in (('Left', 'L'), ('Right', 'R')):
        for above, below in ((f'{s}HipJoint', 'UpLeg'), (f'{side}UpLeg', 'Leg'), (f'{side}Leg', 'Foot'),
                             (f'{side}Foot', 'ToeBase'), (f'{side}Shoulder', 'Arm'), (f'{side}Arm', 'ForeArm'),
                             (f'{side}ForeArm', 'Hand')):
            children[above] = (side + below,)
    offsets = {link.end: REST[bone] for bone, link in cmu.BONES.items() if link.end}
    offsets |= {name: thorax for name in ('Neck', 'LeftShoulder', 'RightShoulder')}
    offsets |= {name: (0, 0, 0) for name in ('LHipJoint', 'RHipJoint', 'LowerBack')}
    local = {link.motionbuilder: Rotation.from_euler('xyz', angles(seed)[bone], degrees=True).as_matrix()
             for bone, link in cmu.BONES.items()}
    local['Hips'] = Rotation.from_euler('xyz', angles(seed)['root'], degrees=True).as_matrix()
    return bvh_text(tree(children, 'Hips', offsets), root_track(), local)


def planted_frames():
    return {bone: Rotation.from_rotvec(np.random.default_rng(i).uniform(-.3, .3, 3)).as_matrix()
            for i, bone in enumerate(cmu.DAZ_JOINTS)}


def daz_text(seed, skeleton):
    """A figure of other proportions whose joint frames are turned by :func:`planted_frames`."""
    children = {'hip': ('abdomen', 'lThigh', 'rThigh'), 'abdomen': ('chest',),
                'chest': ('neck', 'lCollar', 'rCollar'), 'neck': ('head',)}
    for s in 'lr':
        children |= {f'{s}Thigh': (f'{s}Shin',), f'{s}Shin': (f'{s}Foot',), f'{s}Collar': (f'{s}Shldr',),
                     f'{s}Shldr': (f'{s}ForeArm',)}
    header = tree(children, 'hip', {n: (1, 2, 3) for n in cmu.DAZ_JOINTS.values() if n != 'hip'})
    motion = asf.asf_kinematics(skeleton, {**{cmu.BONES[b].asf: angles(seed)[b] for b in cmu.BONES},
                                               'root': np.concatenate([root_track(), angles(seed)['root']], 1)})[1]
    exact = {'root': motion['root'], **{b: motion[k.asf] for b, k in cmu.BONES.items()}}
    turned = {joint: exact[bone] @ planted_frames()[bone].T for bone, joint in cmu.DAZ_JOINTS.items()}
    parents = {c: p for p, group in children.items() for c in group}
    local = {n: turned[parents[n]].transpose(0, 2, 1) @ r if n in parents else r for n, r in turned.items()}
    hip = (root_track() * cmu.UNIT - exact['root'] @ cmu.DAZ_PELVIS) * 100
    return bvh_text(header, hip, local)


@pytest.fixture(scope='module')
def download(tmp_path_factory):
    root = tmp_path_factory.mktemp('cmu')
    (root / '07').mkdir()
    write(root / '07' / '07.asf', asf_text())
    write(root / '07' / '07_01.amc', amc_text(1))
    skeleton = asf.read_asf(root / '07' / '07.asf')
    write(root / '07_01.bvh', daz_text(1, skeleton))
    write(root / '07_02.bvh', daz_text(2, skeleton))
    write(root / '08_01.bvh', motionbuilder_text(3, (0, 0, 0)))
    write(root / '06_01.bvh', daz_text(4, skeleton))
    write(root / '07_03.amc', '1\nnobody 0\n2\nnobody 0\n')
    write(root / 'CMU data.csv', 'subject,trial,description,rate\n7,1,walk,120\n6,1,basketball - dribble,120\n')
    return root


def test_convert_cmu(download):
    clips, report = convert_cmu(download)
    assert clips.names.tolist() == ['06_01', '07_01', '07_02', '08_01']
    assert clips.splits.tolist() == ['val', 'train', 'train', 'test']
    assert clips.source.tolist() == ['daz', 'amc', 'daz', 'mb']
    assert clips.actions.tolist() == ['basketball - dribble', 'walk', '', '']
    assert clips.exact_skeleton.tolist() == [False, True, True, True]
    assert np.diff(clips.offsets).tolist() == [58, 61, 58, 61]  # a Daz clip loses its first 11 frames
    assert report.num_pairs == 1 and '07_03.amc' in next(iter(report.skipped))
    clip = clips[1]
    np.testing.assert_allclose(np.linalg.norm(clip.joints[:, 13] - clip.joints[:, 11], axis=1), 7 * cmu.UNIT, atol=1e-6)
    eyes = clip.joints[:, 1:3].mean(1)
    np.testing.assert_allclose(clip.head_pose[:, :3, 3], eyes, atol=1e-6)
    left = clip.joints[:, 3] - clip.joints[:, 4]
    np.testing.assert_allclose(clip.head_pose[:, :3, 0], -left / np.linalg.norm(left, axis=1, keepdims=True), atol=1e-5)


def test_motionbuilder_equals_amc(tmp_path, download):
    """The same motion as AMC and as BVH without thorax gives the same joints."""
    write(tmp_path / '08.asf', asf_text())
    write(tmp_path / '08_01.amc', amc_text(3))
    reference = convert_cmu(tmp_path)[0][0]
    repaired = convert_cmu(download)[0][3]
    assert repaired.source == 'mb' and reference.source == 'amc'
    for key in ('joints', 'joints_h36m', 'head_pose'):
        np.testing.assert_allclose(getattr(repaired, key), getattr(reference, key), atol=1e-6)


def test_motionbuilder_keeps_a_thorax(tmp_path):
    offsets = cmu.motionbuilder_offsets(bvh.read_bvh(write(tmp_path / 'a.bvh', motionbuilder_text(3, (0, 1.5, .5)))))
    np.testing.assert_allclose(offsets['thorax'], np.array([0, 1.5, .5]) * cmu.UNIT)


def test_daz_fit_recovers_planted_frames(tmp_path, download):
    skeleton = asf.read_asf(download / '07' / '07.asf')
    exact = cmu.asf_motion(skeleton, asf.read_amc(download / '07' / '07_01.amc', skeleton))
    pair = cmu.correlate_daz(bvh.read_bvh(download / '07_01.bvh'), exact)
    other_take = cmu.correlate_daz(bvh.read_bvh(download / '07_02.bvh'), cmu.BoneMotion(
        exact.frames, exact.root, {k: r @ Rotation.from_euler('y', 120, degrees=True).as_matrix()
                                   for k, r in exact.rotations.items()}))
    fitted = cmu.fit_daz_frames([pair, pair, other_take])
    np.testing.assert_allclose(fitted, np.stack(list(planted_frames().values())), atol=1e-7)
    rebuilt = cmu.daz_motion(bvh.read_bvh(download / '07_01.bvh'), 120, fitted)
    np.testing.assert_array_equal(rebuilt.frames[:3], [11, 15, 19])
    whole = asf.read_amc(download / '07' / '07_01.amc', skeleton)
    ends, rotations = asf.asf_kinematics(skeleton, {k: v[rebuilt.frames] for k, v in whole.items()})
    np.testing.assert_allclose(rebuilt.root, ends['root'], atol=1e-7)
    for bone in ('root', 'head', 'lowerneck', 'rfoot', 'lradius'):
        want = rotations['root' if bone == 'root' else cmu.BONES[bone].asf]
        np.testing.assert_allclose(rebuilt.rotations[bone], want, atol=1e-7)


def test_daz_needs_a_pair(tmp_path, download):
    for name in ('07.asf', '07_01.amc'):
        (tmp_path / name).write_bytes((download / '07' / name).read_bytes())
    (tmp_path / '07_02.bvh').write_bytes((download / '07_02.bvh').read_bytes())
    clips, report = convert_cmu(tmp_path)
    assert clips.names.tolist() == ['07_01'] and 'both in the Daz form' in next(iter(report.skipped.values()))


def test_glitches_are_cut():
    joints, pose = np.zeros((100, 17, 3)), np.tile(np.eye(4), (100, 1, 1))
    assert cmu.clean_segments(joints, pose) == [(0, 100)]
    joints[40:, 3] = 1  # 30 m/s
    assert cmu.clean_segments(joints, pose) == [(0, 40), (40, 100)]
    pose[80:, :3, :3] = Rotation.from_euler('y', 60, degrees=True).as_matrix()  # 1800 degrees a second
    assert cmu.clean_segments(joints, pose) == [(0, 40), (40, 80)]


def test_floor_of_daz_clips_is_levelled(download):
    clips = [clip for clip in convert_cmu(download)[0] if clip.subject == '07'][:2]
    exact, daz = [cmu.MocapSequence(**{**vars(clip), 'source': kind}) for clip, kind in zip(clips, ('amc', 'daz'))]
    before = [array[..., 2].copy() for array in (daz.joints, daz.joints_h36m)] + [daz.head_pose[:, 2, 3].copy()]
    cmu._level_floor([('07_01', exact, .05), ('07_02', daz, .35)])
    for old, new in zip(before, (daz.joints[..., 2], daz.joints_h36m[..., 2], daz.head_pose[:, 2, 3])):
        np.testing.assert_allclose(new, old - .3, atol=1e-6)


def test_no_download(tmp_path):
    with pytest.raises(FileNotFoundError, match='nowhere'):
        convert_cmu(tmp_path / 'nowhere')
    with pytest.raises(ValueError, match='has no clip'):
        convert_cmu(tmp_path)
    write(tmp_path / '01_01.amc', amc_text(1))
    with pytest.raises(ValueError, match='no usable skeleton'):
        convert_cmu(tmp_path)


@pytest.mark.skipif('MMEGOPOSE_CMU' not in os.environ,
                    reason='needs CMU files: set MMEGOPOSE_CMU to a folder with raw/ and cmu_ego_full.npz')
def test_real_cmu_clips():
    """Original files and the MotionBuilder conversion give the reference joints of the same clips."""
    root = Path(os.environ['MMEGOPOSE_CMU'])
    reference = MocapSequences.load(root / 'cmu_ego_full.npz')
    clips, _ = convert_cmu(root / 'raw')
    names = reference.names.tolist()
    for name in ('02_01', '02_03', '05_02'):
        got, want = clips[clips.names.tolist().index(name)], reference[names.index(name)]
        for key in ('joints', 'joints_h36m', 'head_pose'):
            np.testing.assert_allclose(getattr(got, key), getattr(want, key), rtol=0, atol=1e-6)
    # this file may begin at a later frame, as its frame numbers tell
    path = next((root / 'raw').rglob('35_01.amc'))
    first = int(next(line for line in path.read_text('latin-1').splitlines() if line.strip().isdigit())) - 1
    skeleton = asf.read_asf(path.with_name('35.asf'))
    whole, want = asf.read_amc(path, skeleton), reference[names.index('35_01')]
    frame = np.arange(len(want.joints)) * 4 - first
    inside = (frame >= 0) & (frame < len(whole['root']))
    assert inside.sum() > 30
    motion = cmu.asf_motion(skeleton, {k: v[frame[inside]] for k, v in whole.items()}, fps=30)
    joints, h36m, pose, _ = cmu.observe(motion, cmu.asf_offsets(skeleton))
    for got, key in ((joints, 'joints'), (h36m, 'joints_h36m'), (pose, 'head_pose')):
        np.testing.assert_allclose(got, getattr(want, key)[inside], rtol=0, atol=1e-6)


@pytest.mark.parametrize('damage', [
    lambda text: text + 'lfoot 1 2\n', lambda text: text.replace('\nroot 0', '\nroot a', 1), lambda text: text[:-30],
    lambda text: text.replace('2\n', f'{10 ** 400}\n', 1), lambda text: '', lambda text: text + '\0' * 50])
def test_one_bad_file_ends_nothing(tmp_path, download, damage):
    names = {clip.name for clip in convert_cmu(download)[0]}
    root = Path(shutil.copytree(download, tmp_path / 'copy'))
    write(root / '07' / '07_04.amc', damage(amc_text(1)))
    clips, report = convert_cmu(root)
    assert names <= {clip.name for clip in clips}
    assert names | {'07_04'} == {clip.name for clip in clips} or any('07_04.amc' in name for name in report.skipped)
