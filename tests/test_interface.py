"""No registry name, config key, option or config is lost.

``interface.yml`` lists those of version 0.1 as first frozen. New ones need no
entry; an old one that is dropped fails here until its entry is deleted.
"""
import argparse
import inspect
from pathlib import Path

import pytest
import yaml
from mmaction import registry
from toy import load_tool

ROOT = Path(__file__).resolve().parents[1]
KNOWN = yaml.safe_load(
    (ROOT / 'tests/interface.yml').read_text(encoding='utf-8'))


def arguments(component):
    """Names of the arguments of a class and of its bases in the package."""
    classes = [base for base in component.__mro__
               if base.__module__.startswith('psp_plugin')]
    return {name for base in classes if '__init__' in vars(base)
            for name in inspect.signature(base).parameters}


@pytest.mark.parametrize('name', KNOWN['registry'])
def test_components_and_their_config_keys(name):
    components = getattr(registry, name).module_dict
    for component, keys in KNOWN['registry'][name].items():
        assert component in components
        assert set(keys) <= arguments(components[component]), component


class Parsed(Exception):
    """Ends a command whose options are known."""


@pytest.mark.parametrize('path', KNOWN['commands'])
def test_commands_and_their_options(path, monkeypatch):
    def stop(parser, *args, **kwargs):
        raise Parsed([option for action in parser._actions
                      for option in action.option_strings or [action.dest]])

    command = load_tool(path[len('tools/'):-len('.py')])
    monkeypatch.setattr(argparse.ArgumentParser, 'parse_args', stop)
    with pytest.raises(Parsed) as parsed:
        command.parse_args([])
    assert set(KNOWN['commands'][path]) <= set(parsed.value.args[0])


def test_configs():
    lost = [name for name in KNOWN['configs']
            if not (ROOT / f'configs/{name}.py').is_file()]
    assert not lost
