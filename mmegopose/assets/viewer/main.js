// The page: what is shown, and what keys, fingers and buttons do to it.
const data = JSON.parse(document.getElementById('data').textContent);
const element = id => document.getElementById(id);
const people = data.people.map(person => new Person(person));
const begin = Math.min(...people.map(person => person.time[0]));
const end = Math.max(...people.map(person => person.time[person.time.length - 1]));
const clock = time => `${(time + data.clock).toFixed(2)} s`;
const scene = new Scene(element('scene'), data, people);
const timeline = new Timeline(element('timeline'), people, begin, end, time => time + data.clock);
const picture = data.picture && new Picture(element('image'), element('caption'), data.picture, people);
const state = {time: begin, playing: false, speed: 1, ghosts: false, skeleton: true, mesh: true, track: true,
  follow: data.follow, truth: 'over', about: false};
const has = {ghosts: end > begin, skeleton: people.some(person => person.surface),
  mesh: people.some(person => person.surface), track: people.some(person => person.head) || Boolean(data.camera),
  follow: end > begin && !data.in_place, truth: people.some(person => person.truthJoints)};
const stats = {draws: 0, interval: 0};
let dirty = true;

function make(tag, text, parent, attributes = {}) {
  const node = document.createElement(tag);
  node.textContent = text;
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  if (parent) parent.append(node);
  return node;
}

function seek(time) {
  state.time = Math.max(begin, Math.min(end, time));
  dirty = true;
}

// The time of the frame before or after the present one, of whoever has the next one.
function step(direction) {
  set('playing', false);
  const times = people.filter(person => person.visible).map(({time}) => {
    const row = lastUpTo(time, state.time + 1e-6);
    return direction > 0 ? time[row + 1] : time[time[row] < state.time - 1e-6 ? row : row - 1];
  }).filter(time => time !== undefined);
  if (times.length) seek(direction > 0 ? Math.min(...times) : Math.max(...times));
}

function set(name, value) {
  state[name] = value;
  if (name === 'playing' && value && state.time >= end - 1e-6) seek(begin);
  if (name === 'about') element('facts').hidden = !value;
  dirty = true;
  showSwitches();
}

function showSwitches() {
  for (const name of ['ghosts', 'skeleton', 'mesh', 'track', 'follow', 'about']) {
    element(name).setAttribute('aria-pressed', state[name]);
  }
  for (const name of Object.keys(has)) element(name).hidden = !has[name];
  element('truth').value = state.truth;
  element('speed').value = state.speed;
  element('play').querySelector('path').setAttribute('d', state.playing ? 'M3 2h3.6v12H3zM9.4 2H13v12H9.4z' : 'M4 1.8v12.4L14 8z');
}

function makeLegend() {
  element('title').textContent = document.title = data.title;
  element('subtitle').textContent = data.subtitle;
  for (const person of people) {
    const button = make('button', '', make('li', '', element('people')), {'aria-pressed': 'true',
      title: 'show or hide', style: `--colour: ${rgba(person.colour)}`});
    make('i', '', button);
    make('b', person.name, button);
    person.told = make('span', '', button);
    button.onclick = () => {
      person.visible = !person.visible;
      button.setAttribute('aria-pressed', person.visible);
      dirty = true;
    };
  }
  if (has.truth) {
    const row = make('button', '', make('li', '', element('people')), {style: `--colour: ${rgba(TRUTH, 0.75)}`,
      title: 'over, beside, or not at all'});
    make('i', '', row);
    make('b', 'truth', row);
    row.onclick = nextTruth;
  }
  for (const note of data.notes) make('p', note, element('notes'));
}

function nextTruth() {
  const ways = ['over', 'beside', 'off'];
  set('truth', ways[(ways.indexOf(state.truth) + 1) % 3]);
}

function makeFacts() {
  for (const {title, rows} of data.facts) {
    make('h2', title, element('facts'));
    const list = make('dl', '', element('facts'));
    for (const [name, value] of rows) {
      make('dt', name, list);
      make('dd', value, list);
    }
  }
}

// What is told in words at the present time.
function showWords() {
  const missing = [];
  element('clock').replaceChildren(clock(state.time), ' ', make('small', `/ ${clock(end)}`));
  for (const person of people) {
    const status = person.status(state.time), row = person.row(state.time), error = row >= 0 && person.error
      ? person.error[row] : NaN;
    person.told.className = status ? 'warn' : '';
    person.told.textContent = status || (Number.isFinite(error) ? `${error.toFixed(1)} cm` : '');
    if (status === 'no pose' && person.visible) missing.push(person.name);
  }
  const names = missing.length > 3 ? `${missing.length} people` : missing.join(', ');
  element('notice').hidden = !missing.length;
  element('notice').textContent = people.length > 1 ? `${names}: no pose` : 'no pose';
  element('ruler').textContent = `grid ${scene.step >= 0.1 ? `${scene.step} m` : `${+(100 * scene.step).toFixed(2)} cm`}`
    + data.floor_told;
}

function draw() {
  const phone = innerWidth <= 640, wide = picture ? element('picture').clientWidth + 16 : 0;
  Object.assign(scene.view, {insetLeft: 0, insetRight: phone ? 0 : wide});
  scene.draw(state);
  if (end > begin) timeline.draw(state);
  if (picture) picture.draw(state.time, clock, [(phone ? 0.42 : 1) * (element('side').clientWidth - 2),
    (phone ? 0.36 : 0.56) * element('stage').clientHeight]);
  showWords();
  stats.draws++;
}

function tick(now) {
  const passed = Math.min((now - (tick.last || now)) / 1000, 0.25);
  tick.last = now;
  if (state.playing) {
    const time = state.time + passed * state.speed;
    if (time >= end) set('playing', false);
    seek(time);
    stats.interval += (passed - stats.interval) * 0.1;  // seconds from picture to picture
  }
  if (dirty) {
    dirty = false;
    draw();
  }
  requestAnimationFrame(tick);
}

function listenToFingers() {
  const canvas = element('scene'), fingers = new Map();
  canvas.onpointerdown = event => {
    canvas.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, [event.clientX, event.clientY]);
  };
  canvas.onpointermove = event => {
    const before = fingers.get(event.pointerId);
    if (!before) return;
    const now = [event.clientX, event.clientY], [dx, dy] = [now[0] - before[0], now[1] - before[1]];
    const other = [...fingers].find(([id]) => id !== event.pointerId);
    if (other) {
      const far = point => Math.hypot(point[0] - other[1][0], point[1] - other[1][1]) || 1;
      scene.view.zoom(far(before) / far(now));
      scene.view.move(dx / 2, dy / 2);
    } else if (event.buttons === 2 || event.shiftKey) scene.view.move(dx, dy);
    else scene.view.turn(dx, dy);
    fingers.set(event.pointerId, now);
    dirty = true;
  };
  canvas.onpointerup = canvas.onpointercancel = event => fingers.delete(event.pointerId);
  canvas.oncontextmenu = event => event.preventDefault();
  canvas.ondblclick = resetView;
  canvas.addEventListener('wheel', event => {
    event.preventDefault();
    scene.view.zoom(Math.exp(Math.max(-0.4, Math.min(0.4, event.deltaY * (event.deltaMode ? 0.05 : 0.0015)))));
    dirty = true;
  }, {passive: false});
  const line = element('timeline');
  const jump = event => seek(timeline.timeAt(event.clientX - line.getBoundingClientRect().left));
  line.onpointerdown = event => { line.setPointerCapture(event.pointerId); set('playing', false); jump(event); };
  line.onpointermove = event => { if (event.buttons) jump(event); };
}

function resetView() {
  scene.view.reset();
  dirty = true;
}

function listenToKeys() {
  const speeds = [...element('speed').options].map(option => Number(option.value));
  const faster = by => set('speed', speeds[Math.max(0, Math.min(speeds.length - 1, speeds.indexOf(state.speed) + by))]);
  const keys = {' ': () => set('playing', !state.playing), ArrowLeft: () => step(-1), ArrowRight: () => step(1),
    Home: () => seek(begin), End: () => seek(end), '[': () => faster(-1), ']': () => faster(1), r: resetView, c: nextTruth};
  for (const [key, name] of [['g', 'ghosts'], ['s', 'skeleton'], ['m', 'mesh'], ['t', 'track'], ['f', 'follow'], ['i', 'about']]) {
    keys[key] = () => { if (has[name] !== false) set(name, !state[name]); };
    element(name).onclick = keys[key];
  }
  element('play').onclick = keys[' '];
  element('reset').onclick = resetView;
  // A key after a click is meant for the page, not for the button that was clicked.
  addEventListener('click', event => { if (event.detail && document.activeElement) document.activeElement.blur(); });
  element('speed').onchange = event => set('speed', Number(event.target.value));
  element('truth').onchange = event => set('truth', event.target.value);
  addEventListener('keydown', event => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.tagName === 'SELECT') return;
    if (event.key === ' ' && event.target.tagName === 'BUTTON' && event.target.id !== 'play') return;
    if (event.shiftKey && event.key.startsWith('Arrow')) {
      event.preventDefault();
      seek(state.time + (event.key === 'ArrowLeft' ? -1 : 1));
    } else if (keys[event.key]) {
      event.preventDefault();
      keys[event.key]();
    }
  });
}

// page.html#t=3.2&play=1&ghosts=1: how a link opens the page.
function readAddress() {
  const told = new URLSearchParams(location.hash.slice(1));
  for (const name of ['ghosts', 'skeleton', 'mesh', 'track', 'follow', 'about']) {
    if (told.has(name)) set(name, told.get(name) === '1');
  }
  if (['over', 'beside', 'off'].includes(told.get('truth'))) set('truth', told.get('truth'));
  for (const name of ['yaw', 'pitch']) if (told.has(name)) scene.view[name] = Number(told.get(name)) || 0;
  if (told.has('zoom')) scene.view.zoom(1 / (Number(told.get('zoom')) || 1));
  if (told.has('t')) seek(Number(told.get('t')) - data.clock || begin);
  if (told.get('play') === '1') set('playing', true);
}

element('picture').hidden = !picture;
element('bar').classList.toggle('single', end <= begin);
if (end <= begin) for (const id of ['timeline', 'play', 'clock', 'speed']) element(id).hidden = true;
if (picture) picture.onload = () => { dirty = true; };
if (data.camera) element('track').textContent = 'Camera';
makeLegend();
makeFacts();
listenToFingers();
listenToKeys();
showSwitches();
readAddress();
addEventListener('hashchange', readAddress);
new ResizeObserver(() => { dirty = true; }).observe(document.body);
requestAnimationFrame(tick);
window.viewer = {state, people, scene, timeline, picture, stats, seek, set, begin, end};
