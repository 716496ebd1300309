// Error over time, and for each person where there is a pose, where it was filled in, and where there is none.
class Timeline {
  constructor(canvas, people, begin, end, clockOf) {
    Object.assign(this, {canvas, people, begin, end: Math.max(end, begin + 1e-3), clockOf});
    this.withError = people.some(person => person.error);
    this.rowHeight = Math.max(1.5, Math.min(7, 64 / people.length));
    this.curveHeight = this.withError ? 64 : 0;
    this.height = this.curveHeight + people.length * (this.rowHeight + (people.length > 12 ? 0.5 : 3)) + 22;
    canvas.style.height = `${this.height}px`;
    const errors = people.flatMap(person => person.error ? Array.from(person.error).filter(Number.isFinite) : []);
    errors.sort((a, b) => a - b);
    this.top = errors.length ? Math.max(errors[Math.floor(0.995 * (errors.length - 1))] * 1.12, 1) : 1;
  }

  x(time) {
    return this.left + (time - this.begin) / (this.end - this.begin) * (this.width - this.left - this.right);
  }

  timeAt(x) {
    const share = (x - this.left) / (this.width - this.left - this.right);
    return this.begin + Math.max(0, Math.min(1, share)) * (this.end - this.begin);
  }

  // What stays is drawn once into a picture; only the line of the present moves.
  draw(state) {
    const ratio = Math.min(devicePixelRatio || 1, 2), width = this.canvas.clientWidth;
    const key = [width, ratio, ...this.people.map(person => person.visible)].join();
    if (key !== this.key) {
      this.key = key;
      Object.assign(this, {width, left: this.withError ? 44 : 2, right: 2});
      this.still = document.createElement('canvas');
      for (const canvas of [this.canvas, this.still]) {
        canvas.width = Math.round(width * ratio);
        canvas.height = Math.round(this.height * ratio);
      }
      const c = this.still.getContext('2d');
      c.scale(ratio, ratio);
      this.drawStill(c);
    }
    const c = this.canvas.getContext('2d');
    c.setTransform(1, 0, 0, 1, 0, 0);
    c.clearRect(0, 0, this.canvas.width, this.canvas.height);
    c.drawImage(this.still, 0, 0);
    c.setTransform(ratio, 0, 0, ratio, 0, 0);
    const x = this.x(state.time), bottom = this.height - 18;
    c.fillStyle = '#e9edf2';
    c.fillRect(x - 0.75, 4, 1.5, bottom - 4);
    c.beginPath();
    c.arc(x, 5, 4.5, 0, 7);
    c.fill();
    for (const person of this.people) {
      const row = person.error && person.visible ? person.row(state.time) : -1;
      if (row < 0 || !Number.isFinite(person.error[row])) continue;
      c.fillStyle = rgba(person.colour);
      c.beginPath();
      c.arc(x, this.y(person.error[row]), 3.5, 0, 7);
      c.fill();
    }
  }

  y(error) {
    return this.curveHeight - 4 - Math.min(error / this.top, 1) * (this.curveHeight - 14);
  }

  drawStill(c) {
    c.font = '11px system-ui, "DejaVu Sans", sans-serif';
    c.textBaseline = 'middle';
    if (this.withError) this.drawErrors(c);
    const gap = this.people.length > 12 ? 0.5 : 3;
    this.people.forEach((person, k) => {
      const y = this.curveHeight + 4 + k * (this.rowHeight + gap), x0 = this.x(person.time[0]);
      const x1 = Math.max(this.x(person.time[person.time.length - 1] + person.step), x0 + 2);
      c.globalAlpha = person.visible ? 1 : 0.3;
      this.hatch(c, x0, y, Math.min(x1, this.width - this.right) - x0);
      for (const filled of [0, 1]) {
        this.runs(person, row => person.there[row] && person.filled[row] === filled, (a, b) => {
          c.fillStyle = rgba(mix(person.colour, [20, 25, 32], filled ? 0.6 : 0.15));
          c.fillRect(a, y, b - a, this.rowHeight);
        });
      }
      c.globalAlpha = 1;
    });
    this.drawTicks(c);
  }

  // A hole: stripes of the colour of warnings.
  hatch(c, x, y, width) {
    c.save();
    c.beginPath();
    c.rect(x, y, width, this.rowHeight);
    c.clip();
    c.fillStyle = 'rgba(255, 180, 84, .16)';
    c.fillRect(x, y, width, this.rowHeight);
    c.strokeStyle = 'rgba(255, 180, 84, .75)';
    c.lineWidth = 1.2;
    c.beginPath();
    for (let s = x - 10; s < x + width + 10; s += 5) {
      c.moveTo(s, y + this.rowHeight + 1);
      c.lineTo(s + this.rowHeight + 2, y - 1);
    }
    c.stroke();
    c.restore();
  }

  // Stretches of rows that are alike, in pixels.
  runs(person, alike, draw) {
    let begin = -1;
    const {time} = person, limit = 2.5 * person.step;
    for (let row = 0; row <= time.length; row++) {
      const cut = row === time.length || !alike(row) || (row > 0 && time[row] - time[row - 1] > limit);
      if (cut && begin >= 0) {
        const a = this.x(time[begin]), b = this.x(Math.min(time[row - 1] + person.step, this.end));
        draw(a, Math.max(b, a + 1));
        begin = -1;
      }
      if (begin < 0 && row < time.length && alike(row)) begin = row;
    }
  }

  drawErrors(c) {
    const base = this.y(0), high = niceStep(this.top / 2.2);
    c.textAlign = 'right';
    for (let value = 0; value <= this.top; value += high) {
      c.fillStyle = 'rgba(255, 255, 255, .07)';
      c.fillRect(this.left, this.y(value), this.width - this.left, 1);
      c.fillStyle = '#93a0b0';
      c.fillText(value ? `${+value.toFixed(3)} cm` : '0', this.left - 6, Math.min(this.y(value), base));
    }
    for (const person of this.people) {
      if (!person.error || !person.visible) continue;
      const line = new Path2D(), area = new Path2D();
      let last = -1;
      const every = Math.max(1, Math.floor(person.time.length / (4 * this.width)));
      for (let row = 0; row < person.time.length; row += every) {
        const there = Number.isFinite(person.error[row]), x = this.x(person.time[row]), y = this.y(person.error[row]);
        if (there && last >= 0 && person.time[row] - person.time[last] <= 2.5 * person.step * every) {
          line.lineTo(x, y);
          area.lineTo(x, y);
        } else {
          if (last >= 0) area.lineTo(this.x(person.time[last]), base);
          if (there) { line.moveTo(x, y); area.moveTo(x, base); area.lineTo(x, y); }
        }
        last = there ? row : -1;
      }
      if (last >= 0) area.lineTo(this.x(person.time[last]), base);
      c.fillStyle = rgba(person.colour, 0.13);
      c.fill(area);
      c.strokeStyle = rgba(person.colour);
      c.lineWidth = 1.5;
      c.stroke(line);
    }
  }

  drawTicks(c) {
    const step = niceStep((this.end - this.begin) / Math.max(this.width / 110, 1)), y = this.height - 7;
    c.fillStyle = '#93a0b0';
    c.textAlign = 'center';
    for (let k = 0; k < 400; k++) {
      const value = (Math.ceil(this.clockOf(this.begin) / step - 1e-9) + k) * step;
      const x = this.x(value - this.clockOf(0));
      if (x > this.width - 12) break;
      if (x > this.left + 8) c.fillText(`${+value.toFixed(3)} s`, x, y);
    }
  }
}

// 1, 2 or 5 times a power of ten, at least `least`.
function niceStep(least) {
  const power = 10 ** Math.floor(Math.log10(Math.max(least, 1e-3)));
  return [1, 2, 5, 10].map(k => k * power).find(step => step >= least * 0.999) || 10 * power;
}
