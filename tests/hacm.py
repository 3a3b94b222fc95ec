"""HA-CM with the released tensor layouts, built from the project's modules.

The released implementation mixes up the order of tokens. It is reproduced
here, not in the package, only to compare the modules with its values. `jm` is
joint-major, index v R + t of a group, `tm` time-major, index t V + v.
"""
import torch
from mmaction.registry import MODELS

from psp_plugin.models.hyperbolic import exponential_map
from psp_plugin.models.losses import cross_contrast
from psp_plugin.models.tokens import gather_tokens

# Prefix of a released weight's name -> prefix of ours.
NAMES = {
    'joints_embed.proj.': 'backbone.patch_embed.conv.',
    'pos_embed': 'backbone.patch_embed.joint_code',
    'temp_embed': 'backbone.patch_embed.time_code',
    'blocks.': 'backbone.blocks.',
    'norm.': 'backbone.norm.',
    'l1.': 'masking.query.',
    'l2.': 'masking.key.',
    'decoder_embed.': 'decoder.embed.',
    'decoder_blocks.': 'decoder.blocks.',
    'decoder_norm.': 'decoder.norm.',
    'decoder_pred.': 'decoder.predict.',
    'decoder_pos_embed': 'decoder.joint_code',
    'decoder_temp_embed': 'decoder.time_code',
    'mask_token_t': 'decoder.mask_token',
}


def our_name(official):
    """Our name of a released weight, None if it is never used there."""
    for theirs, ours in NAMES.items():
        if official.startswith(theirs):
            name = ours + official[len(theirs):]
            return name.replace('.mlp.fc1.', '.mlp.0.').replace(
                '.mlp.fc2.', '.mlp.2.')
    return None


def build(arrays, distance_factor=4., skip=False):
    """Our network at the reference's sizes, with its weights."""
    model = MODELS.build(dict(
        type='HACMPretrainer',
        backbone=dict(type='SkeletonTransformer', layout='nturgb+d',
                      num_frames=24, embed_dims=32, depth=2, num_heads=4,
                      mlp_ratio=2),
        masking=dict(type='CrossMasking', embed_dims=32,
                     distance_factor=distance_factor),
        decoder=dict(type='MaskedMotionDecoder', embed_dims=32, depth=2,
                     num_heads=4, mlp_ratio=2),
        loss_cc=dict(type='CrossContrastLoss'),
        skip_absent_persons=skip))
    state = {our_name(key[len('state/'):]): value
             for key, value in arrays.items() if key.startswith('state/')}
    state.pop(None)
    model.load_state_dict(state)
    return model


def inputs(arrays):
    """The reference's clips as (N, num_clips, M, T, V, C)."""
    return arrays['input/x'].permute(0, 4, 2, 3, 1)[:, None]


def noise(arrays):
    return arrays['noise/u_temporal'], arrays['noise/u_spatial']


def even_then_odd(x):
    """Even rows, then odd ones."""
    return torch.cat((x[:, 0::2], x[:, 1::2]), 1)


def released(model, arrays):
    """All values of the released computation, by the reference's names.

    Its errors: spatial scores are jm, but the tokens tm; the indices of the
    two groups do not match the tokens that are scattered.
    """
    out, encoder, masking = {}, model.backbone, model.masking
    clips = model.sequences(inputs(arrays))
    tokens = encoder.tokenize(clips)
    out['input/joints_kept'] = tokens.clips
    out['input/joints_inner'] = clips[:, :, list(encoder.root_joints)]
    out['embed/patch'] = encoder.patch_embed.patches(tokens.clips)
    out['embed/inner_patch'] = encoder.patch_embed.patches(
        out['input/joints_inner'])
    out['embed/tokens_euclid'] = euclid = tokens.euclid
    out['embed/tokens_hyper'] = hyper = exponential_map(euclid)
    out['embed/father'] = tokens.root

    temporal, spatial = masking.scores(tokens)
    scores = dict(temporal=temporal.transpose(1, 2).flatten(1),
                  spatial=spatial.transpose(1, 2).flatten(1))
    offered = dict(temporal=hyper[:, 0::2].transpose(1, 2).flatten(1, 2),
                   spatial=hyper[:, 1::2].flatten(1, 2))
    kept, restore, masks = [], [], []
    for name, u in zip(('temporal', 'spatial'), noise(arrays)):
        keys = masking.sample.keys(scores[name], u)
        order = keys.argsort(1, descending=True)
        rank = order.argsort(1)
        count = masking.sample.count(order.size(1))
        mask = (rank >= count).float()
        chosen = gather_tokens(offered[name], order[:, :count])
        out.update({
            f'{name}/score': scores[name], f'{name}/tokens': offered[name],
            f'{name}/gumbel_key': keys, f'{name}/ids_shuffle': order,
            f'{name}/ids_restore': rank, f'{name}/mask': mask,
            f'{name}/kept_tokens': chosen})
        kept.append(chosen)
        restore.append(rank)
        masks.append(mask)
    size = restore[0].size(1)

    x = torch.cat(kept, 1)
    out['encoder/input'] = x
    for block in encoder.blocks:
        x = block(x)
    latent = out['encoder/latent'] = encoder.norm(x)
    restored = torch.cat((restore[0], restore[1] + size), 1)
    mask = torch.cat(masks, 1)
    out['decoder/ids_restore'], out['decoder/mask'] = restored, mask

    decoder = model.decoder
    seen = decoder.embed(latent)
    tail = decoder.mask_token.expand(
        len(seen), 2 * size - seen.size(1), -1)
    x = gather_tokens(torch.cat((seen, tail), 1), restored)
    x = x + (decoder.joint_code + decoder.time_code).flatten(1, 2)
    out['decoder/input'] = x
    for block in decoder.blocks:
        x = block(x)
    out['decoder/normed'] = decoder.norm(x)
    prediction = out['decoder/pred'] = decoder.predict(out['decoder/normed'])

    motion = tokens.clips.diff(dim=1, append=tokens.clips[:, -1:])
    out['target/motion'] = motion
    joints = tokens.clips.size(2)
    plain, normal = (even_then_odd(loss.target(
        tokens.clips, 2 * size).unflatten(1, (-1, joints))).flatten(1, 2)
        for loss in (MODELS.build(dict(type='MaskedMotionLoss',
                                       normalize=False)), model.loss_rec))
    out['target/hyper'], out['target/normalised'] = plain, normal
    error = (prediction - normal).square().mean(2)
    out['loss/per_token'] = error
    out['loss/reconstruction'] = (error * mask).sum() / mask.sum()

    count = latent.size(1) // 2
    means = dict(temporal=latent[:, :count].mean(1),
                 spatial=latent[:, count:].mean(1))
    means['global'] = latent.mean(1)
    out.update({f'contrast/mean_{k}': v for k, v in means.items()})
    terms = []
    for a, b in (('spatial', 'global'), ('temporal', 'global'),
                 ('temporal', 'spatial')):
        out[f'contrast/prob_{a}_vs_{b}'] = (means[a] @ means[b].t()).softmax(1)
        terms.append(cross_contrast(means[a], means[b]))
        out[f'loss/contrast_{a}_vs_{b}'] = terms[-1]
    out['loss/contrast'] = sum(terms)
    out['loss/total'] = out['loss/reconstruction'] + sum(terms)
    return out
