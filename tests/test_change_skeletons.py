"""A config of one's own names its joints once."""
import re

import pytest
from mmengine.config import Config
from toy import CONFIGS

from psp_plugin.configs import change_skeletons, find_dicts
from psp_plugin.errors import InputError
from psp_plugin.skeletons import get_pyramid

TABLE = dict(parts=[[0, 1], [2, 3], [4]], bodies=[[0], [1], [2]], center=0,
             zaxis=[0, 1], xaxis=[3, 2], mirror=[[2, 3]])
CONFIG = """\
_base_ = {base!r}
from psp_plugin.configs import change_skeletons

layout = {layout!r}
change_skeletons(_base_, layout, {settings})
"""


def child(folder, base, layout=TABLE, settings=''):
    path = folder / 'mine.py'
    path.write_text(CONFIG.format(base=str(CONFIGS / base), layout=layout,
                                  settings=settings))
    return Config.fromfile(str(path))


def found(cfg, kind):
    return [part for _, part in find_dicts(cfg) if part.get('type') == kind]


@pytest.mark.parametrize('layout, joints', [(TABLE, 5), ('nwucla', 20)])
def test_every_place_has_the_layout(tmp_path, layout, joints):
    cfg = child(tmp_path, 'methods/fixmatch_ntu60_xsub_5p.py', layout,
                "num_person=1, main='first'")
    transforms = found(cfg, 'NormalizeSkeleton3D')
    assert len(transforms) > 3
    for transform in transforms:
        assert transform == dict(type='NormalizeSkeleton3D', layout=layout,
                                 main='first')
    for kind, key, value in (('FormatGCNInput', 'num_person', 1),
                             ('RandomFlipPose', 'layout', layout),
                             ('DSTANet', 'num_joints', joints)):
        parts = found(cfg, kind)
        assert parts and all(part[key] == value for part in parts), kind


def test_the_neck_has_the_layout(tmp_path):
    model = child(tmp_path, 'psp_ntu60_xsub_5p.py').model
    assert model.neck.layout == TABLE and model.backbone.num_joints == 5
    model = child(tmp_path, 'pretrain/hacm_ntu60_xsub.py', 'nwucla').model
    assert [place for place, part in find_dicts(model)
            if part.get('layout') == 'nwucla'] == ['backbone']


def test_the_example_of_the_page(tmp_path):
    page = (CONFIGS.parent / 'docs/guides/encoders.md').read_text('utf-8')
    text = re.search(r'```python\n# configs/mine\.py\n(.*?)```', page,
                     re.DOTALL)[1]
    (tmp_path / 'mine.py').write_text(text.replace(
        "'psp_", f"'{CONFIGS.as_posix()}/psp_"))
    cfg = Config.fromfile(str(tmp_path / 'mine.py'))
    pyramid = get_pyramid(cfg.model.neck.layout)
    assert pyramid.num_joints == cfg.model.backbone.num_joints == 7
    assert pyramid.name_of(pyramid.xaxis[0]) == '4 (right shoulder)'


def test_other_settings_stay(tmp_path):
    before = Config.fromfile(str(CONFIGS / 'psp_ntu60_xsub_5p.py'))
    after = child(tmp_path, 'psp_ntu60_xsub_5p.py', 'nwucla')
    assert before.train_pipeline[1:] == after.train_pipeline[1:]
    assert before.train_dataloader.dataset.times == (
        after.train_dataloader.dataset.times)
    assert before.model.cls_head == after.model.cls_head


def test_image_size_of_2d(tmp_path):
    cfg = child(tmp_path, 'psp_ntu60_2d_xsub_5p.py', settings='img_shape=(1, '
                '1)')
    assert all(part.img_shape == (1, 1)
               for part in found(cfg, 'PreNormalize2D'))


@pytest.mark.parametrize('base, layout, settings, sentence', [
    ('psp_ntu60_xsub_5p.py', 'mine', {}, "unknown skeleton layout 'mine'"),
    ('psp_ntu60_xsub_5p.py', dict(TABLE, center=5), {},
     "layout 'custom': center uses joint 5"),
    ('psp_ntu60_xsub_5p.py', TABLE, dict(num_person=0),
     'num_person=0 must be an integer of at least 1'),
    ('psp_ntu60_xsub_5p.py', TABLE, dict(img_shape=(1, 1)),
     'img_shape=(1, 1): the inherited config has no PreNormalize2D to change'),
    ('psp_ntu60_2d_xsub_5p.py', TABLE, dict(main='first'),
     "main='first': the inherited config has no NormalizeSkeleton3D"),
    ('_base_/datasets/ntu60_3d.py', TABLE, {},
     'the inherited config has no num_joints or layout in its model'),
    ('mix/ppa_stgcn_ntu60_xsub_5p.py', TABLE, {},
     'set graph_cfg.layout in the config'),
])
def test_problems(base, layout, settings, sentence):
    cfg = Config.fromfile(str(CONFIGS / base))._cfg_dict
    with pytest.raises(InputError) as error:
        change_skeletons(cfg, layout, **settings)
    assert sentence in str(error.value)
