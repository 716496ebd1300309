"""GLB files, read back by pygltflib; what they show is computed from their node tree."""
from dataclasses import replace

import numpy as np
import pytest
from helpers.glb_scene import GlbScene
from helpers.written_motions import holes, mesh_motion, real_motion, y_up

from mmegopose.inference.writers import write_motion
from mmegopose.motion import Motion
from mmegopose.structures import get_skeleton

pytest.importorskip('pygltflib', reason='pygltflib is in the extra "tests"')


def test_joints_and_head_camera_are_where_they_were(tmp_path):
    motion = real_motion()
    write_motion(motion, tmp_path / 'a.glb')
    scene = GlbScene(tmp_path / 'a.glb')
    for frame in (0, 71, 199):
        shown = scene.matrices(motion.time[frame] - motion.time[0])
        for i, joint in enumerate(get_skeleton('coco17').joints):
            np.testing.assert_allclose(shown[scene.node(joint), :3, 3], y_up(motion.joints[frame, i]), atol=2e-5)
        head = shown[scene.node('head_camera')]
        np.testing.assert_allclose(head[:3, 3], y_up(motion.head_pose[frame, :3, 3]), atol=1e-5)
        np.testing.assert_allclose(-head[:3, 2], y_up(motion.head_pose[frame, :3, 2]), atol=1e-6)  # it looks along -z
        np.testing.assert_allclose(head[:3, 1], (0, 1, 0), atol=1e-6)


def test_a_far_world_keeps_its_steps(tmp_path):
    """At 500 km float32 has steps of 3 cm, at 4000 km of 25: places count from a whole metre near the people."""
    near, origin = real_motion(), np.array([5e5, -4e6, 100])
    pose = near.head_pose.copy()
    pose[:, :3, 3] += origin
    far = replace(near, joints=near.joints.astype(float) + origin, head_pose=pose)
    written = write_motion(far, tmp_path / 'a.glb')
    scene = GlbScene(tmp_path / 'a.glb')
    told = np.array(scene.gltf.scenes[0].extras['origin'])
    np.testing.assert_array_equal(told, np.round(told))
    assert any(f'places count from x = {told[0]:.0f}, y = {told[1]:.0f}' in note for note in written.notes)
    shown = scene.matrices(near.time[71] - near.time[0])
    for name, place in (('left-wrist', far.joints[71, 9]), ('head_camera', far.head_pose[71, :3, 3])):
        np.testing.assert_allclose(shown[scene.node(name), :3, 3], y_up(place - told), atol=2e-5)


def test_between_frames_joints_are_between(tmp_path):
    motion = real_motion()[:2]
    write_motion(motion, tmp_path / 'a.glb')
    scene = GlbScene(tmp_path / 'a.glb')
    middle = scene.matrices(motion.duration / 2)[scene.node('left-wrist'), :3, 3]
    np.testing.assert_allclose(middle, y_up(motion.joints[:, 9].mean(0)), atol=1e-3)


def test_bones_reach_from_joint_to_joint(tmp_path):
    motion = real_motion()
    write_motion(motion, tmp_path / 'a.glb')
    scene = GlbScene(tmp_path / 'a.glb')
    vertices, faces = scene.vertices(scene.node('walker mesh'), motion.time[71])
    assert len(faces) == 8 * 18 and np.isfinite(vertices).all()  # 19 joints, two of them added
    shown = y_up(motion.joints[71])
    near = np.linalg.norm(vertices[:, None] - shown, axis=-1).min(0)
    assert near.max() < 1e-4


def test_the_figure_is_hidden_in_a_hole(tmp_path):
    motion = holes()
    notes = write_motion(motion, tmp_path / 'a.glb').notes
    assert any('20 frames without a pose are hidden' in note for note in notes)
    scene = GlbScene(tmp_path / 'a.glb')
    for frame, size in ((49, 1), (50, 0), (69, 0), (70, 1)):
        shown = scene.matrices(motion.time[frame] + 1e-4)[scene.node('left-hip')]
        np.testing.assert_allclose(np.linalg.norm(shown[:3, 0]), size, atol=1e-6)


@pytest.mark.parametrize('source, left', [('open_body', False), ('open_hand', False), ('open_hand', True)])
def test_a_body_model_moves_as_the_mesh_did(tmp_path, source, left):
    motion = mesh_motion(source, left)
    assert '0.0 mm off' in write_motion(motion, tmp_path / 'a.glb').notes[1]
    scene, shown = GlbScene(tmp_path / 'a.glb'), motion.upright().mesh
    for frame in (0, 3, 5):
        vertices, faces = scene.vertices(scene.node('body mesh'), motion.time[frame])
        off = np.linalg.norm(vertices - y_up(shown.vertices[frame]), axis=-1)
        assert off.mean() < 1e-4 and off.max() < (3e-3 if source == 'open_body' else 2e-5)  # no fifth joint
    np.testing.assert_array_equal(faces, shown.faces)
    normals = scene.array(scene.gltf.meshes[0].primitives[0].attributes.NORMAL)
    points = scene.array(scene.gltf.meshes[0].primitives[0].attributes.POSITION)
    assert (normals * (points - points.mean(0))).sum() > 0  # they point outwards, of the mirrored hand too


def test_a_mesh_with_holes_at_another_rate(tmp_path):
    from dataclasses import replace
    motion = mesh_motion('open_hand', frames=20)
    gone = np.arange(20) // 3 == 2  # frames 6 to 8
    mesh = motion.mesh
    mesh = replace(mesh, vertices=np.where(gone[:, None, None], np.nan, mesh.vertices), parameters={
        key: np.where(gone.reshape(-1, *[1] * (value.ndim - 1)), np.nan, value).astype(np.float32)
        for key, value in mesh.parameters.items()})
    holed = replace(motion, mesh=mesh, valid=motion.valid & ~gone[:, None])
    notes = write_motion(holed, tmp_path / 'a.glb', fps=60).notes
    assert any('7 frames without a mesh are hidden' in note for note in notes)
    scene = GlbScene(tmp_path / 'a.glb')
    vertices, _ = scene.vertices(scene.node('body mesh'), motion.time[12])
    np.testing.assert_allclose(vertices, y_up(motion.upright().mesh.vertices[12]), atol=2e-5)


def test_a_mesh_without_its_model_leaves_the_bones_and_says_so(tmp_path):
    from dataclasses import replace
    motion = mesh_motion()
    unknown = replace(motion, mesh=replace(motion.mesh, body_model='/somewhere/SMPL_NEUTRAL.pkl'))
    notes = write_motion(unknown, tmp_path / 'a.glb').notes
    assert any('bones instead of the mesh, because its body model cannot be read here' in n for n in notes)
    assert GlbScene(tmp_path / 'a.glb').node('left-wrist')


def test_many_people_share_a_file_and_keep_their_times(tmp_path):
    people = [real_motion(person='a "b"\t<c>')[i:i + 5] for i in range(40)]
    write_motion(people, tmp_path / 'a.glb')
    scene = GlbScene(tmp_path / 'a.glb')
    assert len(scene.gltf.skins) == 40 and len({skin.name for skin in scene.gltf.skins}) == 40
    late = [a for a in scene.gltf.animations[0].samplers if scene.array(a.input)[0] > 1]
    assert late and scene.array(scene.gltf.animations[0].samplers[0].input)[0] == 0


def test_people_whose_places_are_not_known_are_moved_apart(tmp_path):
    people = [real_motion(person=person).to_root() for person in 'ab']
    notes = write_motion(people, tmp_path / 'a.glb').notes
    assert any('moved apart' in note for note in notes)
    scene = GlbScene(tmp_path / 'a.glb')
    hips = [scene.matrices(0)[i, :3, 3] for i, node in enumerate(scene.gltf.nodes) if node.name == 'pelvis']
    assert len(hips) == 2 and hips[1][0] - hips[0][0] > 0.8


def test_one_frame_and_no_frame(tmp_path):
    motion = real_motion()
    write_motion(motion, tmp_path / 'a.glb', time=2.0)
    scene = GlbScene(tmp_path / 'a.glb')
    np.testing.assert_allclose(scene.matrices(0)[scene.node('nose'), :3, 3], y_up(motion.joints[60, 0]), atol=2e-5)
    nothing = Motion(motion.time, np.full_like(motion.joints, np.nan), 'coco17')
    for name in ('a.glb', 'a.bvh', 'a.trc', 'a.obj', 'a.ply'):
        with pytest.raises(ValueError, match='no valid pose to write'):
            write_motion(nothing, tmp_path / 'none' / name)


def test_parameters_that_are_no_rotations_become_bones(tmp_path):
    motion = mesh_motion()
    parameters = motion.mesh.parameters | dict(body_pose=0 * motion.mesh.parameters['body_pose'])
    written = write_motion(replace(motion, mesh=replace(motion.mesh, parameters=parameters)), tmp_path / 'a.glb')
    assert any('bones instead of the mesh, because its parameters are no rotations' in note for note in written.notes)
