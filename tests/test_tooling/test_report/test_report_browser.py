"""The report in a browser: names are text, clips play, keys suffice."""
import contextlib

import pytest
from browser import needs_browser, open_browser
from report_runs import write_pretraining, write_run
from toy import load_tool

EVIL = ('<script>alert(1)</script>', '</script><img src=x onerror=alert(1)>',
        '<a href="javascript:alert(1)">x</a>', '<b>"quoted" & \'so\'</b>',
        'kick \U0001F94B %{x} &lt;', 'long ' * 60)


def rename(content):
    """Gives the last test clips, and unlabelled ones, the evil names."""
    for part in ('xsub_val', 'xsub_train'):
        names = content['split'][part]
        new = dict(zip(names[-6:], (f'{part} {name}' for name in EVIL)))
        for split, names in content['split'].items():
            content['split'][split] = [new.get(name, name) for name in names]
        for clip in content['annotations']:
            clip['frame_dir'] = new.get(clip['frame_dir'], clip['frame_dir'])


@pytest.fixture(scope='module')
def path(tmp_path_factory):
    run = write_run(tmp_path_factory.mktemp('run'), EVIL, rename)
    load_tool('report').main([str(run)])
    return run / 'report.html'


@pytest.fixture(scope='module')
def browser():
    with open_browser() as browser:
        yield browser


@contextlib.contextmanager
def opened(browser, path):
    """Opens a page, in which no dialog, error or request may occur."""
    troubles = []
    page = browser.new_page(viewport=dict(width=1400, height=900))
    for event in ('dialog', 'console', 'pageerror'):
        page.on(event, lambda found: troubles.append(str(found)))
    page.on('request', lambda found: troubles.append(found.url))
    page.goto(path.as_uri())
    page.wait_for_selector('#plot-embedding .points path')
    yield page
    assert troubles == [path.as_uri()]  # the page itself


@pytest.fixture(scope='module')
def page(path, browser):
    with opened(browser, path) as page:
        yield page


def cell_of(page, truth, guess):
    """The place of a cell of the matrix in the page."""
    return page.evaluate('''([truth, guess]) => {
      const plot = document.getElementById('plot-matrix');
      plot.scrollIntoView({ block: 'center' });
      const { xaxis, yaxis } = plot._fullLayout;
      const box = plot.getBoundingClientRect();
      return [box.left + xaxis._offset + xaxis.l2p(guess),
        box.top + yaxis._offset + yaxis.l2p(truth)];
    }''', [truth, guess])


def picture(page, viewer):
    return page.evaluate(
        f'document.querySelector("{viewer} canvas").toDataURL()')


@needs_browser
def test_names_are_text(page):
    for place, name in enumerate(EVIL):
        assert page.locator('#classes tbody th').get_by_text(
            name.strip(), exact=True).count() == 1, name
        shown = page.locator('#plot-matrix .ytick text').nth(place)
        assert shown.text_content()[:25] == name[:25]
    assert page.locator('main img, main script, main a').count() == 0
    assert page.locator('svg a, svg tspan[style*=bold]').count() == 0
    names = page.input_value('#names').split('\n')
    listed = [name for name in EVIL if f'xsub_train {name}' in names]
    assert len(listed) > 1
    for name in listed:
        assert page.locator('.card h3').get_by_text(
            f'xsub_train {name}'.strip(), exact=True).count() == 1


@needs_browser
def test_a_click_on_the_matrix_lists_and_plays_clips(page):
    truth, guess = page.evaluate('''() => {
      const clip = data.clips.find(clip => clip.name.includes('onerror'));
      return [clip.label, clip.best[0][0]];
    }''')
    page.mouse.click(*cell_of(page, truth, guess))
    assert EVIL[truth] in page.text_content('#cell')
    page.wait_for_selector('#plot-matrix .hovertext')
    assert f'true: {EVIL[truth]}' in page.text_content(
        '#plot-matrix .hovertext')
    page.locator('#cell-clips button').get_by_text(
        f'xsub_val {EVIL[1]}').click()
    assert page.text_content('#viewer-matrix .caption b') == (
        f'xsub_val {EVIL[1]}')
    first = picture(page, '#viewer-matrix')
    page.wait_for_function('''first => document.querySelector(
      "#viewer-matrix canvas").toDataURL() !== first''', arg=first)


@needs_browser
def test_keys_choose_a_cell_and_stop_a_clip(page):
    page.focus('#true')
    page.keyboard.press('Home')
    page.focus('#predicted')
    page.keyboard.press('Home')
    page.keyboard.press('ArrowDown')
    assert page.text_content('#cell').startswith(
        f'{EVIL[0]}, classified as {EVIL[1]}: ')
    page.focus('#viewer-embedding .play')
    page.keyboard.press('Enter')
    assert page.text_content('#viewer-embedding .play') == 'Play'
    still = picture(page, '#viewer-embedding')
    page.wait_for_timeout(200)
    assert picture(page, '#viewer-embedding') == still
    page.focus('#viewer-embedding input')
    page.keyboard.press('ArrowRight')
    assert picture(page, '#viewer-embedding') != still


@needs_browser
def test_a_point_of_the_embedding_plays_its_clip(page):
    place, index = page.evaluate('''() => {
      const plot = document.getElementById('plot-embedding');
      plot.scrollIntoView({ block: 'center' });
      const { xaxis, yaxis } = plot._fullLayout;
      const box = plot.getBoundingClientRect();
      const index = plot.data[0].customdata[0];
      return [[box.left + xaxis._offset + xaxis.l2p(data.points[index][0]),
        box.top + yaxis._offset + yaxis.l2p(data.points[index][1])], index];
    }''')
    page.mouse.move(*place)
    page.mouse.click(*place)
    name = page.evaluate(f'data.clips[{index}].name')
    assert page.text_content('#viewer-embedding .caption b') == name


@needs_browser
def test_a_narrow_window_and_a_script_that_is_not_of_the_page(page, path,
                                                              browser):
    narrow = browser.new_page(viewport=dict(width=390, height=800))
    narrow.goto(path.as_uri())
    narrow.wait_for_selector('#cell-clips button')
    assert narrow.evaluate('document.documentElement.scrollWidth') <= 390
    assert narrow.evaluate('''() => {
      const script = document.createElement('script');
      script.textContent = 'window.added = true';
      document.body.append(script);
      return window.added;
    }''') is None
    narrow.close()


@needs_browser
def test_a_pre_training_plays_the_clips_of_its_embedding(browser, tmp_path):
    run = write_pretraining(tmp_path)
    load_tool('report').main([str(run)])
    with opened(browser, run / 'report.html') as page:
        page.select_option('#point', '3')
        assert page.text_content('#viewer-embedding .caption b') == (
            page.evaluate('data.clips[3].name'))
        first = picture(page, '#viewer-embedding')
        page.locator('#viewer-embedding').scroll_into_view_if_needed()
        page.wait_for_function('''first => document.querySelector(
          "#viewer-embedding canvas").toDataURL() !== first''', arg=first)
