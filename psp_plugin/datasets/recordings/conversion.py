"""A converted data set: what it holds, and writing it."""
from dataclasses import dataclass, field
from pathlib import Path
from typing import List, Optional

from ..pickles import write_pickle
from .folder import ConvertError, Skipped
from .labels import UNLABELED, LabelTable
from .splits import Splits


@dataclass
class Conversion:
    """A data set and how it came about.

    Args:
        annotations: The clips, sorted by name; those of the split
            ``unlabeled`` have no ``label``.
        split: The names of every split that has a clip.
        table: The labels, if there are any.
        skipped: What was left out, and why.
        notes: What else the user should know.
    """
    annotations: List[dict]
    split: Splits
    table: Optional[LabelTable] = None
    skipped: List[Skipped] = field(default_factory=list)
    notes: List[str] = field(default_factory=list)

    @property
    def failure(self) -> str:
        """Why there is nothing to write, '' if there is something."""
        first = (f'; the first of {len(self.skipped)} skipped: '
                 f'{self.skipped[0].name} {self.skipped[0].reason}'
                 if self.skipped else '')
        if not self.annotations:
            return f'no recording could be used{first}'
        if self.table is not None and list(self.split) == [UNLABELED]:
            return f'no row of {self.table.path} has a usable recording{first}'
        return ''

    def write(self, output: str) -> List[str]:
        """Writes the pickle, and beside it the names of the classes.

        These go to a label map, ``.classes.txt`` for ``.pkl``, which is not
        written if the classes have no names.

        Args:
            output (str): The pickle; the toolbox wants it to end in
                ``.pkl``.

        Returns:
            list[str]: The files written.

        Raises:
            ConvertError: If there is nothing to write.
            OSError: If a file cannot be written.
        """
        if self.failure:
            raise ConvertError(self.failure)
        write_pickle(dict(split=self.split, annotations=self.annotations),
                     output)
        if self.table is None or self.table.classes is None:
            return [output]
        label_map = Path(output).with_suffix('.classes.txt')
        label_map.write_text('\n'.join(self.table.classes) + '\n',
                             encoding='utf-8')
        return [output, str(label_map)]
