"""The sections of a report: text, tables and places of figures."""
from typing import List, NamedTuple

from .clip_sections import confusion, embedding, least
from .content import Content
from .markup import facts, paragraph, text
from .numbers import ClassRow, accuracy_of, class_rows, confusion_of

LISTED = 50  # sentences about clips that are left out
NO_HEAD = ('This run is a pre-training: its model has no classifier, so that '
           'there are no predictions.')


class Section(NamedTuple):
    """A section of a page, in the table of contents."""
    place: str
    title: str
    html: str


def sections_of(content: Content) -> List[Section]:
    """Returns the sections of a report, in order.

    Args:
        content (Content): What the report shows.
    """
    predicted = [
        Section('classes', 'Classes', classes(content)),
        Section('confusion', 'Confusion', confusion(content)),
        Section('least', 'Least certain', least(content))
    ] if content.has_head else []
    return [
        Section('summary', 'Summary', summary(content)),
        Section('curves', 'Curves', curves(content)),
        *predicted,
        Section('embedding', 'Embedding', embedding(content)),
        Section('origin', 'Config and provenance', origin(content))]


def summary(content: Content) -> str:
    """Accuracies, labels and checkpoint."""
    tested, training = content.tested, content.training
    split = f' of split {content.split}' if content.split else ''
    parts = []
    if content.has_head:
        parts.append(numbers(content))
        if is_best(content) and content.chosen_on:
            parts.append(paragraph(
                'This checkpoint was chosen as the best in validation, on '
                f'{content.chosen_on} of the {tested.total} clips that are '
                'tested here. Its accuracy is likely to be lower on clips '
                'that had no part in the choice.', 'note'))
    else:
        parts.append(paragraph(NO_HEAD, 'note'))
    labels = (f'{training.labeled} labelled training clips, '
              f'{training.num_unlabeled} unlabelled' if content.has_head else
              f'none; {training.num_unlabeled} training clips without labels')
    parts.append(facts([
        ('Config', content.title),
        ('Tested' if content.has_head else 'Encoded',
         f'{tested.total} clips{split}'),
        ('Labels used', labels),
        ('Checkpoint', f'{content.checkpoint.path.name}, '
         + {'best': 'the best in validation', 'last': 'the last one',
            'given': 'given by --checkpoint'}[content.checkpoint.choice]),
        ('Checkpoint written', dict(content.provenance['Training'])[
            'Date of the checkpoint'])]))
    return ''.join(parts) + list_of_errors(content)


def numbers(content: Content) -> str:
    """The accuracies, large, with their meaning."""
    found = accuracy_of(content.tested)
    shown = [(found.top1, 'Top-1', 'share of the clips whose class has the '
              'highest score'),
             (found.mean_class, 'Mean class accuracy', 'mean over the classes '
              'of the share of their clips that are recognised')]
    if found.top5 is not None:
        shown.append((found.top5, 'Top-5', 'share of the clips whose class is '
                      'among the five highest scores'))
    return '<div class="numbers">' + ''.join(
        f'<div><b>{value:.1%}</b><span>{name}</span><small>{meaning}</small>'
        '</div>' for value, name, meaning in shown) + '</div>'


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
            f'<div class="plot" id="plot-{name}" role="group" aria-label='
            f'"{title}"></div>' if group else
            paragraph('Nothing was logged.', 'note')) + '</figure>'
        for name, group, title in plots) + '</div>'


def classes(content: Content) -> str:
    """A table of the classes with bars."""
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


def origin(content: Content) -> str:
    """Provenance and the text of the config."""
    return ''.join(
        f'<h3>{text(title)}</h3>{facts(rows)}'
        for title, rows in content.provenance.items()) + (
        '<details><summary>The config of the run</summary>'
        f'<pre>{text(content.config)}</pre></details>')
