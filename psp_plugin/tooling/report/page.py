"""Assembles and writes the page of a report."""
import base64
import hashlib
from pathlib import Path
from string import Template
from typing import Any, Dict, List

from psp_plugin.commands.command_line import check_packages
from psp_plugin.engine.atomic_backend import AtomicBackend
from psp_plugin.errors import FileError

from ..pages import as_json, read_asset
from .block import pack_clips
from .content import Content
from .markup import text
from .numbers import confusion_of
from .results import KeptClip
from .sections import sections_of

BEST = 3  # classes of a clip


def check_output(path: Path) -> None:
    """Checks that a report can be made and written, before the work starts.

    Args:
        path (Path): The file to write.

    Raises:
        InputError: If plotly is missing, or if the file cannot be written.
    """
    check_packages('the report', ['plotly'], '"psp_plugin[report]"')
    if path.is_dir():
        raise FileError(str(path), 'is a folder: name a file with -o')
    part = Path(f'{path}.part')
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.touch()
        part.unlink()
    except OSError as error:
        raise FileError(str(path), f'cannot be written: {error.strerror}'
                        ) from error


def write_report(content: Content, path: Path) -> None:
    """Writes a report, completely or not at all.

    Args:
        content (Content): What it shows.
        path (Path): The file to write.

    Raises:
        FileError: If it cannot be written.
    """
    page = page_of(content).encode()
    try:
        AtomicBackend().put(page, path)
    except OSError as error:
        Path(f'{path}.part').unlink(missing_ok=True)
        raise FileError(str(path), f'cannot be written: {error.strerror}'
                        ) from error


def page_of(content: Content) -> str:
    """Returns the HTML of a report.

    Its policy forbids everything but its own three scripts: no network, no
    other script and no event handler. Style is free, since plotly.js adds
    rules of its own; it can load nothing.

    Args:
        content (Content): What it shows.
    """
    from plotly.offline import get_plotlyjs
    scripts = [get_plotlyjs(), read_asset('player.js'),
               read_asset('report.js')]
    sections = sections_of(content)
    kept = content.tested.kept + (
        content.unlabeled.kept if content.unlabeled else [])
    return Template(read_asset('report.html')).substitute(
        policy=policy_of(scripts), title=text(content.title),
        style=read_asset('report.css'),
        contents=''.join(f'<li><a href="#{place}">{text(title)}</a></li>'
                         for place, title, _ in sections),
        sections='\n'.join(
            f'<section id="{place}" aria-labelledby="{place}-title"><h2 '
            f'id="{place}-title">{text(title)}</h2>{html}</section>'
            for place, title, html in sections),
        data=as_json(data_of(content)),
        clips=pack_clips([clip.drawing for clip in kept]),
        plotly=scripts[0], player=scripts[1], script=scripts[2])


def policy_of(scripts: List[str]) -> str:
    """The Content-Security-Policy of a page with these scripts."""
    hashes = ' '.join(
        "'sha256-" + base64.b64encode(
            hashlib.sha256(script.encode()).digest()).decode() + "'"
        for script in scripts)
    return (f"default-src 'none'; script-src {hashes}; style-src "
            "'unsafe-inline'; img-src data: blob:; base-uri 'none'; "
            "form-action 'none'")


def data_of(content: Content) -> Dict[str, Any]:
    """What ``report.js`` draws; names are plain text."""
    points = content.points
    curves = content.curves
    return dict(
        classes=content.classes,
        head=content.has_head,
        curves=dict(losses=curves.losses, rates=curves.rates,
                    scores=curves.scores, by_epoch=curves.by_epoch),
        matrix=(confusion_of(content.tested).tolist() if content.has_head
                else None),
        clips=[clip_data(clip) for clip in content.tested.kept],
        least=[clip_data(clip) for clip in content.unlabeled.kept]
        if content.unlabeled else [],
        points=None if points is None else [
            [float(f'{value:.4g}') for value in point] for point in points])


def clip_data(clip: KeptClip) -> Dict[str, Any]:
    """Name, label and best classes of a clip."""
    best = [] if clip.scores is None else [
        [int(label), float(f'{clip.scores[label]:.4g}')]
        for label in (-clip.scores).argsort(kind='stable')[:BEST]]
    return dict(name=clip.name, label=clip.label, best=best)
