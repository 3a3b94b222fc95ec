"""The sections of a report as HTML: text, tables and places of figures.

Every text that comes from a file goes through :func:`text`.
"""
from html import escape
from typing import Iterable, List, NamedTuple, Sequence

from .content import Content
from .numbers import ClassRow, accuracy_of, class_rows, confusion_of

LISTED = 50  # sentences about clips that are left out
NO_HEAD = ('This run is a pre-training: its model has no classifier, so that '
           'there are no predictions.')


class Section(NamedTuple):
    """A section of a page, in the table of contents."""
    place: str
    title: str
    html: str


def text(value: object) -> str:
    """A value as text of HTML."""
    return escape(str(value))


def paragraph(value: object, kind: str = '') -> str:
    """A paragraph of text."""
    return f'<p class="{kind}">{text(value)}</p>' if kind else (
        f'<p>{text(value)}</p>')


def facts(rows: Iterable[Sequence[object]]) -> str:
    """A list of names and values."""
    return '<dl class="facts">' + ''.join(
        f'<div><dt>{text(name)}</dt><dd>{text(value)}</dd></div>'
        for name, value in rows) + '</dl>'


def sections_of(content: Content) -> List[Section]:
    """Returns the sections of a report, in order.

    Args:
        content (Content): What the report shows.
    """
    return [
        Section('summary', 'Summary', summary(content)),
        Section('curves', 'Curves', curves(content)),
        Section('classes', 'Classes', classes(content)),
        Section('confusion', 'Confusion', confusion(content)),
        Section('least', 'Least certain', least(content)),
        Section('embedding', 'Embedding', embedding(content)),
        Section('origin', 'Config and provenance', origin(content))]


def summary(content: Content) -> str:
    """Accuracies, labels and checkpoint."""
    tested, training = content.tested, content.training
    split = f' of split {content.split}' if content.split else ''
    parts = []
    if content.has_head:
        numbers = accuracy_of(tested)
        shown = [(numbers.top1, 'Top-1', 'share of the clips whose class has '
                  'the highest score'),
                 (numbers.mean_class, 'Mean class accuracy', 'mean over the '
                  'classes of the share of their clips')]
        if numbers.top5 is not None:
            shown.append((numbers.top5, 'Top-5', 'share of the clips whose '
                          'class is among the five highest scores'))
        parts.append('<div class="numbers">' + ''.join(
            f'<div><b>{value:.1%}</b><span>{name}</span><small>{meaning}'
            '</small></div>' for value, name, meaning in shown) + '</div>')
        if is_best(content) and content.chosen_on:
            parts.append(paragraph(
                'This checkpoint was chosen as the best in validation, on '
                f'{content.chosen_on} of the {tested.count} clips that are '
                'tested here. Its accuracy on them is higher than can be '
                'expected on other clips.', 'note'))
    else:
        parts.append(paragraph(NO_HEAD, 'note'))
    labels = (f'{training.labeled} labelled training clips, '
              f'{training.num_unlabeled} unlabelled' if content.has_head else
              f'none; {training.num_unlabeled} training clips without labels')
    parts.append(facts([
        ('Config', content.title),
        ('Tested' if content.has_head else 'Encoded',
         f'{tested.count} clips{split}'),
        ('Labels used', labels),
        ('Checkpoint', f'{content.checkpoint.path.name}, '
         + {'best': 'the best in validation', 'last': 'the last one',
            'given': 'given by --checkpoint'}[content.checkpoint.choice]),
        ('Written', dict(content.provenance['Training'])[
            'Date of the checkpoint'])]))
    return ''.join(parts) + list_of_errors(content)


def is_best(content: Content) -> bool:
    """Whether the checkpoint was chosen by its validation accuracy."""
    return content.checkpoint.path.name.startswith('best_')


def list_of_errors(content: Content) -> str:
    """The clips that are left out, a sentence each."""
    errors = content.tested.errors + (
        content.unlabeled.errors if content.unlabeled else [])
    if not errors:
        return ''
    lines = [f'<li>{text(error)}.</li>' for error in errors[:LISTED]]
    if len(errors) > LISTED:
        lines.append(f'<li>{len(errors) - LISTED} more.</li>')
    return (f'<details><summary>Clips left out: {len(errors)}</summary>'
            f'<ul class="errors">{"".join(lines)}</ul></details>')


def curves(content: Content) -> str:
    """Places of the curves, and notes on them."""
    found = content.curves
    if not found.starts:
        return paragraph('The folder has no log of scalars '
                         '(*/vis_data/scalars.json).', 'note')
    lines = []
    if found.starts > 1:
        lines.append(f'The training was started {found.starts} times; what '
                     'was repeated is drawn once, as the later start logged '
                     'it.')
    lines += found.notes
    plots = [('losses', found.losses, 'Losses'),
             ('rates', found.rates, 'Learning rate'),
             ('scores', found.scores, 'Validation accuracy')]
    return ''.join(map(paragraph, lines)) + '<div class="plots">' + ''.join(
        f'<figure><figcaption>{title}</figcaption>' + (
            f'<div class="plot" id="plot-{name}"></div>' if group else
            paragraph('Nothing was logged.', 'note')) + '</figure>'
        for name, group, title in plots) + '</div>'


def classes(content: Content) -> str:
    """A table of the classes with bars."""
    if not content.has_head:
        return paragraph(NO_HEAD, 'note')
    rows = class_rows(confusion_of(content.tested), content.classes,
                      content.training.per_class)
    return paragraph(
        'Share of the test clips of each class that are recognised, the best '
        'first.') + (
        '<div class="scroll"><table class="classes"><thead><tr>'
        '<th scope="col">Class</th><th scope="col">Accuracy</th>'
        '<th scope="col" class="number">Recognised</th>'
        '<th scope="col" class="number">Labelled training clips</th>'
        '</tr></thead><tbody>') + ''.join(map(class_line, rows)) + (
        '</tbody></table></div>')


def class_line(row: ClassRow) -> str:
    """A row of the table of classes."""
    bar = '<td class="none">no test clips</td>'
    if row.accuracy is not None:
        bar = ('<td class="bar"><svg aria-hidden="true" viewBox="0 0 100 1" '
               'preserveAspectRatio="none"><rect width="100" height="1"/>'
               f'<rect width="{100 * row.accuracy:.4g}" height="1"/></svg>'
               f'<span>{row.accuracy:.0%}</span></td>')
    return (f'<tr><th scope="row">{text(row.name)}</th>{bar}<td class="number"'
            f'>{row.right} of {row.tested}</td><td class="number">'
            f'{row.labeled}</td></tr>')


def confusion(content: Content) -> str:
    """The place of the matrix, and the clips of a cell."""
    if not content.has_head:
        return paragraph(NO_HEAD, 'note')
    return paragraph(
        'Rows are the true classes, columns the predicted ones; the colour is '
        'the share of the row. Choose a cell, in the matrix or by the two '
        'lists, to see its clips.') + clips_note(content) + (
        '<div class="matrix" id="matrix"><div class="plot" id="plot-matrix">'
        '</div><div><div class="choice"><label>True class '
        '<select id="true"></select></label><label>Predicted class <select id="predicted"></select>'
        '</label><p id="cell" role="status"></p></div>'
        '<div class="split"><ul class="clips" id="cell-clips"></ul>'
        + viewer('matrix', content) + '</div></div></div>')


def clips_note(content: Content) -> str:
    """How many of the tested clips the page plays."""
    tested = content.tested
    lines = []
    if len(tested.kept) < tested.count:
        wrong = ('those classified wrongly come first, the others are drawn '
                 'at random' if content.has_head else 'drawn at random')
        lines.append(
            f'{len(tested.kept)} of the {tested.count} clips can be played '
            f'({wrong}); {tested.count - len(tested.kept)} are not in this '
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
    if not content.has_head:
        return paragraph(NO_HEAD, 'note')
    found = content.unlabeled
    if found is None:
        return paragraph('The config trains without unlabelled clips: it has '
                         'no InterleaveHook.', 'note')
    if not found.count:
        return paragraph('The training has no unlabelled clip that can be '
                         'used.', 'note')
    return paragraph(
        f'Of the {found.count} unlabelled training clips, the '
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
        '<div class="split wide"><div class="plot" id="plot-embedding"></div>'
        '<div><label class="one">Clip <select id="point"></select></label>'
        + viewer('embedding', content) + '</div></div>')


def origin(content: Content) -> str:
    """Provenance and the text of the config."""
    return ''.join(
        f'<h3>{text(title)}</h3>{facts(rows)}'
        for title, rows in content.provenance.items()) + (
        '<details><summary>The config of the run</summary>'
        f'<pre>{text(content.config)}</pre></details>')
