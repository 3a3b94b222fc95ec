'use strict';
/* Draws the figures of a report and plays its clips. Names come from files:
 * they are set as text, and escaped where plotly.js would read tags in them.
 */
const COLORS = ['#332288', '#CC6677', '#117733', '#88CCEE', '#882255', '#DDCC77',
  '#44AA99', '#4D4D4D', '#AA4499', '#999933'];
const SYMBOLS = ['circle', 'square', 'triangle-up', 'diamond', 'triangle-down', 'cross', 'x',
  'triangle-left', 'triangle-right'];
const ACCENT = '#2166ac';
const data = JSON.parse(document.getElementById('data').textContent);
const still = matchMedia('(prefers-reduced-motion: reduce)').matches;
const byId = id => document.getElementById(id);
const percent = value => `${(100 * value).toFixed(1)}%`;
const className = label => data.classes[label] ?? 'no label';

/* A new element with a text. */
function element(tag, text = '', kind = '') {
  const node = document.createElement(tag);
  node.textContent = text;
  if (kind) node.className = kind;
  return node;
}

/* A name for plotly.js, which reads tags and entities in its texts. */
function plain(text, length = 60) {
  const letters = [...String(text)];
  const cut = letters.length > length ? `${letters.slice(0, length - 1).join('')}…` : text;
  return String(cut).replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');
}

/* The clips of the page, see pack_clips: decoded when they are played. */
class ClipBlock {
  static async open(text) {
    const letters = atob(text);
    const packed = new Uint8Array(letters.length);
    for (let i = 0; i < letters.length; i++) packed[i] = letters.charCodeAt(i);
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream('gzip'));
    return new ClipBlock(await new Response(stream).arrayBuffer());
  }

  constructor(buffer) {
    const length = new DataView(buffer).getUint32(0, true);
    this.bytes = new Uint8Array(buffer);
    this.head = JSON.parse(new TextDecoder().decode(this.bytes.subarray(4, 4 + length)));
    let start = 4 + length;
    for (const clip of this.head.clips) {
      clip.start = start;
      start += 2 * clip.shape.reduce((a, b) => a * b);
    }
  }

  clip(index) {
    const clip = this.head.clips[index];
    const [persons, frames, joints, channels] = clip.shape;
    const count = persons * frames * joints * channels;
    const values = new Uint16Array(count);
    let at = clip.start;
    for (let person = 0; person < persons; person++) {
      for (let place = 0; place < joints * channels; place++) {
        let value = 0;
        for (let frame = 0; frame < frames; frame++, at++) {
          const stored = this.bytes[at] | this.bytes[at + count] << 8;
          value += stored & 1 ? -(stored + 1) / 2 : stored / 2;
          values[(person * frames + frame) * joints * channels + place] = value;
        }
      }
    }
    return { ...clip, values, bones: this.head.bones };
  }
}

/* A player with its button and slider; it rests while it is out of view. */
class Viewer {
  constructor(host, before = null) {
    const part = byId('viewer').content.cloneNode(true);
    const [canvas, button, slider, count] = ['canvas', 'button', 'input', '.count']
      .map(name => part.querySelector(name));
    const size = Math.round(420 * Math.min(2, devicePixelRatio || 1));
    canvas.width = canvas.height = size;
    host.insertBefore(part, before);
    this.canvas = canvas;
    this.button = button;
    this.wanted = !still;
    this.visible = false;
    this.player = new SkeletonPlayer(canvas, { wheel: false });
    this.player.onframe = (frame, frames) => {
      slider.max = frames - 1;
      slider.value = frame;
      count.textContent = `${frame + 1} of ${frames}`;
    };
    button.addEventListener('click', () => { this.wanted = !this.wanted; this.update(); });
    slider.addEventListener('input', () => {
      this.wanted = false;
      this.update();
      this.player.seek(Number(slider.value));
    });
    new IntersectionObserver(entries => {
      this.visible = entries[entries.length - 1].isIntersecting;
      this.update();
    }).observe(canvas);
    this.update();
  }

  update() {
    this.button.textContent = this.wanted ? 'Pause' : 'Play';
    if (this.wanted && this.visible) this.player.play();
    else this.player.pause();
  }

  async show(index, name) {
    this.shown = index;
    const clips = await block;
    if (this.shown !== index) return;  // another one was chosen meanwhile
    this.canvas.setAttribute('aria-label', `Skeleton of clip ${name}`);
    this.player.load(clips.clip(index));
    this.update();
  }

  clear() {
    this.shown = null;
    this.player.clear();
  }
}

/* The viewer of a section, with the name and the classes of its clip. */
class CaptionedViewer extends Viewer {
  constructor(name) {
    const host = byId(`viewer-${name}`);
    super(host, host.firstChild);
    this.caption = host.querySelector('.caption');
  }

  choose(index) {
    const clip = data.clips[index];
    this.caption.replaceChildren(element('b', clip.name));
    if (clip.label !== null) {
      this.caption.append(element('span', `true class: ${className(clip.label)}`));
    }
    this.caption.append(bestOf(clip));
    this.show(index, clip.name);
  }

  empty(text) {
    this.caption.replaceChildren(text);
    this.clear();
  }
}

/* The best classes of a clip and their scores. */
function bestOf(clip) {
  const list = element('ol', '', 'best');
  for (const [label, score] of clip.best) {
    const item = element('li');
    item.title = className(label);
    item.append(element('span', className(label)), element('span', percent(score)));
    list.append(item);
  }
  return list;
}

function draw(id, traces, layout) {
  const base = {
    font: { family: 'system-ui, sans-serif', size: 12, color: '#1c2733' },
    margin: { l: 48, r: 12, t: 12, b: 40 }, paper_bgcolor: '#fff', plot_bgcolor: '#fff',
    hoverlabel: { bgcolor: '#fff', bordercolor: '#b8c2cc', font: { color: '#1c2733' }, align: 'left' },
  };
  return Plotly.newPlot(byId(id), traces, { ...base, ...layout }, {
    responsive: true, displaylogo: false,
    modeBarButtonsToRemove: ['select2d', 'lasso2d', 'autoScale2d'] });
}

function drawCurves(id, curves, steps, format) {
  const plot = byId(id);
  if (!plot) return;
  plot.style.height = `${280 + 19 * LEGEND_ROWS}px`;
  const line = { gridcolor: '#edf0f3', zeroline: false, linecolor: '#b8c2cc' };
  draw(id, curves.map(([name, x, y], i) => ({
    x, y, name: plain(name, 28), mode: x.length > 1 ? 'lines' : 'markers', connectgaps: false,
    line: { color: COLORS[i % COLORS.length], width: 1.8 },
    marker: { color: COLORS[i % COLORS.length] } })), {
    margin: { l: 52, r: 8, t: 8, b: 48 + 19 * LEGEND_ROWS }, showlegend: true,
    legend: { orientation: 'h', yref: 'container', y: (4 + 19 * LEGEND_ROWS) / plot.clientHeight, yanchor: 'top',
      font: { size: 11 } },
    xaxis: { ...line, title: { text: steps, standoff: 6 } },
    yaxis: { ...line, ...format }, hovermode: 'closest' });
}

function listCell(truth, guess, viewer) {
  const count = data.matrix[truth][guess];
  const row = data.matrix[truth].reduce((a, b) => a + b);
  const found = [...data.clips.keys()].filter(index =>
    data.clips[index].label === truth && data.clips[index].best[0][0] === guess);
  byId('cell').textContent = `${className(truth)}, classified as ${className(guess)}: ` +
    `${count} of ${row} ${row === 1 ? 'clip' : 'clips'}${row ? ` (${percent(count / row)})` : ''}` +
    (found.length < count ? `, of which ${found.length} can be played.` : '.');
  const buttons = found.map(index => {
    const button = element('button');
    button.type = 'button';
    button.setAttribute('aria-pressed', 'false');
    button.append(element('span', data.clips[index].name),
      element('span', percent(data.clips[index].best[0][1])));
    button.addEventListener('click', () => {
      for (const other of buttons) other.setAttribute('aria-pressed', String(other === button));
      viewer.choose(index);
    });
    return button;
  });
  byId('cell-clips').replaceChildren(...buttons.map(button => {
    const item = element('li');
    item.append(button);
    return item;
  }));
  if (buttons.length) buttons[0].click();
  else viewer.empty(count ? 'No clip of this cell can be played.' : 'This cell has no clip.');
}

function drawMatrix() {
  if (!data.matrix) return;
  const viewer = new CaptionedViewer('matrix');
  const plot = byId('plot-matrix');
  const selects = [byId('true'), byId('predicted')];
  for (const select of selects) {
    select.append(...data.classes.map((name, label) => new Option(name, label)));
  }
  const choose = (truth, guess) => {
    [selects[0].value, selects[1].value] = [truth, guess];
    listCell(truth, guess, viewer);
    Plotly.relayout(plot, { shapes: [{ type: 'rect', x0: guess - .5, x1: guess + .5,
      y0: truth - .5, y1: truth + .5, line: { color: '#1c2733', width: 2 } }] });
  };
  const count = data.classes.length;
  const rows = data.matrix.map(row => row.reduce((a, b) => a + b));
  const share = data.matrix.map((row, i) => row.map(n => rows[i] ? 100 * n / rows[i] : 0));
  byId('matrix').classList.toggle('side', count <= 20);
  const narrow = plot.clientWidth < 560;
  const ticks = { tickvals: [...data.classes.keys()], automargin: true, ticks: '',
    ticktext: data.classes.map(name => plain(name, narrow ? 12 : 26)),
    tickfont: { size: count > 40 ? 9 : count > 20 ? 10 : 12 }, showgrid: false, zeroline: false };
  const cell = Math.max(narrow ? 6 : 13, Math.min(48, (plot.clientWidth - 250) / count));
  plot.style.height = `${Math.max(320, 190 + count * cell)}px`;
  draw('plot-matrix', [{
    type: 'heatmap', z: share, zmin: 0, zmax: 100, xgap: 1, ygap: 1,
    colorscale: [[0, '#ffffff'], [1, ACCENT]], hoverinfo: 'text',
    text: data.matrix.map(row => row.map(n => count <= 20 && n ? String(n) : '')),
    texttemplate: '%{text}',
    hovertext: data.matrix.map((row, i) => row.map((n, j) =>
      `true: ${plain(className(i))}<br>predicted: ${plain(className(j))}<br>` +
      `${n} of ${rows[i]} clips, ${share[i][j].toFixed(1)}%`)),
    colorbar: { ticksuffix: '%', thickness: 10, outlinewidth: 0, tickfont: { size: 11 } } }], {
    plot_bgcolor: '#e3e8ed', margin: { l: 20, r: 10, t: 10, b: 20 },
    xaxis: { ...ticks, title: { text: 'predicted class', standoff: 8 }, tickangle: -45 },
    yaxis: { ...ticks, title: { text: 'true class', standoff: 8 }, autorange: 'reversed' } });
  plot.on('plotly_click', event => choose(event.points[0].y, event.points[0].x));
  for (const select of selects) {
    select.addEventListener('change', () => choose(Number(selects[0].value), Number(selects[1].value)));
  }
  choose(...mostFrequent(data.matrix));
}

/* The most frequent confusion, or else the first class recognised. */
function mostFrequent(matrix) {
  let best = [0, 0], most = 0;
  matrix.forEach((row, i) => row.forEach((n, j) => {
    if (i !== j && n > most) [best, most] = [[i, j], n];
  }));
  const right = matrix.findIndex((row, i) => row[i]);
  return most || right < 0 ? best : [right, right];
}

function drawLeast() {
  if (!byId('cards')) return;
  data.least.forEach((clip, place) => {
    const card = element('div', '', 'card');
    card.append(element('h3', clip.name));
    byId('cards').append(card);
    new Viewer(card).show(data.clips.length + place, clip.name);
    card.append(bestOf(clip));
    if (clip.best.length > 1) {
      const margin = clip.best[0][1] - clip.best[1][1];
      card.append(element('p', `margin: ${(100 * margin).toFixed(2)} percentage points`, 'margin'));
    }
  });
  byId('names').value = data.least.map(clip => `${clip.name}\n`).join('');
  byId('copy').addEventListener('click', () => {
    byId('names').select();
    byId('copied').textContent = document.execCommand('copy') ? 'Copied.' :
      'The browser does not allow it: press Ctrl+C.';
  });
}

function wrong(index) {
  const clip = data.clips[index];
  return data.head && clip.best[0][0] !== clip.label;
}

/* The text of a point of the embedding. */
function hover(index) {
  const clip = data.clips[index];
  const lines = [clip.name, `true: ${className(clip.label)}`];
  if (data.head) lines.push(`predicted: ${className(clip.best[0][0])}`);
  return lines.map(line => plain(line)).join('<br>');
}

function drawEmbedding() {
  if (!data.points) return;
  const viewer = new CaptionedViewer('embedding');
  const select = byId('point');
  select.append(...data.clips.map((clip, index) => new Option(clip.name, index)));
  const choose = index => { select.value = index; viewer.choose(index); };
  const groups = new Map();
  data.clips.forEach((clip, index) => {
    if (!groups.has(clip.label)) groups.set(clip.label, []);
    groups.get(clip.label).push(index);
  });
  const labels = [...groups.keys()].sort((a, b) => (a ?? Infinity) - (b ?? Infinity));
  const hide = { showticklabels: false, showgrid: false, zeroline: false, ticks: '',
    linecolor: '#dfe4ea', mirror: true };
  const symbol = (label, i) => SYMBOLS[(label ?? i) % SYMBOLS.length];
  const color = (label, i) => COLORS[(label ?? i) % COLORS.length];
  const base = { type: 'scatter', mode: 'markers' };
  const points = labels.map((label, i) => ({
    ...base, legendgroup: i, showlegend: false, hoverinfo: 'text', customdata: groups.get(label),
    x: groups.get(label).map(index => data.points[index][0]),
    y: groups.get(label).map(index => data.points[index][1]),
    hovertext: groups.get(label).map(hover),
    marker: { size: 8, color: color(label, i), line: { width: 1.2, color: color(label, i) },
      symbol: groups.get(label).map(index => symbol(label, i) + (wrong(index) ? '-open' : '')) } }));
  // The legend shows filled points, also where the first one is hollow.
  const names = labels.map((label, i) => ({
    ...base, legendgroup: i, x: [null], y: [null],
    name: `${plain(className(label), 24)} (${groups.get(label).length})`,
    marker: { size: 8, color: color(label, i), symbol: symbol(label, i) } }));
  const below = labels.length <= 20 || byId('plot-embedding').clientWidth < 560;
  draw('plot-embedding', [...points, ...names], {
    margin: { l: 8, r: 8, t: 8, b: 8 }, hovermode: 'closest', showlegend: true,
    xaxis: hide, yaxis: { ...hide, scaleanchor: 'x' },
    legend: { font: { size: 11 }, ...below ? { orientation: 'h', y: -.02 } : {} } });
  byId('plot-embedding').on('plotly_click', event => choose(event.points[0].customdata));
  select.addEventListener('change', () => choose(Number(select.value)));
  choose(0);
}

const block = ClipBlock.open(byId('clips').textContent);
const { losses, rates, scores, by_epoch: byEpoch } = data.curves;
// The same for all three figures, so that their axes have the same height.
const LEGEND_ROWS = Math.max(...[losses, rates, scores].map(group =>
  Math.ceil(group.length / (group.some(([name]) => name.length > 16) ? 1 : 2))), 1);
drawCurves('plot-losses', losses, 'iteration', {});
drawCurves('plot-rates', rates, 'iteration', { exponentformat: 'e' });
drawCurves('plot-scores', scores, byEpoch ? 'epoch' : 'iteration', { tickformat: '.0%', rangemode: 'tozero' });
drawMatrix();
drawLeast();
drawEmbedding();
