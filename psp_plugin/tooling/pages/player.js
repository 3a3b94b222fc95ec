'use strict';
/* Plays skeleton clips of `clip_for_page` on a canvas.
 *
 *   const player = new SkeletonPlayer(canvas);  // , { wheel: false }
 *   player.onframe = (frame, count) => {...};
 *   player.load(clip);   // an object that clip_for_page returned; starts it.
 *                        // It may have values, a Uint16Array, for points.
 *   player.toggle();     // or play(), pause()
 *   player.seek(frame);
 *   player.speed = 0.5;
 *   player.reset();      // the view from the front
 *   player.clear();      // no clip
 *
 * Dragging turns a 3D clip, the wheel zooms, a double click resets the view.
 * With wheel: false the wheel scrolls the page.
 */
class SkeletonPlayer {
  constructor(canvas, { wheel = true } = {}) {
    this.canvas = canvas;
    this.onframe = () => {};
    this.speed = 1;
    this.clip = null;
    this.playing = false;
    this.frame = 0;
    this.reset();
    this.listen(wheel);
    const tick = time => { this.tick(time); requestAnimationFrame(tick); };
    requestAnimationFrame(tick);
  }

  load(clip) {
    this.clip = { ...clip, values: clip.values || SkeletonPlayer.unpack(clip.points) };
    this.frame = 0;
    this.playing = true;
    this.last = null;
    this.reset();
  }

  static unpack(points) {
    const bytes = Uint8Array.from(atob(points), c => c.charCodeAt(0));
    const view = new DataView(bytes.buffer);
    const values = new Uint16Array(bytes.length / 2);
    for (let i = 0; i < values.length; i++) values[i] = view.getUint16(2 * i, true);
    return values;
  }

  clear() {
    this.clip = null;
    this.playing = false;
    this.draw();
  }

  get count() { return this.clip ? this.clip.shape[1] : 0; }
  play() { this.playing = Boolean(this.clip); this.last = null; }
  pause() { this.playing = false; }
  toggle() { this.playing ? this.pause() : this.play(); }

  seek(frame) {
    if (!this.clip) return;
    this.frame = Math.min(Math.max(0, frame), this.count - 1);
    this.draw();
  }

  reset() {
    this.turn = 0;
    this.tilt = 0;
    this.zoom = 1;
    this.draw();
  }

  listen(wheel) {
    let start = null;
    this.canvas.addEventListener('pointerdown', event => {
      start = [event.clientX, event.clientY, this.turn, this.tilt];
      this.canvas.setPointerCapture(event.pointerId);
    });
    this.canvas.addEventListener('pointermove', event => {
      if (!start || !this.clip || this.clip.shape[3] < 3) return;
      this.turn = start[2] + (event.clientX - start[0]) / 100;
      const tilt = start[3] + (event.clientY - start[1]) / 100;
      this.tilt = Math.min(Math.PI / 2, Math.max(-Math.PI / 2, tilt));
      this.draw();
    });
    for (const end of ['pointerup', 'pointercancel']) {
      this.canvas.addEventListener(end, () => { start = null; });
    }
    if (wheel) this.canvas.addEventListener('wheel', event => {
      event.preventDefault();
      this.zoom = Math.min(8, Math.max(.3, this.zoom * Math.exp(-event.deltaY / 500)));
      this.draw();
    }, { passive: false });
    this.canvas.addEventListener('dblclick', () => this.reset());
  }

  tick(time) {
    if (!this.playing) return;
    if (this.last !== null) {
      const passed = (time - this.last) / 1000 * this.clip.fps * this.speed;
      this.frame = (this.frame + passed) % this.count;
    }
    this.last = time;
    this.draw();
  }

  /* The place of each joint of a person on the canvas: [x, y, depth], or null. */
  project(person, frame) {
    const { shape, values, low, step, center, radius } = this.clip;
    const [, frames, joints, channels] = shape;
    const size = Math.min(this.canvas.width, this.canvas.height);
    const scale = .42 * size / radius * this.zoom;
    const [ct, st] = [Math.cos(this.turn), Math.sin(this.turn)];
    const [cp, sp] = [Math.cos(this.tilt), Math.sin(this.tilt)];
    const points = [];
    for (let joint = 0; joint < joints; joint++) {
      const at = ((person * frames + frame) * joints + joint) * channels;
      if (!values[at]) { points.push(null); continue; }
      const [x, y, z] = [0, 1, 2].map(axis => axis < channels
        ? low[axis] + (values[at + axis] - 1) * step - center[axis] : 0);
      const right = x * ct + z * st;
      const near = z * ct - x * st;
      const up = y * cp - near * sp;
      points.push([this.canvas.width / 2 + right * scale,
        this.canvas.height / 2 - up * scale, near * cp + y * sp]);
    }
    return points;
  }

  draw() {
    const context = this.canvas.getContext('2d');
    context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    if (!this.clip) return;
    const frame = Math.floor(this.frame);
    const unit = Math.min(this.canvas.width, this.canvas.height) / 420;
    for (let person = 0; person < this.clip.shape[0]; person++) {
      const points = this.project(person, frame);
      context.lineCap = 'round';
      context.lineWidth = 4 * unit;
      context.strokeStyle = ['#595959', '#9e9e9e'][person % 2];
      for (const [a, b] of this.clip.bones) {
        if (!points[a] || !points[b]) continue;
        context.beginPath();
        context.moveTo(points[a][0], points[a][1]);
        context.lineTo(points[b][0], points[b][1]);
        context.stroke();
      }
      const order = [...points.keys()].filter(joint => points[joint])
        .sort((a, b) => points[a][2] - points[b][2]);
      for (const joint of order) {
        const [fill, area] = this.style(joint);
        context.beginPath();
        context.arc(points[joint][0], points[joint][1], area * unit, 0, 7);
        context.fillStyle = fill;
        context.fill();
        context.lineWidth = unit;
        context.strokeStyle = '#ffffff';
        context.stroke();
      }
    }
    this.onframe(frame, this.count);
  }

  /* Colour and radius of a joint: from pale to dark red by importance. */
  style(joint) {
    const { importance } = this.clip;
    if (!importance) return ['#2166ac', 5];
    const high = Math.max(...importance);
    const least = Math.min(...importance, high - SkeletonPlayer.LEAST_SPAN);
    const share = (importance[joint] - least) / (high - least);
    const colors = SkeletonPlayer.COLORS;
    const place = share * (colors.length - 1);
    const [a, b] = [colors[Math.floor(place)], colors[Math.ceil(place)]];
    const mix = a.map((value, i) => Math.round(value + (b[i] - value) * (place % 1)));
    return [`rgb(${mix.join(',')})`, 4 + 5 * share];
  }
}
// Five tones of the scale of psp_plugin.tooling.visualization.frames.
SkeletonPlayer.COLORS = [[254, 217, 118], [253, 159, 68], [252, 77, 42], [207, 12, 33], [128, 0, 38]];
SkeletonPlayer.LEAST_SPAN = .05;
