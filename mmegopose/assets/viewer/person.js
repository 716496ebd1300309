'use strict';
// Numbers of the page, and one person at a time. Everything that a file brought is data: it never becomes markup.

const ARRAYS = {i2: Int16Array, u1: Uint8Array, u2: Uint16Array, u4: Uint32Array, i4: Int32Array, f4: Float32Array,
  f8: Float64Array};

function unpack(packed) {
  if (!packed) return null;
  const text = atob(packed.data), bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return new ARRAYS[packed.type](bytes.buffer);
}

// Whole numbers times a step, or plain floats; what is not there is NaN.
class Quantised {
  constructor(packed, width) {
    this.values = unpack(packed);
    this.step = packed.step;
    this.width = width;
    this.whole = packed.type === 'i2';
  }

  // Row `row` into `out`, around the centre (cx, cy, cz) if one is given.
  read(row, out, center) {
    const begin = row * this.width;
    for (let i = 0; i < this.width; i++) {
      const value = this.values[begin + i];
      out[i] = this.whole && value === -32768 ? NaN : value * this.step + (center ? center[i % 3] : 0);
    }
    return out;
  }
}

// The last place in `sorted` whose value is at most `value`, or -1.
function lastUpTo(sorted, value) {
  let low = 0, high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] <= value) low = middle + 1; else high = middle;
  }
  return low - 1;
}

class Person {
  constructor(data) {
    Object.assign(this, {name: data.name, colour: data.colour, edges: data.edges, sides: data.sides, size: data.size,
      facts: data.facts, meanError: data.mean_error, numJoints: data.sides.length, shift: data.shift, visible: true});
    this.time = unpack(data.time);
    this.filled = unpack(data.filled);
    this.centers = unpack(data.centers);
    this.joints = new Quantised(data.joints, 3 * this.numJoints);
    this.truthJoints = data.truth && new Quantised(data.truth, 3 * this.numJoints);
    this.error = unpack(data.error);
    this.keypoints = data.keypoints && new Quantised(data.keypoints, 2 * this.numJoints);
    this.head = data.head && {place: unpack(data.head.place), turn: new Quantised(data.head.turn, 4)};
    this.surface = data.mesh && new Surface(data.mesh, this);
    const steps = Array.from(this.time.subarray(1), (t, i) => t - this.time[i]).sort((a, b) => a - b);
    this.step = steps.length ? steps[steps.length >> 1] : 0.04;
    this.buffers = {pose: new Float32Array(3 * this.numJoints), truth: new Float32Array(3 * this.numJoints),
      points: new Float32Array(2 * this.numJoints), turn: new Float32Array(4)};
    this.there = Uint8Array.from(this.time, (_, row) => this.pose(row).some(Number.isFinite) ? 1 : 0);
  }

  // The row that is seen at a time, or -1 where there is none: outside of the recording, or where frames are missing.
  row(time) {
    const row = lastUpTo(this.time, time + 1e-6);
    return row >= 0 && time - this.time[row] <= Math.max(2.5 * this.step, 1e-3) ? row : -1;
  }

  status(time) {
    const row = this.row(time);
    if (row >= 0) return !this.there[row] ? 'no pose' : this.filled[row] ? 'filled in' : '';
    return time < this.time[0] || time > this.time[this.time.length - 1] ? 'not there' : 'no pose';
  }

  center(row) {
    return [0, 1, 2].map(axis => this.centers[3 * row + axis] + this.shift[axis]);
  }

  pose(row) {
    return this.joints.read(row, this.buffers.pose, this.center(row));
  }

  truth(row) {
    return this.truthJoints && this.truthJoints.read(row, this.buffers.truth, this.center(row));
  }

  points(row) {
    return this.keypoints && this.keypoints.read(row, this.buffers.points);
  }

  // Place and axes (right, down, forward) of the head camera, or null.
  headPose(row) {
    if (!this.head || !Number.isFinite(this.head.place[3 * row])) return null;
    const [x, y, z, w] = this.head.turn.read(row, this.buffers.turn);
    return {place: [0, 1, 2].map(axis => this.head.place[3 * row + axis] + this.shift[axis]),
      right: [1 - 2 * (y * y + z * z), 2 * (x * y + z * w), 2 * (x * z - y * w)],
      down: [2 * (x * y - z * w), 1 - 2 * (x * x + z * z), 2 * (y * z + x * w)],
      forward: [2 * (x * z + y * w), 2 * (y * z - x * w), 1 - 2 * (x * x + y * y)]};
  }
}

// A mesh that is kept for some of the rows; between two of them its vertices move evenly.
class Surface {
  constructor(data, person) {
    this.person = person;
    this.faces = unpack(data.faces);
    this.rows = unpack(data.rows);
    this.every = data.every;
    this.vertices = new Quantised(data.vertices, 3 * data.num_vertices);
    this.out = new Float32Array(3 * data.num_vertices);
    this.next = new Float32Array(3 * data.num_vertices);
  }

  at(row) {
    const place = lastUpTo(this.rows, row), before = this.rows[place], after = this.rows[place + 1];
    const center = this.person.center(row);
    if (place < 0) return null;
    if (before === row) return this.vertices.read(place, this.out, center);
    if (after === undefined || after - before > this.every) return null;
    this.vertices.read(place, this.out, center);
    this.vertices.read(place + 1, this.next, center);
    const weight = (row - before) / (after - before);
    for (let i = 0; i < this.out.length; i++) this.out[i] += weight * (this.next[i] - this.out[i]);
    return this.out;
  }
}
