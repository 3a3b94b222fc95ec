_base_ = '../_base_/methods/nwucla_xview_5p_small.py'

model = dict(methods=[dict(type='MeanTeacher')])
