# S4L with 5% of the labels, NW-UCLA.
_base_ = '../_base_/methods/nwucla_xview_5p.py'

# Half turns: the weak view is rotated by up to 60 degrees as it is.
model = dict(methods=[dict(type='S4L', num_turns=2)])
