// A camera that turns around a target; z is up.
class View {
  constructor(yaw, reach) {
    this.start = {yaw, pitch: 0.21, distance: 3.1 * reach};
    this.reach = reach;
    this.target = [0, 0, 0];
    this.offset = [0, 0, 0];  // of the hand that moved the view
    this.width = this.height = 1;
    this.insetLeft = this.insetRight = 0;
    this.reset();
  }

  reset() {
    Object.assign(this, this.start);
    this.offset = [0, 0, 0];
  }

  turn(dx, dy) {
    this.yaw -= dx * 0.008;
    this.pitch = Math.max(-0.3, Math.min(1.55, this.pitch + dy * 0.008));
  }

  zoom(factor) {
    this.distance = Math.max(0.15 * this.reach, Math.min(60 * this.reach, this.distance * factor));
  }

  move(dx, dy) {
    const scale = this.distance / this.focal;
    for (let k = 0; k < 3; k++) this.offset[k] += (this.up[k] * dy - this.right[k] * dx) * scale;
  }

  // To be called before a picture is drawn.
  update() {
    const [cy, sy, cp, sp] = [Math.cos(this.yaw), Math.sin(this.yaw), Math.cos(this.pitch), Math.sin(this.pitch)];
    this.back = [cp * cy, cp * sy, sp];
    this.right = [-sy, cy, 0];
    this.up = [-sp * cy, -sp * sy, cp];
    this.eye = this.back.map((b, k) => this.target[k] + this.offset[k] + this.distance * b);
    const free = Math.max(this.width - this.insetLeft - this.insetRight, 120);
    this.middle = [this.insetLeft + free / 2, this.height / 2];
    this.focal = 1.45 * Math.min(this.height, 1.15 * free);
    this.near = 0.03 * this.distance;
  }

  depth(x, y, z) {
    const [bx, by, bz] = this.back, [ex, ey, ez] = this.eye;
    return (ex - x) * bx + (ey - y) * by + (ez - z) * bz;
  }

  // Pixels and depth; what is not in front of the camera has a depth below `near`.
  project(x, y, z) {
    const dx = x - this.eye[0], dy = y - this.eye[1], dz = z - this.eye[2], [r, u, b] = [this.right, this.up, this.back];
    const depth = -(dx * b[0] + dy * b[1] + dz * b[2]), scale = this.focal / depth;
    return [this.middle[0] + (dx * r[0] + dy * r[1]) * scale,
      this.middle[1] - (dx * u[0] + dy * u[1] + dz * u[2]) * scale, depth];
  }

  // Both ends of a line on the screen, cut where it passes the camera; null if it is behind.
  line(a, b) {
    const da = this.depth(...a), db = this.depth(...b), near = this.near * 1.01;
    if (!(da > near || db > near) || Number.isNaN(da + db)) return null;
    const cut = (p, q, dp, dq) => p.map((v, k) => v + (q[k] - v) * (near - dp) / (dq - dp));
    if (da < near) a = cut(a, b, da, db);
    if (db < near) b = cut(b, a, db, da);
    return [this.project(...a), this.project(...b)];
  }
}
