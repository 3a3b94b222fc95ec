"""Writes docs/model_zoo.md from the metafiles of the configs.

With ``--check`` it writes nothing and ends with status 1 if the page is not
what the metafiles give.
"""
import argparse
import re
import sys
from pathlib import Path
from typing import Dict, List, Optional, Union

import yaml

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / 'docs/model_zoo.md'
HEAD = """# Model zoo

All configs, generated from `configs/metafiles` by `docs/make_model_zoo.py`.
Top-1 is that of the config on all test clips of its dataset, in percent, as
on the pages of the [results](results/index.md), which have intervals and
baselines; most configs have not been trained. No checkpoints are published.
Labels are the label fraction; parameters include those that are used in
training only.
"""
# Metafiles by the title and the page of their configs.
TITLES = {
    'psp_ntu60': ('PSP on NTU RGB+D 60 and own recordings', 'methods/psp.md'),
    'psp_nwucla': ('PSP on NW-UCLA', 'methods/psp.md'),
    'psp_synthetic': ('PSP on synthetic skeletons', 'methods/psp.md'),
    'ablations': ('Ablations of the paper',
                  'guides/experiments.md#ablations-of-the-paper'),
    'official': ('Settings of the released implementation',
                 'guides/experiments.md'),
    'mix': ('Other encoders', 'guides/encoders.md'),
    'methods': ('Methods for unlabelled clips', 'methods/compared.md'),
    'pretrain': ('Masked pre-training', 'methods/pretraining.md'),
}
COLUMNS = ('config', 'architecture', 'data', 'labels', 'parameters', 'top-1',
           'paper')


def read_notes(text: str) -> Dict[str, str]:
    """Reads the comments behind accuracies, which YAML leaves out.

    Args:
        text (str): A metafile.

    Returns:
        dict[str, str]: From the name of a model to its comment.
    """
    notes, name = {}, ''
    for line in text.splitlines():
        named = re.match(r'  - Name: (\S+)$', line)
        name = named[1] if named else name
        noted = re.search(r'Top 1 Accuracy: [\d.]+ +# (.+)$', line)
        if noted:
            notes[name] = noted[1]
    return notes


def joined(value: Union[str, List[str]]) -> str:
    """Joins a list of names, and leaves a name as it is."""
    return value if isinstance(value, str) else ', '.join(value)


def as_row(model: dict, notes: Dict[str, str], papers: Dict[str, str]) -> str:
    """Formats a model of a metafile as a row of the table."""
    meta = model['Metadata']
    top1 = ''
    if 'Results' in model:
        result, = model['Results']
        top1 = str(result['Metrics']['Top 1 Accuracy'])
        if model['Name'] in notes:
            top1 += f' ({notes[model["Name"]]})'
    cells = (f'`{model["Config"][len("configs/"):]}`',
             joined(meta['Architecture']), meta['Training Data'],
             str(meta.get('Labels', '')), f'{meta["Parameters"]:,}', top1,
             papers[model['In Collection']])
    return f'| {" | ".join(cells)} |'


def make_page(root: Path = ROOT) -> str:
    """Makes the page from the metafiles that model-index.yml names.

    Args:
        root (Path): Folder of the repository.

    Returns:
        str: The page, in Markdown.
    """
    index = yaml.safe_load((root / 'model-index.yml').read_text('utf-8'))
    texts = {Path(name).stem: (root / name).read_text('utf-8')
             for name in index['Import']}
    metafiles = {stem: yaml.safe_load(text) for stem, text in texts.items()}
    papers = {}
    for metafile in metafiles.values():
        for collection in metafile.get('Collections', []):
            name, paper = collection['Name'], collection.get('Paper')
            papers[name] = f'[{name}]({paper["URL"]})' if paper else name
    parts = [HEAD]
    for stem, metafile in metafiles.items():
        title, page = TITLES[stem]
        rows = [as_row(model, read_notes(texts[stem]), papers)
                for model in metafile['Models']]
        parts.append('\n'.join([
            f'## {title}\n', f'[What they do]({page})\n',
            f'| {" | ".join(COLUMNS)} |', '|---' * len(COLUMNS) + '|', *rows,
            '']))
    return '\n'.join(parts)


def main(argv: Optional[List[str]] = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--check', action='store_true',
                        help='compare only; status 1 if the page is stale')
    args = parser.parse_args(argv)
    page = make_page()
    if not args.check:
        PAGE.write_text(page, encoding='utf-8')
    elif not PAGE.is_file() or PAGE.read_text(encoding='utf-8') != page:
        sys.exit(f'{PAGE.relative_to(ROOT)} is not what configs/metafiles '
                 'give: run python docs/make_model_zoo.py')


if __name__ == '__main__':
    main()
