"""The page is opened and used in a browser: what is clicked, dragged and touched, and what is seen of it."""
from dataclasses import replace

import cv2
import numpy as np
import pytest
from helpers.browser import Browser, find_browser
from helpers.page_motions import film, turning_hand, walking

from mmegopose.motion import Motion
from mmegopose.visualization.page import write_page

pytestmark = pytest.mark.skipif(find_browser() is None, reason='no Chromium on this machine')
BLUE, CORAL = (98, 168, 255), (255, 138, 101)


@pytest.fixture(scope='module')
def browser(tmp_path_factory):
    with Browser(tmp_path_factory.mktemp('profile')) as browser:
        yield browser


@pytest.fixture(autouse=True)
def quiet_console(browser):
    browser.problems.clear()
    yield
    assert browser.problems == []


def holed():
    """Ten seconds; no pose from 4 to 6 s, filled in from 8 to 9 s."""
    motion = walking(300)
    valid = np.ones((300, 17), bool)
    valid[120:180] = False
    return replace(motion, valid=valid, filled=(motion.time >= 8) & (motion.time < 9))


def pixels(browser):
    return cv2.imdecode(np.frombuffer(browser.screenshot(), np.uint8), cv2.IMREAD_COLOR)[..., ::-1].astype(int)


def like(image, colour):
    """How many pixels have a hue like a colour's: of the same order of red, green and blue, and as far apart."""
    image = image - image.mean(-1, keepdims=True)
    colour = np.array(colour) - np.mean(colour)
    cosine = (image @ colour) / np.maximum(np.linalg.norm(image, axis=-1), 1e-9) / np.linalg.norm(colour)
    return int(((cosine > 0.97) & (np.linalg.norm(image, axis=-1) > 40)).sum())


def stage(browser):
    """The pixels of the 3D view, right of the words."""
    return pixels(browser)[:560, 340:1270]


def text(browser, name):
    """The words of an element that can be seen."""
    return browser.run(f'(e => e.checkVisibility() ? e.innerText : "")(document.getElementById("{name}"))')


def test_play_scrub_turn_and_holes(browser, tmp_path):
    page = tmp_path / 'p.html'
    write_page(holed(), page, truth=walking(300, start=0.2), title='walk')
    browser.open(page)
    assert text(browser, 'title') == 'walk' and 'mean error 20.0 cm' in text(browser, 'subtitle')
    first = stage(browser)
    assert like(first, BLUE) > 1000
    browser.click('#play')
    browser.wait('viewer.state.time > 0.5')
    browser.press(' ')
    assert not browser.run('viewer.state.playing')
    time = browser.run('viewer.state.time')
    assert np.abs(stage(browser) - first).sum() > 1e5
    browser.press('ArrowRight')
    assert 0 < browser.run('viewer.state.time') - time < 0.034
    browser.press('ArrowLeft')
    assert browser.run('viewer.state.time') == pytest.approx(np.floor(time * 30 + 1e-4) / 30, abs=0.034)

    browser.click('#timeline', (0.5, 0.3))                        # the error curve: into the hole
    assert 4 < browser.run('viewer.state.time') < 6
    assert text(browser, 'notice') == 'no pose' and 'no pose' in text(browser, 'people')
    browser.click('#track')                                       # it is blue, too
    browser.run('viewer.set("truth", "off")')
    browser.drawn()
    assert like(stage(browser), BLUE) == 0
    browser.run('viewer.seek(8.5)')
    browser.drawn()
    assert text(browser, 'notice') == '' and 'filled in' in text(browser, 'people')
    browser.run('viewer.seek(2)')
    browser.drawn()
    whole = like(stage(browser), BLUE)
    assert '20.0 cm' in text(browser, 'people')

    before = stage(browser)
    browser.drag((600, 300), (660, 300), (760, 330))
    assert browser.run('viewer.scene.view.yaw') != pytest.approx(browser.run('viewer.scene.view.start.yaw'), abs=0.1)
    assert np.abs(stage(browser) - before).sum() > 1e5
    browser.wheel(600, 300, 400)
    assert like(stage(browser), BLUE) < 0.8 * whole
    browser.press('r')
    np.testing.assert_array_equal(stage(browser), before)
    browser.press('g')
    assert browser.run('viewer.state.ghosts') and np.abs(stage(browser) - before).sum() > 3e4
    browser.click('#people button')
    assert like(stage(browser), BLUE) == 0


def test_the_time_line_marks_holes(browser, tmp_path):
    write_page(holed(), tmp_path / 'p.html')
    browser.open(tmp_path / 'p.html')
    top, height = browser.run('(r => [r.top, r.height])(document.getElementById("timeline").getBoundingClientRect())')
    line = pixels(browser)[int(top):int(top + height), 20:-20]
    width = line.shape[1]

    def share(begin, end, colour):
        part = line[2:14, int(width * begin / 9.97):int(width * end / 9.97)]
        return like(part, colour) / part[..., 0].size

    assert share(0.5, 3.8, BLUE) > 0.4 and share(4.2, 5.8, BLUE) == 0
    assert share(4.2, 5.8, (255, 180, 84)) > 0.05 > share(0.5, 3.8, (255, 180, 84))
    darker = line[2:14, int(width * 0.82):int(width * 0.88)].max() + 40
    assert darker < line[2:14, int(width * 0.05):int(width * 0.38)].max()  # where it is filled in


def test_two_people_and_the_truth_beside(browser, tmp_path):
    two = [walking(60), replace(walking(90, start=1.0, fps=45), person='Ben')]
    write_page(two, tmp_path / 'p.html', truth=[walking(60), None])
    browser.open(tmp_path / 'p.html')
    assert like(stage(browser), BLUE) > 300 and like(stage(browser), CORAL) > 300
    assert browser.run('[...document.querySelectorAll("#people b")].map(b => b.textContent)') == ['Ana', 'Ben', 'truth']
    browser.click('#people li:nth-child(2) button')
    assert like(stage(browser), CORAL) == 0 < like(stage(browser), BLUE)
    over = stage(browser)
    browser.press('c')
    assert browser.run('viewer.state.truth') == 'beside' and np.abs(stage(browser) - over).sum() > 1e5
    browser.run('viewer.seek(viewer.end)')
    browser.drawn()
    assert browser.run('viewer.people.map(p => p.row(viewer.state.time))') == [59, 89]


def test_a_mesh_and_a_camera(browser, tmp_path):
    write_page(turning_hand(), tmp_path / 'p.html')
    browser.open(tmp_path / 'p.html')
    with_mesh = like(stage(browser), BLUE)
    browser.press('m')
    assert like(stage(browser), BLUE) < 0.5 * with_mesh
    browser.press('s')
    assert like(stage(browser), BLUE) == 0 and text(browser, 'track') == 'Camera'


def test_pictures_are_those_of_the_time(browser, tmp_path):
    keypoints = np.tile(np.linspace(20, 100, 17)[:, None], (60, 1, 2))
    motion = replace(walking(60), keypoints=keypoints, image_size=(160, 120))
    write_page(motion, tmp_path / 'p.html', pictures=film(60))
    browser.open(tmp_path / 'p.html')
    browser.run('viewer.seek(1.0)')
    browser.drawn()
    browser.wait('viewer.picture.shown.ready')
    assert browser.run('viewer.picture.shown.time') == pytest.approx(1.0, abs=1 / 15)
    assert 'video at 15 frames/s' in text(browser, 'caption')
    left, top, width, height = map(int, browser.run(
        '(r => [r.left, r.top, r.width, r.height])(document.getElementById("image").getBoundingClientRect())'))
    assert like(pixels(browser)[top:top + height, left:left + width], BLUE) > 100


def test_words_of_a_file_do_nothing(browser, tmp_path):
    evil = '<img src=x onerror="window.caught=1"></script><script>window.caught=1</script>'
    write_page(replace(walking(3), person=evil, provenance={evil: evil}), tmp_path / 'p.html', title=evil, notes=[evil])
    browser.open(tmp_path / 'p.html')
    browser.press('i')
    assert evil in text(browser, 'facts') and text(browser, 'title') == evil == browser.run('document.title')
    assert browser.run('window.caught') is None and browser.run('document.images.length') == 0


def test_one_frame_has_nothing_to_play(browser, tmp_path):
    write_page(walking(1), tmp_path / 'p.html')
    browser.open(tmp_path / 'p.html')
    assert like(stage(browser), BLUE) > 1000 and browser.run('document.getElementById("play").hidden')


def test_a_phone(browser, tmp_path):
    write_page(walking(60), tmp_path / 'p.html', truth=walking(60))
    browser.open(tmp_path / 'p.html', (390, 844), mobile=True)
    assert browser.run('document.documentElement.scrollWidth') == 390
    yaw = browser.run('viewer.scene.view.yaw')
    browser.touch([(200, 300)], [(240, 300)], [(280, 310)])
    assert browser.run('viewer.scene.view.yaw') < yaw - 0.2
    distance = browser.run('viewer.scene.view.distance')
    browser.touch([(150, 300), (250, 300)], [(100, 300), (300, 300)])
    assert browser.run('viewer.scene.view.distance') < 0.8 * distance


def test_many_people_and_a_long_time(browser, tmp_path):
    write_page([replace(walking(90, start=k % 8), person=f'p{k}') for k in range(40)], tmp_path / 'many.html')
    browser.open(tmp_path / 'many.html')
    assert browser.run('document.getElementById("bar").clientHeight') < 220
    joints = np.full((36_000, 17, 3), np.nan)
    joints[10:20] = walking(10).joints
    write_page(Motion(1.7e9 + np.arange(36_000) / 30, joints, 'coco17'), tmp_path / 'long.html')
    browser.open(tmp_path / 'long.html', address='#t=0.5')
    assert text(browser, 'clock').startswith('0.50 s') and like(stage(browser), BLUE) > 500
