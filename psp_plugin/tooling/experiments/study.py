"""Studies: named settings, compared on the same cases and seeds."""
import re
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

from mmengine.fileio import load

from psp_plugin.errors import FileError

from .plan import Run, plan_config

KEYS = ('options', 'splits', 'seeds', 'baseline', 'cases', 'settings')


class Study(NamedTuple):
    """The content of a study file.

    Args:
        path (str): The file.
        options (list[str]): Options ``key=value`` of all runs.
        splits (list[str]): Splits to test on in addition to those of the
            configs.
        seeds (list[int]): Seeds of labelled clips and initialisation.
        baseline (str, optional): The setting that others are compared with.
        cases (dict[str, list[str]]): Options of each case, such as a fold.
        settings (dict[str, dict]): ``config`` and ``options`` of each
            setting.
    """
    path: str
    options: List[str]
    splits: List[str]
    seeds: List[int]
    baseline: Optional[str]
    cases: Dict[str, List[str]]
    settings: Dict[str, Dict[str, Any]]


def read_study(path: str, baseline: Optional[str] = None) -> Study:
    """Reads a study from a YAML file.

    ::

        options: [train_cfg.max_epochs=16]   # of all runs
        splits: [xview_val_clean]            # in addition to the configs'
        seeds: [0, 1]
        baseline: labels_only
        cases:
          view1_view2: [train_dataloader...split=view1]
        settings:
          labels_only: {config: configs/supervised_x.py}
          psp: {config: configs/psp_x.py, options: [model...=0.2]}

    ``{seed}`` in an option is replaced with the seed of the run.

    Args:
        path (str): The file.
        baseline (str, optional): The setting to compare the others with.
            Defaults to None: the baseline of the file.

    Raises:
        FileError: If the file is missing or not a valid study, or if the
            baseline is not one of its settings.
    """
    if not Path(path).is_file():
        raise FileError(path, 'does not exist')
    try:
        content = load(path, file_format='yaml')
    except Exception as error:  # of the YAML library
        raise FileError(path, f'is not YAML: {error}') from error
    if not isinstance(content, dict):
        raise FileError(path, f'must be a mapping of {", ".join(KEYS)}')
    _check_keys(path, content, KEYS, 'the study')
    settings, cases = content.get('settings'), content.get('cases')
    if not isinstance(settings, dict) or not settings:
        raise FileError(path, 'needs settings, each a name with a config')
    if cases is None:
        cases = {'all': []}
    if not isinstance(cases, dict) or not cases:
        raise FileError(path, 'cases must be names with a list of options')
    for name, setting in settings.items():
        _check_name(path, name)
        if not isinstance(setting, dict) or 'config' not in setting:
            raise FileError(path, f'setting {name} has no config')
        _check_keys(path, setting, ('config', 'options'), f'setting {name}')
    for name in cases:
        _check_name(path, name)
        if name == 'all' and len(cases) > 1:
            raise FileError(path, "no case of several may be named 'all', "
                            'which is the row of all cases together')
    if baseline is None:
        baseline = content.get('baseline')
    if baseline is not None and baseline not in settings:
        raise FileError(path, f'has no setting {baseline!r} for the baseline, '
                        f'only {", ".join(settings)}')

    def listed(value: Any, kind: type, what: str) -> list:
        value = [] if value is None else value
        if not isinstance(value, list) or not all(
                type(x) is kind for x in value):
            raise FileError(path, f'{what} must be a list of '
                            f'{"numbers" if kind is int else "strings"}, not '
                            f'{value!r}')
        return value

    return Study(
        path, listed(content.get('options'), str, 'options'),
        listed(content.get('splits'), str, 'splits'),
        listed(content.get('seeds'), int, 'seeds') or [0, 1, 2], baseline,
        {name: listed(options, str, f'options of case {name}')
         for name, options in cases.items()},
        {name: dict(config=setting['config'], options=listed(
            setting.get('options'), str, f'options of setting {name}'))
         for name, setting in settings.items()})


def plan_study(study: Study, work_dir: str) -> List[Run]:
    """Plans a study's runs, named ``<case>/<setting>``.

    They are ordered by case, then by seed, so that settings can be compared
    before all runs have finished.

    Args:
        study (Study): The study.
        work_dir (str): Folder of the runs.

    Raises:
        InputError: See :func:`plan.plan_runs`.
    """
    runs = []
    for case, of_case in study.cases.items():
        planned = [
            plan_config(f'{case}/{name}', setting['config'], study.seeds,
                        work_dir,
                        [*study.options, *of_case, *setting['options']],
                        study.splits)
            for name, setting in study.settings.items()]
        runs += [run for of_seed in zip(*planned) for run in of_seed]
    return runs


def names_of(run: Run) -> Tuple[str, str]:
    """Returns case and setting of a run that :func:`plan_study` planned."""
    case, setting = run.name.split('/')
    return case, setting


def _check_keys(path: str, content: dict, known, where: str) -> None:
    unknown = sorted(set(map(str, content)) - set(known))
    if unknown:
        raise FileError(path, f'{where} has {", ".join(unknown)}, but the '
                        f'keys are {", ".join(known)}')


def _check_name(path: str, name: Any) -> None:
    if not re.fullmatch(r'\w[\w.-]*', str(name)) or str(name) != name:
        raise FileError(path, f'the name {name!r} must consist of letters, '
                        "digits, '_', '-' and '.', and begin with a letter or "
                        'digit')
