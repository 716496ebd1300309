"""Who is who: nobody is exchanged, nobody jumps, and what was filled in is marked."""
import numpy as np
import pytest
from helpers.pose_files import NUM_FRAMES, people

from mmegopose.inference.inputs.poses_2d import Collector, collect_frames
from mmegopose.inference.tracking import PersonTrack, box_overlap, choose_person, fill_holes, track_people

K, S, THERE, SEEN = people()


def video(order=None, seen=SEEN, there=THERE, keypoints=K, persons=None, **options):
    """Detections of the two people; ``order`` exchanges them in some frames, as detectors do."""
    collector = Collector('v', 'test', num_frames=len(keypoints), fps=30, **options)
    for n in range(len(keypoints)):
        for p in (1, 0) if order is not None and order[n] else (0, 1):
            if there[n, p]:
                marks = np.where(seen[n, p, :, None], np.c_[keypoints[n, p], S[n % NUM_FRAMES, p]], 0)
                collector.add(n, marks, person=None if persons is None else persons[n][p])
    return collector.finish()


def is_person(track: PersonTrack, p: int, keypoints=K, seen=SEEN):
    real = track.present[:, None] & ~track.filled & track.detected
    np.testing.assert_allclose(track.keypoints[real], keypoints[track.frame, p][real], atol=1e-2)
    np.testing.assert_array_equal(real, seen[track.frame, p] & track.present[:, None])


def test_the_order_of_detections_does_not_matter():
    order = np.random.default_rng(0).random(NUM_FRAMES) > .5
    tracks = track_people(video(order))
    assert len(tracks) == 2
    tracks.sort(key=lambda track: track.keypoints[0, :, 0].mean())
    for p, track in enumerate(tracks):
        is_person(track, p)
        assert track.frame[0] == 0 and track.frame[-1] == (23, 21)[p]
        np.testing.assert_array_equal(track.present, THERE[track.frame, p])
    assert tracks[0].time[3] == pytest.approx(.1)


def test_identities_of_the_file_are_kept():
    names = [[7, 3]] * NUM_FRAMES
    tracks = track_people(video(persons=names))
    assert [track.person for track in tracks] == ['7', '3']
    is_person(tracks[0], 0)
    is_person(tracks[1], 1)


def test_people_who_cross_are_not_exchanged():
    number, rng = 80, np.random.default_rng(0)
    shape = rng.uniform(-1, 1, (2, 17, 2)) * (40, 120)
    place = np.array([[[[100., 300]], [[740., 310]]]]) + np.arange(number)[:, None, None, None] * np.array(
        [[[[8., 0]], [[-8., 0]]]])
    keypoints = place + shape + rng.normal(0, 1, (number, 2, 17, 2))
    every = np.ones((number, 2, 17), bool)
    tracks = track_people(video(rng.random(number) > .5, every, np.ones((number, 2), bool), keypoints))
    assert len(tracks) == 2 and all(len(track) == number for track in tracks)
    first = 0 if tracks[0].keypoints[0, :, 0].mean() < 400 else 1
    is_person(tracks[0], first, keypoints, every)
    is_person(tracks[1], 1 - first, keypoints, every)


def test_a_detector_that_jumps_to_somebody_else_does_not_take_the_track_with_it():
    """One identity in the file, as MediaPipe gives it: the second person in frames 10 to 14, then the first again."""
    there = np.zeros((NUM_FRAMES, 2), bool)
    there[:, 0] = True
    there[10:15] = [False, True]
    poses = video(there=there, seen=np.ones_like(SEEN), persons=[[0, 0]] * NUM_FRAMES)
    first, second = track_people(poses)
    assert (first.person, second.person) == ('0', '0#2')
    is_person(first, 0, seen=np.ones_like(SEEN))
    assert first.frame.tolist() == list(range(24)) and np.flatnonzero(~first.present).tolist() == list(range(10, 15))
    assert second.frame.tolist() == list(range(10, 15))
    no_ids = track_people(video(there=there, seen=np.ones_like(SEEN)))
    assert [len(track) for track in no_ids] == [24, 5]


def test_who_is_away_for_long_is_somebody_new():
    there = np.ones((NUM_FRAMES, 2), bool)
    there[5:12, 1] = False
    assert len(track_people(video(there=there))) == 2
    short = track_people(video(there=there), max_absence=.1)
    assert [len(track) for track in short] == [24, 5, 12]
    with pytest.warns(UserWarning, match='v: 1 of 3 people are seen in fewer than 6 frames and left out') as told:
        assert len(track_people(video(there=there), max_absence=.1, min_frames=6)) == 2
    assert len(told) == 1


@pytest.mark.parametrize('frames', [1, 2, 3])
def test_a_recording_as_short_as_a_picture_has_people(frames, recwarn):
    assert [len(track) for track in track_people(video(keypoints=K[:frames]))] == [frames, frames]
    assert not recwarn.list


def test_people_of_pictures_far_apart_are_not_left_out_silently():
    collector = Collector('results.json', 'coco')
    for n in range(5):
        collector.add(100_000 * n, K[n, 0])
    poses = collector.finish()
    with pytest.warns(UserWarning, match=r'5 of 5 people .* pass tracking=dict\(min_frames=1\)'):
        assert track_people(poses) == []
    assert len(track_people(poses, min_frames=1)) == 5


def test_short_holes_are_filled_and_marked_long_ones_stay():
    seen = np.ones_like(SEEN)
    seen[3:6, 0, 4] = False    # 3 frames
    seen[8:18, 0, 5] = False   # 10 frames
    seen[:4, 0, 6] = False     # before it was ever seen
    seen[20:, 0, 7] = False    # never again
    there = np.ones_like(THERE)
    there[14:16, 0] = False    # the whole person
    track = track_people(video(seen=seen, there=there), max_hole=.1)[0]
    assert np.flatnonzero(track.filled[:, 4]).tolist() == [3, 4, 5, 14, 15] and track.filled[14:16, 0].all()
    for joint, holes in ((5, range(8, 18)), (6, range(4)), (7, range(20, 24))):
        assert not track.detected[list(holes), joint].any() and not track.filled[list(holes), joint].any()
        assert (track.confidence[list(holes), joint] == 0).all()
    expected = (3 * track.keypoints[2, 4] + track.keypoints[6, 4]) / 4
    np.testing.assert_allclose(track.keypoints[3, 4], expected, atol=1e-3)
    assert track.confidence[4, 4] == pytest.approx(.5 * min(S[2, 0, 4], S[6, 0, 4]), abs=1e-5)
    np.testing.assert_array_equal(track.keypoints[8:18, 5], np.tile(track.keypoints[7, 5], (10, 1)))  # held
    np.testing.assert_array_equal(track.keypoints[:4, 6], np.tile(track.keypoints[4, 6], (4, 1)))
    assert np.flatnonzero(track.filled_frames).tolist() == [3, 4, 5, 14, 15]
    none = track_people(video(seen=seen, there=there), max_hole=0)[0]
    assert not none.filled.any() and not none.detected[14].any() and np.isfinite(none.keypoints).all()


def test_conversion_keeps_the_marks():
    seen = np.ones_like(SEEN)
    seen[3, 0, 11] = False
    track = track_people(video(seen=seen))[0].convert('h36m17')
    assert np.argwhere(track.filled[:5]).tolist() == [[3, 0], [3, 4], [3, 7]] and track.detected[3].all()
    assert track.skeleton == 'h36m17' and track.convert('h36m17') is track


def test_choice_of_one_person():
    tracks = track_people(video())
    assert choose_person(tracks).present.sum() == 23
    grown = K.copy()
    grown[:, 1] = grown[:, 1].mean(1, keepdims=True) + 1.5 * (grown[:, 1] - grown[:, 1].mean(1, keepdims=True))
    assert choose_person(track_people(video(keypoints=grown)), 'largest').present.sum() == 19
    for wrong, message in (((tracks, 'best'), "rule='best'"), (([],), 'nobody')):
        with pytest.raises(ValueError, match=message):
            choose_person(*wrong)


def test_nobody_and_wrong_options():
    assert track_people(collect_frames([None, []])) == []
    with pytest.raises(ValueError, match='max_hole=-1'):
        track_people(video(), max_hole=-1)


def test_overlap_and_holes_by_hand():
    a, b = np.array([[0., 0, 2, 2]]), np.array([[1., 1, 3, 3], [0, 0, 2, 2], [5, 5, 6, 6], [0, 0, 0, 0]])
    np.testing.assert_allclose(box_overlap(a, b), [[1 / 7, 1, 0, 0]])
    points, sure = np.zeros((5, 1, 2)), np.array([[.4], [0], [0], [.8], [0]])
    points[[0, 3]] = [[[0, 0]], [[3, 6]]]
    filled = fill_holes(points, sure, sure > 0, 2)
    assert points[:, 0].tolist() == [[0, 0], [1, 2], [2, 4], [3, 6], [3, 6]]
    assert filled[:, 0].tolist() == [0, 1, 1, 0, 0]
    np.testing.assert_allclose(sure[:, 0], [.4, .2, .2, .8, 0])


def test_a_long_video():
    many = np.tile(K[:1], (1500, 1, 1, 1)) + np.arange(1500)[:, None, None, None] % 7
    tracks = track_people(video(None, np.ones((1500, 2, 17), bool), np.ones((1500, 2), bool), many))
    assert [len(track) for track in tracks] == [1500, 1500]
