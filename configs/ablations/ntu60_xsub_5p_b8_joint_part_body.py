# B8 of the paper, all three levels, which is A3.
# NTU RGB+D, cross-subject, 5% labels.
_base_ = 'ntu60_xsub_5p_a3_with_ppa.py'
