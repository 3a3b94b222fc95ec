"""Published accuracies of the paper, in percent.

Source: arXiv 2302.02327, tables 2, 3 and 4. Figure 7 has no numbers: A1 and A2
follow from the differences in section 4.5.1 (10.1 and 4.7 on NW-UCLA, 0.7 on
NTU RGB+D), and A1 on NTU RGB+D is B1 of table 4.
"""
from typing import Dict, Optional

_TABLES = {  # label fraction in percent: accuracy
    'psp_ntu60_xsub': {5: 72.2, 10: 78.1, 20: 82.6, 40: 85.4},
    'psp_ntu60_xview': {5: 76.3, 10: 82.1, 20: 86.9, 40: 90.8},
    'psp_nwucla_xview': {5: 69.2, 15: 77.8, 30: 80.6, 40: 83.6},
}
_ABLATIONS = {
    'ntu60_xsub_5p': dict(
        a1_supervised=68.8, a2_without_ppa=71.5, a3_with_ppa=72.2,
        b1_no_contrast=68.8, b2_joint=70.8, b3_part=70.6, b4_body=70.9,
        b5_joint_part=71.3, b6_joint_body=71.2, b7_part_body=71.4,
        b8_joint_part_body=72.2),
    'nwucla_xview_5p': dict(
        a1_supervised=59.1, a2_without_ppa=64.5, a3_with_ppa=69.2,
        b1_no_contrast=59.1, b8_joint_part_body=69.2),
}
PAPER: Dict[str, float] = {
    **{f'{data}_{percent}p': accuracy for data, table in _TABLES.items()
       for percent, accuracy in table.items()},
    **{f'ablations/{data}_{baseline}': accuracy
       for data, table in _ABLATIONS.items()
       for baseline, accuracy in table.items()},
    'official/psp_ntu60_xsub_10p': 78.1,
}


def paper_accuracy(name: str) -> Optional[float]:
    """Returns the accuracy that the paper reports for a shipped config.

    Args:
        name (str): Name of a config, see :func:`plan.config_name`.

    Returns:
        float: Top-1 in percent; None if the paper does not report it.
    """
    return PAPER.get(name)
