"""The label page in a browser."""
import contextlib
import errno
import os

import pytest
from browser import needs_browser, open_browser
from pools import write_pool

from psp_plugin.recordings import read_columns
from psp_plugin.tooling.labeling import ClipPool, LabelStore, start_server

pytestmark = needs_browser
SCRIPT = '<script>alert(1)</script>'
HTML = '<img src=x onerror=alert(1)>'


@pytest.fixture(scope='module')
def browser():
    with open_browser() as opened:
        yield opened


@pytest.fixture
def label(tmp_path, browser):
    """Opens a page, or several, on a pool of these clips and classes."""
    with contextlib.ExitStack() as stack:
        def open_pages(names='abcd', classes=('walk', 'sit'), pages=1,
                       **options):
            pool = ClipPool(write_pool(tmp_path / 'pool.pkl', names,
                                       **options))
            store = LabelStore(str(tmp_path / 'labels.csv'), pool.names, None,
                               classes)
            stack.callback(store.close)
            url = stack.enter_context(start_server(pool, store))
            return store, [open_page(stack, browser, url)
                           for _ in range(pages)]
        yield open_pages


def open_page(stack, browser, url):
    """Opens the page in a context of its own; its errors fail the test."""
    context = browser.new_context(viewport=dict(width=1400, height=900))
    stack.callback(context.close)
    page = context.new_page()
    page.set_default_timeout(30000)
    page.problems = []
    page.on('pageerror', lambda error: page.problems.append(str(error)))
    page.on('dialog', lambda dialog: page.problems.append(dialog.message))
    stack.callback(lambda: check_problems(page))
    page.goto(url, wait_until='networkidle')  # holds its clips
    return page


def check_problems(page):
    assert not page.problems


def shows(page, name):
    """Waits until the page shows a clip."""
    page.wait_for_function(
        'name => document.getElementById("stage").dataset.clip === name',
        arg=name)


def says(page, where, text):
    page.locator(where).filter(has_text=text).wait_for()


def press(page, *keys):
    """Presses keys, each on another clip than the one before."""
    for key, name in keys:
        page.keyboard.press(key)
        shows(page, name)


def table(store):
    """The labels of the clips, '' for unlabelled ones, in the file."""
    columns = read_columns(store.table.path)
    return {name: columns.texts.get(name, '') for name in columns.lines}


def test_answers_by_keys(label):
    store, (page, ) = label()
    shows(page, 'a')
    assert page.locator('#facts').inner_text() == (
        'Clip 1 of 4 \u00b7 12 frames \u00b7 1 person')
    press(page, ('1', 'b'), ('2', 'c'), ('s', 'd'))
    assert table(store) == dict(a='walk', b='sit', c='')
    says(page, '#progress-text', '2 of 4 labelled, 1 skipped')
    press(page, ('u', 'c'), ('Control+z', 'b'), ('ArrowLeft', 'a'))
    assert table(store) == dict(a='walk')
    says(page, '#badge', 'walk')
    page.keyboard.press('2')  # another answer for a
    shows(page, 'b')
    assert table(store) == dict(a='sit')
    page.reload()
    shows(page, 'b')
    press(page, ('u', 'a'), ('u', 'a'))
    says(page, '#badge', 'no answer yet')
    assert table(store) == {} and page.locator('#undo').is_disabled()


@pytest.mark.parametrize('button', ['#classes button >> nth=0', '#skip'])
def test_second_click_of_a_double_click(label, button):
    store, (page, ) = label()
    shows(page, 'a')
    page.locator(button).click()
    shows(page, 'b')
    page.mouse.down(click_count=2)
    page.mouse.up(click_count=2)
    says(page, '#status', 'A double click answers one clip only.')
    press(page, ('2', 'c'))
    assert [*table(store)] == ['a', 'b'] and table(store)['b'] == 'sit'


def test_key_while_the_next_clip_is_loading(label):
    store, (page, ) = label()
    shows(page, 'a')
    says(page, '#facts', 'Clip 1 of 4')
    held = []
    page.route('**/api/clip?*', lambda route: held.append(route))
    press(page, ('1', 'b'))
    page.keyboard.press('2')
    says(page, '#status', 'Saved: b')
    page.keyboard.press('1')  # neither for b nor for c
    while not held:  # the request for c, on a busy machine
        page.wait_for_timeout(20)
    held[0].continue_()
    shows(page, 'c')
    assert table(store) == dict(a='walk', b='sit')


def test_player_and_help(label):
    store, (page, ) = label()
    shows(page, 'a')

    def drawing():
        return page.evaluate('document.getElementById("canvas").toDataURL()')

    first = drawing()
    page.wait_for_function(
        'first => document.getElementById("canvas").toDataURL() !== first',
        arg=first)
    page.keyboard.press(' ')
    says(page, '#play', 'Play')
    page.locator('#frame').fill('7')
    says(page, '#frame-text', '8 / 12')
    still = drawing()
    page.mouse.move(400, 400)
    page.mouse.down()
    page.mouse.move(500, 420)
    page.mouse.up()
    assert drawing() != still
    page.locator('#front').click()
    assert drawing() == still
    page.keyboard.press('?')
    page.keyboard.press('1')  # no answer while the help is open
    page.keyboard.press('Escape')
    assert page.locator('#help').is_hidden() and not os.path.exists(
        store.table.path)


def test_names_are_text_and_the_end(label):
    store, (page, ) = label([SCRIPT, f'b{HTML}'], [SCRIPT])
    shows(page, SCRIPT)
    assert page.locator('#name').inner_text() == SCRIPT
    assert page.locator('#classes .title').inner_text() == SCRIPT
    press(page, ('1', f'b{HTML}'))
    page.locator('#add-name').fill(HTML)
    page.keyboard.press('Enter')
    says(page, '#status', HTML)
    page.keyboard.press('s')  # a letter of the next class, which skips nothing
    page.keyboard.press('Escape')
    page.keyboard.press('2')
    says(page, '#done', '2 labelled, 0 skipped.')
    assert table(store) == {SCRIPT: SCRIPT, f'b{HTML}': HTML}
    assert not page.locator('#stage img, #classes img').count()
    press(page, ('ArrowLeft', f'b{HTML}'))


def test_two_browsers(label):
    store, (one, two) = label(pages=2)
    shows(one, 'a')
    shows(two, 'c')  # b is prepared by the first one
    press(one, ('1', 'b'))
    press(two, ('2', 'd'))
    says(one, '#progress-text', '2 of 4 labelled')
    press(one, ('ArrowLeft', 'a'))
    # Otherwise it may learn of the other answer before it gives its own.
    two.route('**/api/state', lambda route: None)
    press(two, ('ArrowLeft', 'c'), ('ArrowLeft', 'b'), ('ArrowLeft', 'a'))
    one.keyboard.press('2')
    says(one, '#status', 'Saved: a')
    two.keyboard.press('s')
    says(two, '#notice', 'a was answered in another window: \u2018sit\u2019')
    two.get_by_role('button', name='Keep').click()
    shows(two, 'd')
    assert table(store) == dict(a='sit', c='sit')
    two.keyboard.press('u')  # its last answer, for c
    says(two, '#status', 'Undone: c')
    shows(two, 'c')
    store.write('c', 'walk', None)
    two.keyboard.press('2')
    two.get_by_role('button', name='Change').dblclick()
    says(two, '#status', 'Saved: c')
    assert table(store) == dict(a='sit', c='sit')


def test_progress_is_not_older_than_an_answer(label):
    _, (page, ) = label()
    shows(page, 'a')
    held = []
    page.route('**/api/state', lambda route: held.append(
        (route, route.fetch())))
    while not held:
        page.wait_for_timeout(50)
    press(page, ('1', 'b'))
    route, old = held[0]
    with page.expect_response('**/api/state'):
        route.fulfill(response=old)
    page.wait_for_timeout(100)
    assert page.locator('#progress-text').inner_text() == (
        '1 of 4 labelled, 0 skipped')


def test_full_disk_and_changed_table(label, monkeypatch):
    store, (page, ) = label()
    shows(page, 'a')
    press(page, ('1', 'b'))

    def fail(*args):
        raise OSError(errno.ENOSPC, 'No space left on device')

    with monkeypatch.context() as patch:
        patch.setattr(os, 'replace', fail)
        page.keyboard.press('2')
        says(page, '#notice', 'No space left on device')
        page.keyboard.press('1')  # nothing while an answer is not saved
        assert table(store) == dict(a='walk')
    page.get_by_role('button', name='Retry').click()
    shows(page, 'c')
    assert table(store) == dict(a='walk', b='sit')
    with open(store.table.path, 'a') as stream:
        stream.write('other,sit\n')
    page.keyboard.press('1')
    says(page, '#notice', 'restart tools/label.py')
    page.get_by_role('button', name='Discard').click()
    page.locator('#notice').wait_for(state='hidden')
    assert table(store) == dict(a='walk', b='sit', other='sit')


def test_clip_that_cannot_be_drawn(label):
    store, (page, ) = label(broken='ab')
    shows(page, 'a')
    says(page, '#problem', 'cannot be drawn: the clip has no joint to draw')
    press(page, ('s', 'b'), ('2', 'c'))
    assert page.locator('#problem').is_hidden()
    assert table(store) == dict(a='', b='sit')


def test_many_classes(label):
    names = [f'class {i}' for i in range(120)]
    store, (page, ) = label(classes=names)
    shows(page, 'a')
    keys = page.locator('#classes .key').all_inner_texts()
    assert ''.join(keys) == '1234567890qwertyiopadfghjklzxcvbnm'
    press(page, ('m', 'b'))
    page.keyboard.press('/')
    page.keyboard.type('class 11')
    page.keyboard.press('ArrowDown')
    page.keyboard.press('Enter')
    shows(page, 'c')
    assert table(store) == dict(a='class 33', b='class 110')
    assert page.locator('#filter').input_value() == ''
    press(page, ('1', 'd'))
    assert table(store)['c'] == 'class 0'
