"""The sections of a report with clips that play."""
from .content import Content
from .markup import paragraph


def confusion(content: Content) -> str:
    """The place of the matrix, and the clips of a cell."""
    return paragraph(
        'Rows are the true classes, columns the predicted ones; the colour is '
        'the share of the row. Choose a cell, in the matrix or by the two '
        'lists, to see its clips.') + clips_note(content) + (
        '<div class="matrix" id="matrix"><div class="plot" id="plot-matrix" '
        'role="group" aria-label="Confusion matrix"></div><div>'
        '<div class="choice">'
        '<label>True class <select id="true"></select></label>'
        '<label>Predicted class <select id="predicted"></select></label>'
        '<p id="cell" role="status"></p></div>'
        '<div class="split"><ul class="clips" id="cell-clips"></ul>'
        + viewer('matrix', content) + '</div></div></div>')


def clips_note(content: Content) -> str:
    """How many of the tested clips the page plays."""
    tested = content.tested
    lines = []
    if len(tested.kept) < tested.total:
        wrong = ('those classified wrongly come first, the others are drawn '
                 'at random' if content.has_head else 'drawn at random')
        lines.append(
            f'{len(tested.kept)} of the {tested.total} clips can be played '
            f'({wrong}); {tested.total - len(tested.kept)} are not in this '
            'file, but counted in all numbers.')
    return ''.join(map(paragraph, lines))


def viewer(name: str, content: Content) -> str:
    """The place of a player, its caption and the meaning of its colours."""
    return (f'<div class="viewer" id="viewer-{name}">{colors(content)}'
            '<div class="caption">Choose a clip.</div></div>')


def colors(content: Content) -> str:
    """The meaning of the colours of joints."""
    if content.lacks_attention is not None:
        return paragraph('Joints are drawn in one colour: '
                         f'{content.lacks_attention}.', 'small')
    return ('<p class="scale"><span>least attention</span><i></i>'
            '<span>most attention to the joint</span></p>')


def least(content: Content) -> str:
    """The unlabelled clips that are least certain."""
    found = content.unlabeled
    if found is None:
        return paragraph('The config trains without unlabelled clips: it has '
                         'no InterleaveHook.', 'note')
    if not found.total:
        return paragraph('The training has no unlabelled clip that can be '
                         'used.', 'note')
    total, used = content.training.num_unlabeled, found.total
    drawn = (f'the {used} unlabelled training clips'
             if used + len(found.errors) == total else
             f'{used} unlabelled training clips, drawn at random from {total}')
    return paragraph(
        f'Of {drawn}, the '
        f'{len(found.kept)} with the smallest margin: the difference of the '
        'two highest scores. These are candidates to be labelled next. Labels '
        'that the dataset may have for them are not read.') + colors(
            content) + (
        '<div class="cards" id="cards"></div><div class="copy"><label '
        'for="names">Their names, for tools/label.py --clips FILE</label>'
        '<textarea id="names" rows="6" readonly spellcheck="false"></textarea>'
        '<div><button type="button" id="copy">Copy the names</button> '
        '<span id="copied" role="status"></span></div></div>')


def embedding(content: Content) -> str:
    """The place of the embedding and its player."""
    if content.points is None:
        return paragraph(f'There is no embedding: {content.no_points}.',
                         'note')
    wrong = (' Hollow points are classified wrongly.' if content.has_head else
             ' Colours are labels, which the training has not read.')
    return paragraph(
        't-SNE of the encoder features: a point is a test clip, close points '
        f'have similar features, and the axes have no units.{wrong} Choose a '
        'point, or a clip in the list, to play it.') + clips_note(content) + (
        '<div class="split wide"><div class="plot" id="plot-embedding" '
        'role="group" aria-label="Embedding"></div>'
        '<div><label class="one">Clip <select id="point"></select></label>'
        + viewer('embedding', content) + '</div></div>')
