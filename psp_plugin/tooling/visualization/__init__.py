from .attention_figure import draw_attention
from .attention_maps import (
    ClipAttention,
    clip_attention,
    clip_importance,
    contrasted_levels,
    joint_importance,
    mean_attention,
)
from .classified import Classified, classify_batch, scores_of
from .embedding import (
    check_embedding,
    default_perplexity,
    draw_features,
    embed,
)
from .encoder_attention import (
    EncoderAttention,
    encoder_attention,
    has_attention,
)
from .encoder_figure import draw_encoder_attention
from .features import (
    batch_features,
    check_level,
    choose_clips,
    clip_features,
    find_classes,
)
from .frames import draw_frames
from .masking import ClipMasking, clip_masking
from .masking_video import write_masking
from .skeleton_video import save_figure, write_skeleton_video

__all__ = [
    'Classified', 'ClipAttention', 'ClipMasking', 'EncoderAttention',
    'batch_features', 'check_embedding', 'check_level', 'choose_clips',
    'classify_batch', 'clip_attention', 'clip_features', 'clip_importance',
    'clip_masking', 'contrasted_levels', 'default_perplexity',
    'draw_attention', 'draw_encoder_attention', 'draw_features', 'draw_frames',
    'embed', 'encoder_attention', 'find_classes', 'has_attention',
    'joint_importance', 'mean_attention', 'save_figure', 'scores_of',
    'write_masking', 'write_skeleton_video'
]
