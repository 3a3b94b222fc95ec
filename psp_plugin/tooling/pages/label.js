'use strict';
/* The page of tools/label.py: asks for the class of one clip after another.
 *
 * An answer is a write {name, label, expected} that the server accepts only
 * if the clip still has the expected label; it can be repeated. It is kept in
 * `sessionStorage` until the server has confirmed it.
 */
const $ = id => document.getElementById(id);
const KEYS = [...'1234567890qwertyiopadfghjklzxcvbnm'];
const RETRY = 1500;  // milliseconds between attempts to reach the server
const POLL = 3000;  // milliseconds between questions for the progress
const UNDONE = 1000;  // answers that can be undone

const player = new SkeletonPlayer($('canvas'));
const page = crypto.randomUUID();
let setup = null;  // table, pool, command, closed
let progress = null;  // total, labeled, skipped, classes
let changes = 0;  // counts what this page has changed, so that no older progress is shown
let clip = null;  // the one that is shown
let place = -1;  // its place in the pool, or the number of clips at the end
let ahead = null;  // {name, body}: the next clip, a promise of its contents
let pending = null;  // the write that is not confirmed
let sending = false;
let timer = 0;
let shown = 0;  // counts what was asked to be shown, so that the last wins
let loading = false;  // whether another clip than the shown one was asked for

/* -- what survives a reload of the page -- */

const memory = {
  key: name => `${name} ${setup.table}`,
  get: (name, otherwise) => {
    const text = sessionStorage.getItem(memory.key(name));
    return text === null ? otherwise : JSON.parse(text);
  },
  set: (name, value) => sessionStorage.setItem(memory.key(name), JSON.stringify(value)),
};

/* -- requests -- */

const pause = time => new Promise(done => setTimeout(done, time));

/* Returns status and content of an answer; fails if there is none. */
async function ask(path, body, method = 'POST') {
  const response = await fetch(path, body === undefined ? {} : {
    method, body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' },
    signal: AbortSignal.timeout(20000),
  });
  const text = await response.text();
  const json = (response.headers.get('Content-Type') || '').startsWith('application/json');
  return {
    status: response.status,
    content: json ? JSON.parse(text) : { message: `The server failed (${response.status}): ${text}` },
  };
}

/* Repeats a request that changes no label until the server answers it. */
async function request(path, body) {
  for (;;) {
    const answer = await ask(path, body).catch(() => null);
    reachable(answer !== null);
    if (answer !== null) return answer;
    await pause(RETRY);
  }
}

function reachable(yes) {
  if (yes !== document.body.classList.contains('offline')) return;
  document.body.classList.toggle('offline', !yes);
  say(yes ? 'Connected to the server again.'
    : 'The server cannot be reached; trying again. Is tools/label.py running?', !yes);
}

/* -- the shown clip -- */

async function load(query) {
  const { status, content } = await request(`/api/clip?${new URLSearchParams(query)}`);
  return status === 404 ? null : content;
}

async function show(query) {
  const turn = ++shown;
  loading = true;
  const body = await load(query);
  if (turn !== shown) return;
  body ? display(body) : advance();
}

/* Shows the next clip without an answer, which is there already if possible. */
async function advance() {
  const turn = ++shown;
  loading = true;
  let body = ahead && await ahead.body;
  if (turn !== shown) return;
  if (!body || (clip && body.name === clip.name)) {
    const { content } = await request('/api/next', { page, after: place, held: held() });
    body = content.name === null ? null : await load({ name: content.name });
    if (turn !== shown) return;
  }
  body ? display(body) : finish();
}

/* Loads the clip that comes after the shown one. */
function prepare() {
  const last = ahead;
  const mine = ahead = { name: null, body: null };
  mine.body = (async () => {
    const { content } = await request('/api/next', { page, after: place, held: held() });
    mine.name = content.name;
    if (last && last.name === mine.name) return last.body;
    return mine.name === null ? null : load({ name: mine.name });
  })();
}

const held = () => [clip && clip.name, ahead && ahead.name].filter(name => name !== null);

function display(body) {
  clip = body;
  loading = false;
  place = body.place;
  memory.set('clip', clip.name);
  prepare();
  $('done').hidden = true;
  $('problem').hidden = !clip.problem;
  $('canvas').hidden = Boolean(clip.problem);
  $('problem').textContent = clip.problem ? `This clip cannot be drawn: ${clip.problem} `
    + 'You can skip it, or answer anyway.' : '';
  $('name').textContent = clip.name;
  $('name').title = clip.name;
  $('canvas').setAttribute('aria-label', `Skeleton of clip ${clip.name}`);
  const facts = [`Clip ${place + 1} of ${progress.total}`];
  if (!clip.problem) {
    facts.push(`${clip.frames} ${clip.frames === 1 ? 'frame' : 'frames'}`,
      `${clip.persons} ${clip.persons === 1 ? 'person' : 'persons'}`);
    player.load(clip.clip);
  } else clearPlayer();
  $('facts').textContent = facts.join(' \u00b7 ');
  $('stage').dataset.clip = clip.name;
  clearFilter();
  render();
}

function finish() {
  clip = null;
  loading = false;
  place = progress.total;
  clearPlayer();
  delete $('stage').dataset.clip;
  for (const id of ['problem', 'canvas']) $(id).hidden = true;
  $('done').hidden = false;
  $('name').textContent = 'All clips have an answer';
  $('facts').textContent = setup.pool;
  $('done-command').textContent = setup.command || '';
  $('done-command').hidden = !setup.command;
  render();
}

/* -- answers -- */

function answer(label) {
  if (!clip || pending || loading) return;
  $('stage').focus({ preventScroll: true });
  if (label === clip.label) advance();
  else send({ name: clip.name, label, expected: clip.label });
}

function undo() {
  const last = memory.get('undo', []).at(-1);
  if (!last || pending) return;
  send({ name: last.name, label: last.from, expected: last.to, undo: true });
}

function send(write) {
  pending = write;
  memory.set('pending', pending);
  render();
  attempt();
}

async function attempt() {
  if (sending || !pending) return;
  clearTimeout(timer);
  sending = true;
  const write = pending;
  const { name, label, expected } = write;
  const ways = [['Retry', attempt], ['Discard the answer', discard]];
  const answer = await ask('/api/label', { name, label, expected }, 'PUT').catch(() => null);
  sending = false;
  reachable(answer !== null);
  if (pending !== write) {  // discarded or replaced in the meantime
    attempt();
    return;
  }
  if (answer === null) {
    notify(`${describe(write)} is not saved yet: it is sent as soon as the server is back.`, ways);
    timer = setTimeout(attempt, RETRY);
  } else if (answer.status === 200) accept(answer.content);
  else if (answer.content.kind === 'conflict') askWhich(answer.content.label);
  else notify(`${describe(write)} is not saved: ${answer.content.message}`, ways);
}

function describe({ name, label, undo }) {
  return `${undo ? 'To undo: ' : ''}\u2018${spell(label)}\u2019 for clip ${name}`;
}

const spell = label => label === null ? 'no answer' : label === '' ? 'skipped'
  : titles().get(label) ?? label;

function accept(content) {
  const { name, label, expected, undo } = pending;
  progress = content;
  ++changes;
  const stack = memory.get('undo', []);
  undo ? stack.pop() : stack.push({ name, from: expected, to: label });
  memory.set('undo', stack.slice(-UNDONE));
  settle();
  say(`${undo ? 'Undone' : 'Saved'}: ${name} \u2013 ${spell(label)}`);
  undo || !clip || clip.name !== name ? show({ name }) : advance();
}

function askWhich(label) {
  notify(`Clip ${pending.name} was answered in another window: \u2018${spell(label)}\u2019. `
    + `Your answer is \u2018${spell(pending.label)}\u2019.`, [
    [`Keep \u2018${spell(label)}\u2019`, () => {
      const { name, undo } = pending;
      if (undo) memory.set('undo', memory.get('undo', []).slice(0, -1));
      settle();
      clip && clip.name === name && !undo ? advance() : show({ name });
    }],
    [`Change to \u2018${spell(pending.label)}\u2019`, () => send({ ...pending, expected: label })]]);
}

function discard() {
  const { name } = pending;
  settle();
  show({ name });
}

function settle() {
  clearTimeout(timer);
  pending = null;
  memory.set('pending', null);
  $('notice').hidden = true;
  $('stage').focus({ preventScroll: true });
  render();
}

function notify(text, buttons) {
  if (!$('notice').hidden && $('notice-text').textContent === text) return;
  $('notice-text').textContent = text;
  $('notice-buttons').replaceChildren(...buttons.map(([title, action], index) => {
    const button = document.createElement('button');
    button.textContent = title;
    button.className = index ? '' : 'main';
    button.addEventListener('click', () => action());
    return button;
  }));
  $('notice').hidden = false;
  $('notice-buttons').firstChild.focus();
}

function say(text, warn = false) {
  $('status').textContent = text;
  $('status').title = text;
  $('status').classList.toggle('warn', warn);
}

/* -- classes -- */

const titles = () => new Map(progress.classes.map(({ label, title }) => [label, title]));

/* The labels of the classes, whose order never changes while the page is used. */
function order() {
  const known = memory.get('order', []);
  const given = progress.classes.map(({ label }) => label);
  const kept = setup.closed ? known.filter(label => given.includes(label)) : known;
  return [...kept, ...given.filter(label => !kept.includes(label))];
}

function matches(label) {
  const words = $('filter').value.trim().toLowerCase().split(/\s+/);
  const title = spell(label).toLowerCase();
  return words.every(word => title.includes(word));
}

function render() {
  const { total, labeled, skipped } = progress;
  $('progress-text').textContent = `${labeled} of ${total} labelled, ${skipped} skipped`;
  $('bar').setAttribute('aria-valuemax', total);
  $('bar').setAttribute('aria-valuenow', labeled + skipped);
  $('bar-labeled').style.width = `${100 * labeled / total}%`;
  $('bar-skipped').style.width = `${100 * skipped / total}%`;
  document.title = `${labeled + skipped}/${total} \u00b7 Label clips`;
  const label = clip ? clip.label : null;
  $('badge').textContent = !clip ? '' : label === null ? 'no answer yet' : spell(label);
  $('badge').title = $('badge').textContent;
  $('badge').className = label ? 'labeled' : '';
  $('done-title').textContent = `${labeled} labelled, ${skipped} skipped.`;
  $('done-text').textContent = setup.command
    ? `The answers are in ${setup.table}. The next step:` : `The answers are in ${setup.table}, by the names of the clips.`;
  $('done-skipped').hidden = !skipped;
  for (const id of ['play', 'frame', 'front']) $(id).disabled = !clip || Boolean(clip.problem);
  for (const button of $('speeds').children) button.disabled = $('play').disabled;
  $('skip').disabled = !clip || Boolean(pending);
  $('undo').disabled = Boolean(pending) || !memory.get('undo', []).length;
  $('previous').disabled = place <= 0 || Boolean(pending);
  $('following').disabled = !clip || Boolean(pending);
  renderClasses();
}

function renderClasses() {
  const labels = order();
  memory.set('order', labels);
  const counts = new Map(progress.classes.map(each => [each.label, each.count]));
  const list = $('classes');
  list.classList.toggle('many', labels.length > 20);
  labels.forEach((label, index) => {
    const item = list.children[index] || list.appendChild(makeItem());
    const [key, title, count] = item.firstChild.children;
    item.dataset.label = label;
    key.textContent = KEYS[index] ?? '';
    key.classList.toggle('no-key', index >= KEYS.length);
    title.textContent = spell(label);
    count.textContent = counts.get(label) ?? 0;
    item.firstChild.disabled = !clip || Boolean(pending);
    item.firstChild.setAttribute('aria-pressed', Boolean(clip) && clip.label === label);
    item.hidden = !matches(label);
  });
  while (list.children.length > labels.length) list.lastChild.remove();
  const found = visible();
  $('no-class').textContent = found.length ? '' : labels.length ? 'No class has this name.'
    : 'There is no class yet: add the first one.';
  mark(found.findIndex(item => item.classList.contains('marked')));
}

/* The second click of a double click would answer the next clip. */
const once = action => event => {
  event.detail < 2 ? action() : say('A double click answers one clip only.', true);
};

function makeItem() {
  const item = document.createElement('li');
  const button = item.appendChild(document.createElement('button'));
  button.type = 'button';
  for (const [tag, name] of [['kbd', 'key'], ['span', 'title'], ['span', 'count']]) {
    button.appendChild(document.createElement(tag)).className = name;
  }
  button.addEventListener('click', once(() => answer(item.dataset.label)));
  return item;
}

const visible = () => [...$('classes').children].filter(item => !item.hidden);

/* Marks the class that Enter in the field chooses: the first one at first. */
function mark(index) {
  const found = visible();
  const searching = document.activeElement === $('filter');
  const chosen = searching && found[Math.min(Math.max(index, 0), found.length - 1)];
  for (const item of $('classes').children) item.classList.toggle('marked', item === chosen);
  if (chosen) chosen.scrollIntoView({ block: 'nearest' });
}

function clearFilter() {
  if (!$('filter').value && document.activeElement !== $('filter')) return;
  $('filter').value = '';
  $('stage').focus({ preventScroll: true });
}

async function addClass(event) {
  event.preventDefault();
  const name = $('add-name').value.trim();
  if (!name) return;
  const { status, content } = await request('/api/class', { name });
  if (status !== 200) { say(content.message, true); return; }
  progress = content;
  ++changes;
  $('add-name').value = '';
  $('add-name').focus();  // letters of the next name are no keys of classes
  say(`Added the class ${spell(content.label)}.`);
  render();
}

/* -- moves and keys -- */

function move(step) {
  const target = Math.min(place, progress.total) + step;
  if (pending || target < 0 || !clip && step > 0) return;
  target < progress.total ? show({ place: target }) : advance();
}

async function showSkipped() {
  if (pending) return;
  const { content } = await request('/api/next', { page, after: place, held: held(), skipped: true });
  if (content.name !== null) show({ name: content.name });
}

const ACTIONS = {
  ' ': togglePlay,
  ArrowLeft: () => move(-1),
  ArrowRight: () => move(1),
  s: () => answer(''),
  u: undo,
  '/': () => $('filter').focus(),
  '?': () => $('help').showModal(),
};

function press(event) {
  const typing = event.target.matches('input');
  const undoing = (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'z';
  if ($('help').open || (typing && event.target !== $('frame'))) return;
  if (event.target === $('frame') && event.key.startsWith('Arrow')) return;
  if (event.target.matches('button') && (event.key === ' ' || event.key === 'Enter')) return;
  if (undoing) { event.preventDefault(); undo(); return; }
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const digit = /^(?:Digit|Numpad)(\d)$/.exec(event.code);
  const other = digit && !event.shiftKey && !ACTIONS[key] && !KEYS.includes(key);  // other keyboards
  const index = KEYS.indexOf(other ? digit[1] : key);
  const label = index < 0 ? undefined : order()[index];
  const moving = key.startsWith('Arrow');
  if (!ACTIONS[key] && label === undefined) return;
  event.preventDefault();
  if (event.repeat && !moving) return;
  ACTIONS[key] ? ACTIONS[key]() : answer(label);
}

function pressInFilter(event) {
  const found = visible();
  const at = found.findIndex(item => item.classList.contains('marked'));
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step) mark(at + step);
  else if (event.key === 'Enter' && !event.repeat && at >= 0) answer(found[at].dataset.label);
  else if (event.key === 'Escape') { clearFilter(); renderClasses(); }
  else return;
  event.preventDefault();
}

/* -- player -- */

function fit() {
  const { width, height } = $('view').getBoundingClientRect();
  $('canvas').width = Math.round(width * devicePixelRatio);
  $('canvas').height = Math.round(height * devicePixelRatio);
  player.draw();
}

function clearPlayer() {
  player.clear();
  $('frame').value = 0;
  $('frame-text').textContent = '';
}

function togglePlay() {
  player.toggle();
  player.draw();
}

function setSpeed(speed) {
  player.speed = speed;
  memory.set('speed', speed);
  for (const button of $('speeds').children) {
    button.setAttribute('aria-pressed', Number(button.dataset.speed) === speed);
  }
}

function listenToPlayer() {
  player.onframe = (frame, count) => {
    $('frame').max = count - 1;
    $('frame').value = frame;
    $('frame-text').textContent = `${frame + 1} / ${count}`;
    $('play').textContent = player.playing ? 'Pause' : 'Play';
  };
  $('play').addEventListener('click', togglePlay);
  $('front').addEventListener('click', () => player.reset());
  $('frame').addEventListener('input', () => { player.pause(); player.seek(Number($('frame').value)); });
  $('frame').addEventListener('pointerup', () => $('frame').blur());
  for (const [speed, title] of [[.25, '\u00bc\u00d7'], [.5, '\u00bd\u00d7'], [1, '1\u00d7'], [2, '2\u00d7']]) {
    const button = $('speeds').appendChild(document.createElement('button'));
    button.type = 'button';
    button.textContent = title;
    button.dataset.speed = speed;
    button.addEventListener('click', () => setSpeed(speed));
  }
  setSpeed(memory.get('speed', 1));
  new ResizeObserver(fit).observe($('view'));
}

/* -- start -- */

async function poll() {
  const before = changes;
  const answer = await ask('/api/state', { page, held: held() }).catch(() => null);
  reachable(answer !== null);
  if (answer === null || answer.status !== 200 || pending || changes !== before) return;
  progress = answer.content;
  const label = name => name in progress.labels ? progress.labels[name] : undefined;
  if (clip && ahead && (label(ahead.name) ?? null) !== null) prepare();
  if (clip && label(clip.name) !== undefined && label(clip.name) !== clip.label) {
    say(`This clip was answered in another window: ${spell(label(clip.name))}`, true);
  }
  render();
}

function listen() {
  document.addEventListener('keydown', press);
  $('filter').addEventListener('keydown', pressInFilter);
  for (const event of ['input', 'focus', 'blur']) {
    $('filter').addEventListener(event, () => { renderClasses(); if (event === 'input') mark(0); });
  }
  $('add').addEventListener('submit', addClass);
  $('add-name').addEventListener('keydown', event => {
    if (event.key === 'Escape') $('stage').focus({ preventScroll: true });
  });
  for (const [id, action] of [['previous', ACTIONS.ArrowLeft], ['following', ACTIONS.ArrowRight], ['undo', undo],
    ['skip', once(ACTIONS.s)], ['help-open', ACTIONS['?']], ['done-skipped', showSkipped], ['done-back', ACTIONS.ArrowLeft]]) {
    $(id).addEventListener('click', event => { event.currentTarget.blur(); action(event); });
  }
  window.addEventListener('pagehide', () => navigator.sendBeacon('/api/state', new Blob(
    [JSON.stringify({ page, held: [] })], { type: 'application/json' })));
}

async function start() {
  ({ content: setup } = await request('/api/setup'));
  ({ content: progress } = await request('/api/state', { page, held: [] }));
  $('table').textContent = setup.table.split('/').at(-1);
  $('table').title = setup.table;
  $('add').hidden = Boolean(setup.closed);
  $('closed').textContent = setup.closed && `No class can be added: ${setup.closed}.`;
  listenToPlayer();
  listen();
  pending = memory.get('pending', null);
  const last = pending ? pending.name : memory.get('clip', null);
  await (last === null ? advance() : show({ name: last }));
  if (pending) attempt();
  setInterval(poll, POLL);
}

start();
