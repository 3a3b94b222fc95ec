import shutil
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).resolve().parent
# What OpenMMLab's `mim` looks for in the folder `.mim` of a package.
SHIPPED = ('model-index.yml', 'configs/**/*.py', 'configs/**/*.yml',
           'tools/**/*.py', 'tools/**/*.sh', 'tools/**/*.txt')
BVH = ['upc-pymotion>=0.3.4']
DOCS = ['mkdocs>=1.6,<2', 'mkdocs-material>=9.5', 'mkdocstrings-python>=1.18']
EXPORT = ['onnx>=1.17', 'onnxruntime>=1.19', 'onnxscript>=0.7']
FIGURES = ['scikit-learn>=1.3']
LABEL = ['fastapi>=0.110', 'uvicorn>=0.29']
REPORT = ['plotly>=5.24', *FIGURES]
SLURM = ['submitit>=1.5']
VERSION = {}
exec((ROOT / 'psp_plugin/version.py').read_text(encoding='utf-8'), VERSION)


class BuildWithMim(build_py):
    """Copies configs and tools into the built package, not the source tree.

    An editable installation has them where they are.
    """

    def mim_files(self):
        """Pairs of a file of the source tree and its place in the build."""
        if getattr(self, 'editable_mode', False):
            return []
        target = Path(self.build_lib, 'psp_plugin', '.mim')
        paths = sorted(p for pattern in SHIPPED for p in ROOT.glob(pattern))
        return [(path, target / path.relative_to(ROOT)) for path in paths]

    def run(self):
        super().run()
        # A `build` folder left by another build may hold what is no more.
        shutil.rmtree(
            Path(self.build_lib, 'psp_plugin', '.mim'), ignore_errors=True)
        for source, target in self.mim_files():
            self.mkpath(str(target.parent))
            self.copy_file(str(source), str(target))

    def get_outputs(self, include_bytecode=1):
        copies = [str(target) for _, target in self.mim_files()]
        return super().get_outputs(include_bytecode) + copies


setup(
    name='psp_plugin',
    version=VERSION['__version__'],
    description='PSP Learning: semi-supervised skeleton-based action '
    'recognition for MMAction2',
    long_description=(ROOT / 'README.md').read_text(encoding='utf-8'),
    long_description_content_type='text/markdown',
    license='Apache-2.0',
    packages=find_packages(include=['psp_plugin', 'psp_plugin.*']),
    package_data={'psp_plugin.tooling.pages': ['*.css', '*.html', '*.js']},
    cmdclass=dict(build_py=BuildWithMim),
    python_requires='>=3.9',
    # Neither mmcv nor mmcv-lite is named: they own one package folder, and
    # either serves. MMEngine 0.10 needs pkg_resources without declaring it,
    # for configs that inherit `mmaction::...`; setuptools has it up to 80.
    install_requires=[
        'torch>=2.6',
        'numpy>=1.23',
        'mmengine>=0.10.4,<1',
        'mmaction2>=1.2,<1.3',
        'setuptools<81',
    ],
    extras_require={
        'bvh': BVH,
        'docs': DOCS,
        'export': EXPORT,
        'figures': FIGURES,
        'label': LABEL,
        'report': REPORT,
        'slurm': SLURM,
        'tests': [
            'pytest>=7', 'pytest-cov>=5', 'pytest-xdist>=3', 'hypothesis>=6',
            'httpx>=0.27', 'mypy>=1.11', 'playwright>=1.44', 'ruff==0.17.6',
            'seaborn>=0.12', 'tensorboard>=2.12', *BVH, *EXPORT, *LABEL,
            *REPORT, *SLURM,
        ],
    },
)
