"""Video files: frames, durations and errors."""
import cv2
import numpy as np
import pytest
from PIL import Image

from psp_plugin.datasets.synthetic import make_clip
from psp_plugin.skeletons import get_pyramid
from psp_plugin.tooling.visualization import draw_frames, write_skeleton_video

NTU = get_pyramid('nturgb+d')
# One person of four joints in pixels, (M, T, V, C).
SQUARE = np.array([[[[10., 10.], [110., 10.], [110., 110.], [10., 110.]]]])


@pytest.fixture(scope='module')
def clip():
    """A person of 25 joints."""
    return make_clip(2, split='val')['keypoint']


def test_gif_has_frames_and_time(tmp_path, clip):
    path = tmp_path / 'new/folder/punch.gif'
    write_skeleton_video(path, clip[:, :12], NTU.bones, np.linspace(0, 1, 25),
                         title='punch (0.94)', fps=20)
    pictures = list(draw_frames(clip[:, :12], NTU.bones,
                                np.linspace(0, 1, 25), 'punch (0.94)'))
    with Image.open(path) as image:
        assert image.n_frames == 12
        for index, picture in enumerate(pictures):
            image.seek(index)
            assert image.info['duration'] == 50
            shown = np.asarray(image.convert('RGB'), int)
            # The palette stays close to the drawn colours.
            assert np.abs(shown - picture).mean() < 1


def test_mp4_has_frames_and_time(tmp_path, clip):
    path = tmp_path / 'punch.mp4'
    write_skeleton_video(str(path), clip[:, :12], NTU.bones, fps=30)
    pictures = list(draw_frames(clip[:, :12], NTU.bones))
    video = cv2.VideoCapture(str(path))
    assert video.get(cv2.CAP_PROP_FPS) == 30
    for picture in pictures:
        read, frame = video.read()
        assert read and frame.shape == picture.shape
        # MP4 is lossy, but neither upside down nor with red for blue.
        assert np.abs(frame[..., ::-1].astype(int) - picture).mean() < 4
    assert not video.read()[0]


@pytest.mark.parametrize('change, message', [
    (dict(path='x.avi'), 'x.avi is neither .gif nor .mp4'),
    (dict(keypoint=np.ones((3, 4, 2))), r'not \(3, 4, 2\)'),
    (dict(keypoint=np.ones((1, 3, 4, 4))), r'not \(1, 3, 4, 4\)'),
    (dict(keypoint=np.zeros((1, 3, 4, 3))), 'no joint to draw'),
    (dict(bones=[(0, 4)]), 'bones name joints 0 to 4, .* joints 0 to 3'),
    (dict(importance=np.ones(5)), r'shape \(4,\), one per joint, not \(5,\)'),
    (dict(up='x'), "one of y, -y, z, not 'x'"),
    (dict(fps=0), 'fps must be positive, not 0'),
])
def test_invalid_arguments_raise_before_writing(tmp_path, change, message):
    arguments = dict(path='x.gif', keypoint=SQUARE, bones=[(0, 1)])
    arguments.update(change)
    arguments['path'] = tmp_path / 'folder' / arguments['path']
    with pytest.raises(ValueError, match=message):
        write_skeleton_video(**arguments)
    assert not (tmp_path / 'folder').exists()


@pytest.mark.parametrize('suffix', ['gif', 'mp4'])
def test_a_file_that_cannot_be_written_raises(tmp_path, suffix):
    (tmp_path / f'x.{suffix}').mkdir()
    with pytest.raises(OSError, match=f'x.{suffix}'):
        write_skeleton_video(tmp_path / f'x.{suffix}', SQUARE, [])
