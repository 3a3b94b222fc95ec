"""A headless browser for tests of pages, where Chromium is installed."""
import contextlib
import shutil
from typing import Iterator

import pytest

BROWSER = next(filter(None, map(shutil.which, (
    'chromium', 'chromium-browser', 'google-chrome'))), None)
needs_browser = pytest.mark.skipif(
    BROWSER is None, reason='needs Chromium: apt install chromium')


@contextlib.contextmanager
def open_browser() -> Iterator:
    """Yields a Playwright browser, in which pages and contexts are opened."""
    from playwright.sync_api import sync_playwright
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=BROWSER, args=['--no-sandbox', '--disable-gpu'])
        try:
            yield browser
        finally:
            browser.close()
