# A3 of the paper, with PPA, which is PSP Learning itself.
# NTU RGB+D, cross-subject, 5% labels.
_base_ = '../psp_ntu60_xsub_5p.py'
