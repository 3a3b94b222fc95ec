from pathlib import Path

from setuptools import find_packages, setup

ROOT = Path(__file__).parent
VERSION = {}
exec((ROOT / 'psp_plugin/version.py').read_text(), VERSION)

setup(
    name='psp_plugin',
    version=VERSION['__version__'],
    description='PSP Learning: semi-supervised skeleton-based action '
    'recognition for MMAction2',
    long_description=(ROOT / 'README.md').read_text(encoding='utf-8'),
    long_description_content_type='text/markdown',
    license='Apache-2.0',
    packages=find_packages(include=['psp_plugin', 'psp_plugin.*']),
    python_requires='>=3.9',
    # Neither mmcv nor mmcv-lite is named: they own one package folder, and
    # either serves. MMEngine 0.10 needs pkg_resources without declaring it,
    # for configs that inherit `mmaction::...`; setuptools has it up to 80.
    install_requires=[
        'torch>=2.0',
        'numpy>=1.23',
        'mmengine>=0.10.4,<1',
        'mmaction2>=1.2,<1.3',
        'setuptools<81',
    ],
    extras_require={'tests': ['pytest>=7', 'ruff==0.17.6']},
)
