# B1 of the paper, without contrast, which is A1.
# NTU RGB+D, cross-subject, 5% labels.
_base_ = 'ntu60_xsub_5p_a1_supervised.py'
