// The picture: floor, people, what was and will be, head tracks. The farthest things are drawn first.
const TRUTH = [226, 232, 240], TRUE_BONES = [164, 174, 187], GHOSTS = 4, GHOST_SECONDS = 0.3, LATER = [180, 120, 255];
const GRID_STEPS = [0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 25, 50, 100, 1000];
const SMALL = 3;  // pixels: thinner bones have no light and shade, and no joints

const rgba = ([r, g, b], alpha = 1) => `rgba(${r | 0}, ${g | 0}, ${b | 0}, ${alpha})`;
const mix = (a, b, weight) => a.map((v, k) => v + (b[k] - v) * weight);

class Scene {
  constructor(canvas, data, people) {
    Object.assign(this, {canvas, people, floor: data.floor, camera: data.camera, reach: data.reach});
    this.context = canvas.getContext('2d');
    this.view = new View(data.yaw, data.reach);
    this.middle = data.middle;
    this.painter = new SurfacePainter();
    this.paths = people.map(person => this.path(person));
  }

  // Some points of a head track, by their rows; null where there is none.
  path(person) {
    if (!person.head) return [];
    const every = Math.max(1, Math.ceil(person.time.length / 1500)), out = [];
    for (let row = 0; row < person.time.length; row += every) {
      const pose = person.headPose(row);
      out.push({time: person.time[row], place: pose && pose.place});
    }
    return out;
  }

  draw(state) {
    const {context: c, view, canvas} = this, ratio = Math.min(devicePixelRatio || 1, 2);
    const width = canvas.clientWidth, height = canvas.clientHeight;
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
    }
    Object.assign(view, {width, height});
    view.target = state.follow ? this.followed(state.time) : this.middle;
    view.update();
    c.setTransform(ratio, 0, 0, ratio, 0, 0);
    c.clearRect(0, 0, width, height);
    c.lineCap = c.lineJoin = 'round';
    this.step = this.grid();
    const shown = this.people.filter(person => person.visible).map(person => ({person, row: person.row(state.time)}));
    for (const {person, row} of shown) {
      if (row >= 0 && state.skeleton) this.shadow(person, person.pose(row));
      if (state.track) this.track(this.paths[this.people.indexOf(person)], person, state.time);
    }
    if (state.ghosts) for (const {person} of shown) this.ghosts(person, state.time);
    const things = [];
    for (const {person, row} of shown) if (row >= 0) this.collect(things, person, row, state);
    if (this.camera && state.track) this.frustum({place: this.camera, right: [1, 0, 0], down: [0, 0, -1],
      forward: [0, 1, 0]}, TRUTH, 0.16 * this.reach);
    things.sort((a, b) => b.depth - a.depth);
    for (const thing of things) thing.draw();
  }

  // The middle of the people in the second around a time, so that the view moves calmly; heights stay.
  followed(time) {
    const sum = [0, 0];
    let count = 0;
    for (const person of this.people) {
      if (!person.visible) continue;
      for (let k = -4; k <= 4; k++) {
        const row = lastUpTo(person.time, time + k / 8);
        if (row < 0 || !person.there[row]) continue;
        const center = person.center(row);
        sum[0] += center[0]; sum[1] += center[1]; count++;
      }
    }
    if (count) this.last = [sum[0] / count, sum[1] / count, this.middle[2]];
    return this.last || this.middle;
  }

  // Lines on the floor that fade; returns the metres between them.
  grid() {
    const {context: c, view} = this, extent = 0.42 * view.distance;
    const step = GRID_STEPS.find(s => extent / s <= 5) || 1000, count = 9;
    const at = [0, 1].map(k => Math.round((view.target[k] + view.offset[k]) / step) * step);
    const levels = new Map();
    for (let i = -count; i <= count; i++) {
      for (let j = -count; j < count; j++) {
        const far = Math.hypot(i, j + 0.5) / count;
        if (far > 1) continue;
        const level = Math.round(8 * (1 - far) ** 1.3);
        if (!levels.has(level)) levels.set(level, new Path2D());
        for (const turned of [false, true]) {
          const [x0, y0, x1, y1] = turned ? [j, i, j + 1, i] : [i, j, i, j + 1];
          const ends = view.line([at[0] + x0 * step, at[1] + y0 * step, this.floor],
            [at[0] + x1 * step, at[1] + y1 * step, this.floor]);
          if (!ends) continue;
          levels.get(level).moveTo(ends[0][0], ends[0][1]);
          levels.get(level).lineTo(ends[1][0], ends[1][1]);
        }
      }
    }
    c.lineWidth = 1;
    for (const [level, path] of levels) {
      c.strokeStyle = `rgba(190, 210, 235, ${0.032 * level})`;
      c.stroke(path);
    }
    return step;
  }

  shadow(person, pose) {
    const {context: c, view} = this, path = new Path2D();
    let width = 0;
    for (const [a, b] of person.edges) {
      const ends = view.line([pose[3 * a], pose[3 * a + 1], this.floor], [pose[3 * b], pose[3 * b + 1], this.floor]);
      if (!ends) continue;
      path.moveTo(ends[0][0], ends[0][1]);
      path.lineTo(ends[1][0], ends[1][1]);
      width = 0.028 * person.size * view.focal / ends[0][2];
    }
    for (const [wide, alpha] of width < 2 * SMALL ? [[1.7, 0.3]] : [[2.6, 0.1], [1.7, 0.14], [1, 0.2]]) {
      c.lineWidth = wide * width;
      c.strokeStyle = `rgba(4, 7, 11, ${alpha})`;
      c.stroke(path);
    }
  }

  // All bones of a pose in one line.
  bones(person, pose, colour, share, shift) {
    const {context: c, view} = this, path = new Path2D();
    let width = 0, count = 0;
    for (const [a, b] of person.edges) {
      const ends = view.line([pose[3 * a] + shift[0], pose[3 * a + 1] + shift[1], pose[3 * a + 2] + shift[2]],
        [pose[3 * b] + shift[0], pose[3 * b + 1] + shift[1], pose[3 * b + 2] + shift[2]]);
      if (!ends) continue;
      path.moveTo(ends[0][0], ends[0][1]);
      path.lineTo(ends[1][0], ends[1][1]);
      width += ends[0][2]; count++;
    }
    if (!count) return;
    c.lineWidth = Math.max(share * 0.028 * person.size * view.focal / (width / count), 1);
    c.strokeStyle = colour;
    c.stroke(path);
  }

  ghosts(person, time) {
    for (let k = GHOSTS; k > 0; k--) {
      for (const side of [-1, 1]) {
        const at = time + side * k * GHOST_SECONDS, row = person.row(at);
        if (row < 0 || !person.there[row]) continue;
        const alpha = 0.34 * (1 - k / (GHOSTS + 1));
        this.bones(person, person.pose(row), rgba(side < 0 ? person.colour : mix(person.colour, LATER, 0.35), alpha), 0.6,
          [0, 0, 0]);
      }
    }
  }

  track(path, person, time) {
    const {context: c, view} = this;
    for (const past of [false, true]) {
      const line = new Path2D();
      for (let i = 1; i < path.length; i++) {
        if (path[i].time <= time !== past || !path[i - 1].place || !path[i].place) continue;
        if (path[i].time - path[i - 1].time > Math.max(0.5, 5 * person.step)) continue;
        const ends = view.line(path[i - 1].place, path[i].place);
        if (!ends) continue;
        line.moveTo(ends[0][0], ends[0][1]);
        line.lineTo(ends[1][0], ends[1][1]);
      }
      c.lineWidth = past ? 2 : 1.2;
      c.strokeStyle = rgba(mix(person.colour, TRUTH, 0.3), past ? 0.7 : 0.22);
      c.stroke(line);
    }
  }

  // A camera at a place: four edges, the picture in front of it, and a mark on top.
  frustum({place, right, down, forward}, colour, size) {
    const {context: c, view} = this;
    const corner = (x, y) => place.map((v, k) => v + size * (forward[k] + 0.62 * x * right[k] + 0.46 * y * down[k]));
    const corners = [corner(-1, -1), corner(1, -1), corner(1, 1), corner(-1, 1)];
    const seen = corners.map(point => view.project(...point));
    if (seen.some(point => !(point[2] > view.near)) || !(view.depth(...place) > view.near)) return;
    const apex = view.project(...place), face = new Path2D(), edges = new Path2D(), top = view.project(...corner(0, -1.45));
    seen.forEach((point, k) => {
      face[k ? 'lineTo' : 'moveTo'](point[0], point[1]);
      edges.moveTo(apex[0], apex[1]);
      edges.lineTo(point[0], point[1]);
    });
    face.closePath();
    c.fillStyle = rgba(colour, 0.16);
    c.fill(face);
    c.lineWidth = 1.6;
    c.strokeStyle = rgba(colour, 0.9);
    c.stroke(face);
    c.stroke(edges);
    c.fillStyle = rgba(colour, 0.75);
    c.beginPath();
    c.moveTo(seen[0][0] + 0.3 * (seen[1][0] - seen[0][0]), seen[0][1] + 0.3 * (seen[1][1] - seen[0][1]));
    c.lineTo(top[0], top[1]);
    c.lineTo(seen[0][0] + 0.7 * (seen[1][0] - seen[0][0]), seen[0][1] + 0.7 * (seen[1][1] - seen[0][1]));
    c.fill();
  }

  // Everything of a person at a row that has a depth.
  collect(things, person, row, state) {
    const {view} = this;
    if (state.truth !== 'off' && person.truthJoints) {
      const away = state.truth === 'beside' ? 0.75 * person.size : 0;
      const shift = [-Math.sin(view.start.yaw) * away, Math.cos(view.start.yaw) * away, 0], truth = person.truth(row).slice();
      for (let i = 0; i < truth.length; i++) truth[i] += shift[i % 3];
      this.capsules(things, person, truth, () => TRUE_BONES, 1, away ? 1 : 0.72);
    }
    const surface = state.mesh && person.surface && person.surface.at(row);
    if (surface) {
      const depth = view.depth(...person.center(row)) + 0.5 * person.size;  // bones are seen through it
      things.push({depth, draw: () => this.painter.paint(this.context, surface, person.surface.faces, view,
        mix(person.colour, [255, 255, 255], 0.25))});
    }
    if (state.skeleton) {
      const tint = mix(person.colour, [255, 255, 255], 0.42), shade = mix(person.colour, [10, 20, 40], 0.3);
      const colours = {left: tint, right: shade, '': person.colour}, filled = person.filled[row];
      this.capsules(things, person, person.pose(row).slice(), side => colours[side], filled ? 0.45 : 1, surface ? 0.42 : 1);
    }
    const head = state.track && person.headPose(row);
    if (head) things.push({depth: view.depth(...head.place), draw: () => this.frustum(head, mix(person.colour, TRUTH, 0.35),
      0.13 * person.size)});
  }

  capsules(things, person, pose, colourOf, alpha, share) {
    const {view, context: c} = this, radius = share * 0.0145 * person.size;
    for (const [a, b, side] of person.edges) {
      const p = [pose[3 * a], pose[3 * a + 1], pose[3 * a + 2]], q = [pose[3 * b], pose[3 * b + 1], pose[3 * b + 2]];
      const ends = view.line(p, q);
      if (!ends) continue;
      const [[x0, y0, d0], [x1, y1, d1]] = ends, depth = (d0 + d1) / 2, r = Math.max(radius * view.focal / depth, 0.7);
      const colour = colourOf(side || '');
      things.push({depth, draw: () => {
        const stroke = (style, width, shift) => {
          c.strokeStyle = style;
          c.lineWidth = width;
          c.beginPath();
          c.moveTo(x0 - shift, y0 - shift);
          c.lineTo(x1 - shift, y1 - shift);
          c.stroke();
        };
        if (alpha < 1) return stroke(rgba(colour, alpha), 2 * r, 0);
        stroke('rgba(13, 17, 23, .75)', 2 * r + 2.2, 0);
        if (r < SMALL) return stroke(rgba(colour), 2 * r, 0);
        stroke(rgba(mix(colour, [8, 14, 26], 0.28)), 2 * r, 0);
        stroke(rgba(colour), 1.35 * r, 0.22 * r);
        stroke(rgba(mix(colour, [255, 255, 255], 0.35), 0.8), 0.4 * r, 0.42 * r);
      }});
    }
    for (let j = 0; alpha === 1 && j < person.numJoints; j++) {
      const [x, y, depth] = view.project(pose[3 * j], pose[3 * j + 1], pose[3 * j + 2]);
      if (!(depth > view.near) || radius * view.focal / depth < SMALL) continue;
      const r = Math.max(1.28 * radius * view.focal / depth, 1), colour = colourOf(person.sides[j]);
      things.push({depth: depth - radius, draw: () => {
        for (const [style, size, shift] of [['rgba(13, 17, 23, .75)', r + 1.1, 0], [rgba(mix(colour, [8, 14, 26], 0.22)), r, 0],
          [rgba(mix(colour, [255, 255, 255], 0.12)), 0.74 * r, 0.16 * r],
          [rgba(mix(colour, [255, 255, 255], 0.55)), 0.26 * r, 0.36 * r]]) {
          c.fillStyle = style;
          c.beginPath();
          c.arc(x - shift, y - shift, size, 0, 7);
          c.fill();
        }
      }});
    }
  }
}
