"""What the reference pages change in docstrings before they are rendered."""
import re
from typing import Any

from griffe import Extension, Object

ROLE = re.compile(r':(?:attr|class|data|func|meth|mod|obj):`~?([^`]+)`')
EXAMPLE = re.compile(r'^Example:$', re.MULTILINE)


class PlainDocstrings(Extension):
    """Turns Sphinx roles and double backticks of docstrings into code."""

    def on_object(self, *, obj: Object, **kwargs: Any) -> None:
        """Rewrites the docstring of an object that Griffe has read.

        Args:
            obj (griffe.Object): A module, class, function or attribute.
            **kwargs: What Griffe hands on; unused.
        """
        if obj.docstring:
            text = ROLE.sub(r'`\1`', obj.docstring.value)
            text = text.replace('``', '`')
            # Google's section is named Examples; as Example it is prose.
            obj.docstring.value = EXAMPLE.sub('Examples:', text)
