// The frames of the video that came along, with the keypoints of everybody at the time of the frame that is shown.
class Picture {
  constructor(canvas, caption, data, people) {
    Object.assign(this, {canvas, caption, people, corner: data.corner, size: data.size, frames: data.frames, told: data.told});
    this.times = unpack(data.times) || new Float64Array(0);
    this.images = new Map();
    this.onload = () => {};
  }

  // The image of a number, or null while it is decoded; sixty of them are kept.
  image(number) {
    let image = this.images.get(number);
    if (!image) {
      image = new Image();
      image.onload = () => this.onload();
      image.src = `data:image/jpeg;base64,${this.frames[number]}`;
      this.images.set(number, image);
      if (this.images.size > 60) this.images.delete(this.images.keys().next().value);
    }
    return image.complete && image.naturalWidth ? image : null;
  }

  // As large as the room `[width, height]` lets it be.
  draw(time, clock, room) {
    const ratio = Math.min(devicePixelRatio || 1, 2), shape = this.size[0] / this.size[1];
    const width = Math.min(room[0], room[1] * shape), height = width / shape, c = this.canvas.getContext('2d');
    this.canvas.style.width = `${width}px`;
    this.canvas.width = Math.round(width * ratio);
    this.canvas.height = Math.round(height * ratio);
    c.scale(ratio, ratio);
    const number = Math.max(lastUpTo(this.times, time + 1e-4), 0), image = this.times.length && this.image(number);
    if (image) c.drawImage(image, 0, 0, width, height);
    const at = this.times.length ? this.times[number] : time, scale = width / this.size[0];
    if (this.times.length && number + 1 < this.times.length) this.image(number + 1);
    c.lineCap = 'round';
    for (const person of this.people) {
      const row = person.visible ? person.row(at) : -1, points = row >= 0 ? person.points(row) : null;
      if (points) this.skeleton(c, person, points, scale);
    }
    this.shown = {number, time: at, ready: Boolean(image) || !this.times.length};
    this.caption.textContent = this.times.length > 1 ? `${this.told} · ${clock(at)}` : this.told;
    this.caption.hidden = !this.caption.textContent;
  }

  skeleton(c, person, points, scale) {
    const [left, top] = this.corner;
    for (const [dark, width] of [[true, 4.5], [false, 2.2]]) {
      c.strokeStyle = dark ? 'rgba(10, 14, 20, .6)' : rgba(mix(person.colour, [255, 255, 255], 0.15));
      c.lineWidth = width;
      c.beginPath();
      for (const [a, b] of person.edges) {
        if (Number.isNaN(points[2 * a] + points[2 * b])) continue;
        c.moveTo((points[2 * a] - left) * scale, (points[2 * a + 1] - top) * scale);
        c.lineTo((points[2 * b] - left) * scale, (points[2 * b + 1] - top) * scale);
      }
      c.stroke();
    }
    c.fillStyle = '#fff';
    for (let j = 0; j < person.numJoints; j++) {
      if (Number.isNaN(points[2 * j])) continue;
      c.beginPath();
      c.arc((points[2 * j] - left) * scale, (points[2 * j + 1] - top) * scale, 2, 0, 7);
      c.fill();
    }
  }
}
