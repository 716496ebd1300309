// A shaded mesh, drawn with a depth buffer of its own into a small picture: a canvas has none.
const MAX_PIXELS = 450000;

class SurfacePainter {
  constructor() {
    this.canvas = document.createElement('canvas');
    this.context = this.canvas.getContext('2d');
    this.normals = this.screen = new Float32Array(0);
  }

  paint(context, vertices, faces, view, colour) {
    const count = vertices.length / 3;
    if (this.screen.length !== 3 * count) {
      this.screen = new Float32Array(3 * count);
      this.normals = new Float32Array(3 * count);
    }
    const box = this.project(vertices, view);
    if (!box) return;
    const [left, top, right, bottom] = box, area = (right - left) * (bottom - top);
    const scale = Math.min(2, Math.max(0.5, Math.sqrt(MAX_PIXELS / area)));
    const width = Math.ceil((right - left) * scale), height = Math.ceil((bottom - top) * scale);
    const picture = this.emptyPicture(width, height);
    this.shade(vertices, faces, view);
    this.fill(faces, new Uint32Array(picture.data.buffer), width, height, left, top, scale, colour);
    this.canvas.width = width;
    this.canvas.height = height;
    this.context.putImageData(picture, 0, 0);
    context.drawImage(this.canvas, left, top, width / scale, height / scale);
  }

  emptyPicture(width, height) {
    if (!this.picture || this.picture.width !== width || this.picture.height !== height) {
      this.picture = this.context.createImageData(width, height);
      this.depths = new Float32Array(width * height);
    }
    this.picture.data.fill(0);
    this.depths.fill(Infinity);
    return this.picture;
  }

  // Places on the screen and depths; the box around them inside of the view.
  project(vertices, view) {
    let left = Infinity, top = Infinity, right = -Infinity, bottom = -Infinity;
    for (let i = 0; i < vertices.length; i += 3) {
      const [x, y, depth] = view.project(vertices[i], vertices[i + 1], vertices[i + 2]);
      this.screen[i] = x; this.screen[i + 1] = y; this.screen[i + 2] = depth;
      if (!(depth > view.near)) return null;
      left = Math.min(left, x); right = Math.max(right, x); top = Math.min(top, y); bottom = Math.max(bottom, y);
    }
    left = Math.max(Math.floor(left) - 1, 0); top = Math.max(Math.floor(top) - 1, 0);
    right = Math.min(Math.ceil(right) + 1, view.width); bottom = Math.min(Math.ceil(bottom) + 1, view.height);
    return left < right && top < bottom ? [left, top, right, bottom] : null;
  }

  // Light at each vertex, from its normal; it is kept in the first of the three numbers of each normal.
  shade(vertices, faces, view) {
    const normals = this.normals.fill(0), v = vertices;
    for (let f = 0; f < faces.length; f += 3) {
      const a = 3 * faces[f], b = 3 * faces[f + 1], c = 3 * faces[f + 2];
      const ux = v[b] - v[a], uy = v[b + 1] - v[a + 1], uz = v[b + 2] - v[a + 2];
      const wx = v[c] - v[a], wy = v[c + 1] - v[a + 1], wz = v[c + 2] - v[a + 2];
      const nx = uy * wz - uz * wy, ny = uz * wx - ux * wz, nz = ux * wy - uy * wx;
      for (const i of [a, b, c]) { normals[i] += nx; normals[i + 1] += ny; normals[i + 2] += nz; }
    }
    const light = [0, 1, 2].map(k => 0.55 * view.back[k] + 0.5 * view.up[k] - 0.35 * view.right[k]);
    const length = Math.hypot(...light);
    for (let i = 0; i < normals.length; i += 3) {
      const size = Math.hypot(normals[i], normals[i + 1], normals[i + 2]) || 1;
      const lit = (normals[i] * light[0] + normals[i + 1] * light[1] + normals[i + 2] * light[2]) / size / length;
      normals[i] = 0.26 + 0.8 * Math.max(0.5 * lit + 0.5, 0) ** 1.4;
    }
  }

  fill(faces, pixels, width, height, left, top, scale, [red, green, blue]) {
    const s = this.screen, light = this.normals, depths = this.depths;
    for (let f = 0; f < faces.length; f += 3) {
      const a = 3 * faces[f], b = 3 * faces[f + 1], c = 3 * faces[f + 2];
      const ax = (s[a] - left) * scale, ay = (s[a + 1] - top) * scale;
      const bx = (s[b] - left) * scale, by = (s[b + 1] - top) * scale;
      const cx = (s[c] - left) * scale, cy = (s[c + 1] - top) * scale;
      const x0 = Math.max(Math.ceil(Math.min(ax, bx, cx) - 0.5), 0);
      const x1 = Math.min(Math.floor(Math.max(ax, bx, cx) - 0.5), width - 1);
      const y0 = Math.max(Math.ceil(Math.min(ay, by, cy) - 0.5), 0);
      const y1 = Math.min(Math.floor(Math.max(ay, by, cy) - 0.5), height - 1);
      const area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax);
      if (!area || x1 < x0 || y1 < y0) continue;
      // Shares of the corners a and b in a pixel, and how they grow from one to the next on its right.
      const growA = (by - cy) / area, growB = (cy - ay) / area;
      const da = s[a + 2], db = s[b + 2], dc = s[c + 2], la = light[a], lb = light[b], lc = light[c];
      for (let y = y0; y <= y1; y++) {
        const px = x0 + 0.5, py = y + 0.5;
        let wa = ((bx - px) * (cy - py) - (by - py) * (cx - px)) / area;
        let wb = ((cx - px) * (ay - py) - (cy - py) * (ax - px)) / area;
        for (let place = y * width + x0, last = y * width + x1; place <= last; place++, wa += growA, wb += growB) {
          const wc = 1 - wa - wb;
          if (wa < 0 || wb < 0 || wc < 0) continue;
          const depth = wa * da + wb * db + wc * dc;
          if (depth >= depths[place]) continue;
          depths[place] = depth;
          const lit = wa * la + wb * lb + wc * lc;
          pixels[place] = 0xff000000 | Math.min(blue * lit, 255) << 16 | Math.min(green * lit, 255) << 8
            | Math.min(red * lit, 255);
        }
      }
    }
  }
}
