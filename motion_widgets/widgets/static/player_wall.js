// A wall of clips with one clock. Text from outside only ever becomes textContent; nothing but the
// Jupyter server (or the kernel) is asked for anything.

const SPEEDS = [0.25, 0.5, 1];
const BAD = new Set(["rejected", "failed", "cancelled", "vanished", "expired", "written_off"]);
const FAR = 0.25; // s; further apart than this a clip jumps, nearer it is sped up or slowed down
const PATIENCE = 10_000; // ms to wait for clips before starting with those that are there
const ANSWER = 30_000; // ms to wait for the kernel's bytes
const STALL = 400; // ms that a clip may lack data before all wait for it

function h(tag, name, text) {
  const node = document.createElement(tag);
  if (name) node.className = name;
  if (text !== undefined) node.textContent = text;
  return node;
}

function fill(sentence, values) {
  return String(sentence).replace(/\{(\w+)\}/g, (whole, key) => (key in values ? values[key] : whole));
}

/** Make `nodes` the children of `parent`, moving none that is in place: a moved video stops. */
function setChildren(parent, nodes) {
  const wanted = new Set(nodes);
  for (const child of [...parent.children]) if (!wanted.has(child)) child.remove();
  nodes.forEach((node, i) => {
    if (parent.children[i] !== node) parent.insertBefore(node, parent.children[i] ?? null);
  });
}

/** Where this host's server starts, with a slash at the end; null where there is none (VS Code). */
function serverBase() {
  let base = document.body?.dataset?.baseUrl;
  try {
    base = JSON.parse(document.getElementById("jupyter-config-data").textContent).baseUrl ?? base;
  } catch {
    // Not a Lab page.
  }
  if (typeof base !== "string" || !base.startsWith("/") || base.startsWith("//")) return null;
  // Voilà's own pages name `…/voila/` as theirs.
  return base.replace(/voila\/?$/, "").replace(/\/*$/, "/");
}

/** Addresses to try for a path, in order; none where it leads out of the server's root. */
function addresses(path) {
  const base = serverBase();
  const parts = path.split("/");
  if (base === null || path.includes("\\") || parts.some((part) => ["", ".", ".."].includes(part))) return [];
  const quoted = parts.map(encodeURIComponent).join("/");
  return [`${base}files/${quoted}`, `${base}voila/files/${quoted}`];
}

/** The kernel's answer to "give me the bytes of this path", as blob URLs kept until `close`. */
class Bytes {
  constructor(model) {
    this.model = model;
    this.urls = new Map();
    this.waiting = new Map();
    this.closed = false;
    this.count = 0;
    this.name = Math.random().toString(36).slice(2);
    this.receive = (content, buffers) => {
      if (content?.type !== "bytes") return;
      this.waiting.get(content.id)?.(content.ok && buffers?.length ? buffers[0] : null);
      this.waiting.delete(content.id);
    };
    model.on("msg:custom", this.receive);
  }

  get(path) {
    if (!this.urls.has(path)) {
      const asked = this.ask(path);
      this.urls.set(path, asked);
      asked.then((url) => url ?? this.urls.delete(path));
    }
    return this.urls.get(path);
  }

  async ask(path) {
    const id = `${this.name}-${(this.count += 1)}`;
    const data = await new Promise((resolve) => {
      this.waiting.set(id, resolve);
      setTimeout(resolve, ANSWER, null);
      this.model.send({ type: "bytes", path, id });
    });
    this.waiting.delete(id);
    if (data === null || this.closed) return null;
    const type = path.toLowerCase().endsWith(".webm") ? "video/webm" : "video/mp4";
    return URL.createObjectURL(new Blob([data], { type }));
  }

  close() {
    this.closed = true;
    this.model.off("msg:custom", this.receive);
    for (const answer of this.waiting.values()) answer(null);
    for (const url of this.urls.values()) url.then((made) => made && URL.revokeObjectURL(made));
  }
}

/** One `<video>`, looking for a source that plays. */
class Player {
  constructor(cell, name, { bytes, onChange, onFailed }) {
    this.cell = cell;
    this.onChange = onChange;
    this.failed = false;
    this.dropped = false;
    this.pending = null;
    this.asked = 0;
    this.drift = 0; // s behind the clock, smoothed
    this.nudged = false;
    const video = (this.video = h("video", "mw-wall-video"));
    video.muted = true;
    video.playsInline = true;
    video.preload = "auto";
    video.disableRemotePlayback = true;
    video.setAttribute("aria-label", name);
    video.dataset.testid = "wall-video";
    for (const event of ["loadedmetadata", "canplay", "durationchange", "playing"]) {
      video.addEventListener(event, () => onChange());
    }
    video.addEventListener("seeked", () => {
      if (this.pending !== null) this.seek(this.pending);
      onChange();
    });
    const fail = () => {
      if (this.dropped || this.failed) return;
      this.failed = true;
      onFailed();
    };
    video.addEventListener("error", () => this.known && fail());
    this.load(bytes).then((found) => found || fail());
  }

  async load(bytes) {
    const { path, poster } = this.cell;
    const isLink = typeof poster === "string" && /^data:image\/(png|jpeg|webp|gif)[;,]/.test(poster);
    if (isLink) this.video.poster = poster;
    const posters = !isLink && poster ? addresses(String(poster)) : [];
    for (const [i, address] of addresses(path).entries()) {
      if (posters[i]) this.video.poster = posters[i];
      if (await this.tried(address, i === 0 ? "files" : "voila")) return true;
    }
    if (posters.length) this.video.removeAttribute("poster");
    const url = await bytes.get(path);
    return url !== null && this.tried(url, "bytes");
  }

  tried(address, source) {
    if (this.dropped) return false;
    return new Promise((resolve) => {
      const { video } = this;
      const settle = (good) => {
        video.removeEventListener("loadedmetadata", yes);
        video.removeEventListener("error", no);
        if (good) video.dataset.source = source;
        resolve(good);
      };
      // Sound without a picture, or a codec it cannot draw, has no width.
      const yes = () => settle(video.videoWidth > 0);
      const no = () => settle(false);
      video.addEventListener("loadedmetadata", yes);
      video.addEventListener("error", no);
      this.release = no;
      video.src = address;
    });
  }

  get known() {
    return !this.failed && this.video.dataset.source !== undefined;
  }

  get duration() {
    return this.known && Number.isFinite(this.video.duration) ? this.video.duration : 0;
  }

  /** Can it play on from where it is? At its end there is nothing more to have. */
  get ready() {
    const { video } = this;
    if (!this.known || video.seeking) return false;
    return video.readyState >= 3 || (video.readyState === 2 && video.currentTime >= this.duration - 0.1);
  }

  get sounds() {
    if (typeof this.cell.sound === "boolean") return this.cell.sound;
    return this.video.mozHasAudio === true || this.video.webkitAudioDecodedByteCount > 0;
  }

  seek(at) {
    if (!this.known) return;
    this.asked = at;
    if (this.video.seeking) {
      this.pending = at; // one seek at a time: a fast scrub must not queue a hundred
      return;
    }
    this.pending = null;
    // A hair past the frame's start, because its time rounds down in the file; never quite the end,
    // where some clips show nothing.
    const target = Math.min(at + 0.001, Math.max(0, this.duration - 0.001));
    if (Math.abs(this.video.currentTime - target) > 0.0005) this.video.currentTime = target;
  }

  drop() {
    this.dropped = true;
    this.release?.();
    this.video.pause();
    this.video.removeAttribute("src");
    this.video.load();
  }
}

/** One clock for all players; it owns no element but what it tells `show`. */
class Clock {
  constructor({ players, settings, show }) {
    Object.assign(this, { players, settings, show });
    this.at = 0;
    this.state = "paused"; // paused, loading, playing
    this.speed = 1;
    this.sound = true;
    this.loop = true;
    this.turn = 0;
    this.waiters = new Set();
  }

  get all() {
    return this.players().filter((player) => player.known);
  }

  get length() {
    return this.settings().length || Math.max(0, ...this.all.map((player) => player.duration));
  }

  get sounding() {
    return this.all.find((player) => player.sounds) ?? null;
  }

  /** The longest clip; among those that end with it the one that is heard, which then never drifts. */
  get leader() {
    const longest = Math.max(0, ...this.all.map((player) => player.duration));
    const candidates = this.all.filter((player) => player.duration >= longest - 1 / this.settings().fps);
    return candidates.find((player) => player === this.sounding) ?? candidates[0] ?? null;
  }

  /** Something about a player changed: it loaded, sought, or came and went. */
  changed() {
    for (const waiter of [...this.waiters]) waiter();
    this.hush();
    if (this.state === "paused") this.all.forEach((player) => this.align(player));
    this.show();
  }

  align(player) {
    // Asked once only: where a server knows no Range, a seek goes back to 0 whatever was asked.
    if (player.asked !== this.at) player.seek(this.at);
  }

  hush() {
    const { sounding } = this;
    for (const player of this.players()) {
      const isHeard = this.sound && player === sounding;
      player.video.muted = !isHeard;
      player.video.preservesPitch = isHeard; // a new rate takes hold sooner without
    }
  }

  async play() {
    const { fps } = this.settings();
    const turn = ++this.turn;
    if (this.at >= this.length - 0.5 / fps) this.at = 0;
    this.state = "loading";
    this.all.forEach((player) => player.seek(this.at));
    this.show();
    await this.ready(turn);
    if (turn !== this.turn || !this.leader) {
      if (turn === this.turn) this.pause();
      return;
    }
    this.state = "playing";
    this.lacking = null;
    this.hush();
    // A clip with sound starts some 70 ms late, when the sound device is ready, and may hesitate once
    // more just after: the others wait for it.
    const { leader } = this;
    this.first = leader.sounds ? leader : null;
    this.from = leader.video.currentTime;
    for (const player of this.all) {
      player.drift = 0;
      player.nudged = false;
      if (!this.first || player === leader) this.start(player);
    }
    this.show();
    this.frame = requestAnimationFrame(() => this.tick(turn));
  }

  ready(turn) {
    const open = () => this.players().filter((player) => !player.failed && !player.ready);
    return new Promise((resolve) => {
      const late = setTimeout(() => check(true), PATIENCE);
      const check = (over = false) => {
        if (turn === this.turn && open().length && !over) return;
        clearTimeout(late);
        this.waiters.delete(check);
        resolve();
      };
      this.waiters.add(check);
      check();
    });
  }

  start(player) {
    const { video } = player;
    if (!player.ready || this.at >= player.duration - 0.002) return;
    video.playbackRate = this.speed;
    video.play().catch((error) => {
      // A page that was never clicked may not make a sound: go on without.
      if (error.name !== "NotAllowedError" || video.muted) return;
      this.sound = false;
      this.hush();
      this.show();
      video.play().catch(() => {});
    });
  }

  tick(turn) {
    if (turn !== this.turn) return;
    const { leader } = this;
    if (!leader || !leader.video.isConnected) {
      this.pause();
      return;
    }
    this.at = leader.video.currentTime;
    const end = Math.min(this.length, leader.duration);
    if (leader.video.ended || this.at >= end - 0.001) {
      this.finish();
      return;
    }
    if (this.first === leader && this.at <= this.from && !leader.video.paused) {
      this.frame = requestAnimationFrame(() => this.tick(turn));
      return;
    }
    this.first = null;
    this.all.forEach((player) => this.keep(player, leader));
    if (this.stalled()) {
      this.halt();
      this.play();
      return;
    }
    this.show();
    this.frame = requestAnimationFrame(() => this.tick(turn));
  }

  /** Keep one clip within half a frame of the leader. */
  keep(player, leader) {
    const { video } = player;
    if (video.seeking || this.at >= player.duration - 0.002) return; // a shorter one holds its last frame
    if (video.paused) {
      const behind = this.at - video.currentTime;
      if (player !== leader && Math.abs(behind) > FAR) player.seek(this.at);
      else if (player === leader || behind > -0.004) this.start(player);
      return;
    }
    if (player === leader) {
      this.setRate(video, this.speed);
      return;
    }
    const frame = 1 / this.settings().fps;
    const behind = leader.video.currentTime - video.currentTime;
    if (behind < -0.3 * frame && !player.sounds) {
      video.pause(); // a still picture waits at once and to the ms; a slower one takes its time
      player.drift = 0;
      return;
    }
    // The time of a clip with sound jumps by 30 ms now and then, and follows its rate late: it is the
    // mean that counts, and a gentle hand.
    player.drift += (behind - player.drift) * (player.sounds ? 0.2 : 0.6);
    if (Math.abs(player.drift) > FAR) {
      player.drift = 0;
      player.seek(leader.video.currentTime);
      return;
    }
    player.nudged = Math.abs(player.drift) > (player.nudged ? 0.1 : 0.3) * frame;
    const most = player.sounds ? 0.15 : 0.6;
    const change = Math.max(-most, Math.min(most, player.drift * (player.sounds ? 3 : 10)));
    this.setRate(video, player.nudged ? this.speed * (1 + change) : this.speed);
  }

  setRate(video, rate) {
    const rounded = Math.round(rate * 100) / 100;
    if (video.playbackRate !== rounded) video.playbackRate = rounded;
  }

  stalled() {
    const lacking = this.all.some((player) => !player.ready && !player.video.ended && this.at < player.duration - 0.1);
    const now = performance.now();
    this.lacking = lacking ? (this.lacking ?? now) : null;
    return this.lacking !== null && now - this.lacking > STALL;
  }

  finish() {
    this.halt();
    if (this.loop) {
      this.at = 0;
      this.play();
      return;
    }
    this.at = this.length;
    this.state = "paused";
    this.show();
  }

  /** Stop all clips where they are. */
  halt() {
    this.turn += 1;
    cancelAnimationFrame(this.frame);
    for (const player of this.players()) player.video.pause();
    for (const waiter of [...this.waiters]) waiter();
  }

  /** Stop, all on the same frame. */
  pause() {
    this.halt();
    this.state = "paused";
    this.seek(Math.round(this.at * this.settings().fps) / this.settings().fps);
  }

  toggle() {
    if (this.state === "paused") this.play();
    else this.pause();
  }

  seek(at) {
    this.at = Math.max(0, Math.min(this.length, at));
    this.all.forEach((player) => player.seek(this.at));
    this.show();
  }

  step(frames) {
    if (this.state !== "paused") this.pause();
    const { fps } = this.settings();
    this.seek((Math.round(this.at * fps) + frames) / fps);
  }

  setSpeed(speed) {
    this.speed = speed;
    for (const player of this.all) player.video.playbackRate = speed;
    this.show();
  }
}

/** One cell: a player or a card of words, and its caption. */
class Tile {
  constructor(context) {
    this.context = context;
    this.root = h("figure", "mw-wall-cell");
    this.root.dataset.testid = "wall-cell";
    this.caption = h("figcaption", "mw-wall-caption");
    this.player = null;
    this.media = null;
    this.seen = this.seenMedia = null;
  }

  update(cell) {
    const seen = JSON.stringify(cell);
    if (seen === this.seen) return;
    this.seen = seen;
    this.cell = cell;
    const place = [cell.row, cell.column].filter(Boolean).join(" · ");
    const name = [place, cell.label].filter(Boolean).join(": ");
    this.root.dataset.row = cell.row ?? "";
    this.root.dataset.column = cell.column ?? "";
    this.root.setAttribute("aria-label", name || this.context.words().clips);
    this.root.classList.toggle("mw-wall-bad", !cell.path && BAD.has(cell.state));
    const seenMedia = JSON.stringify(cell.path ? [cell.path] : ["", cell.state, cell.message]);
    // A clip that could not be had is tried again when anything about its cell changes.
    if (seenMedia !== this.seenMedia || (cell.path && !this.player)) {
      this.seenMedia = seenMedia;
      this.setMedia(cell, name);
    }
    if (this.player) this.player.cell = cell;
    const parts = [];
    if (place) parts.push(bdi("mw-wall-place", place));
    if (cell.label) parts.push(bdi("mw-wall-label", cell.label));
    const notes = [cell.caption, cell.path ? cell.message : ""].filter(Boolean);
    for (const note of notes) parts.push(bdi("mw-wall-note", note));
    this.caption.replaceChildren(...parts);
    this.player?.video.setAttribute("aria-label", name);
  }

  setMedia(cell, name) {
    this.player?.drop();
    this.player = null;
    if (cell.path) {
      const { bytes, onChange } = this.context;
      const player = new Player(cell, name, { bytes, onChange, onFailed: () => this.fail(player) });
      this.player = player;
      this.media = player.video;
    } else {
      this.media = card(cell.state, cell.message);
    }
    setChildren(this.root, [this.media, this.caption]);
  }

  fail(player) {
    if (player !== this.player) return;
    const words = this.context.words();
    this.player = null;
    this.media = card(words.not_shown, fill(words.unplayable, { path: this.cell.path }));
    setChildren(this.root, [this.media, this.caption]);
    player.drop();
    this.context.onChange();
  }

  drop() {
    this.player?.drop();
    this.root.remove();
  }
}

function bdi(name, text) {
  return h("bdi", name, String(text));
}

function card(state, message) {
  const node = h("div", "mw-wall-card");
  node.dataset.testid = "wall-card";
  if (state) node.append(h("strong", "", String(state).replaceAll("_", " ")));
  if (message) node.append(bdi("", message));
  return node;
}

/** The labelled grid; changes only what changed. */
class Grid {
  constructor(model, context) {
    Object.assign(this, { model, context });
    this.tiles = new Map();
    this.parts = new Map();
    this.root = h("div", "mw-wall-grid");
    this.root.setAttribute("role", "table");
    this.root.setAttribute("aria-label", context.words().clips);
  }

  /** An element that stays the same from one update to the next. */
  part(key, make) {
    if (!this.parts.has(key)) this.parts.set(key, make());
    this.used.add(key);
    return this.parts.get(key);
  }

  update(wall) {
    const cells = (this.model.get("cells") ?? []).map((cell) => ({
      ...cell,
      row: String(cell.row ?? ""),
      column: String(cell.column ?? ""),
      path: typeof cell.path === "string" ? cell.path : "",
    }));
    const rows = [...new Set([...(this.model.get("rows") ?? []), ...cells.map((cell) => cell.row)])];
    const columns = [...new Set([...(this.model.get("columns") ?? []), ...cells.map((cell) => cell.column)])];
    wall.classList.toggle("mw-wall-rownameless", rows.every((row) => !row));
    wall.classList.toggle("mw-wall-columnless", columns.every((column) => !column));
    this.root.style.setProperty("--mw-columns", String(columns.length || 1));
    this.root.hidden = !cells.length;
    this.used = new Set();
    const kept = new Set();
    const lines = rows.map((row) => this.row(row, columns, cells, kept));
    for (const [key, tile] of this.tiles) {
      if (kept.has(key)) continue;
      tile.drop();
      this.tiles.delete(key);
    }
    for (const key of [...this.parts.keys()]) if (!this.used.has(key)) this.parts.delete(key);
    setChildren(this.root, [this.heads(columns), ...lines]);
  }

  heads(columns) {
    const line = this.part("heads", () => withRole("row", "mw-wall-row mw-wall-heads"));
    const corner = this.part("corner", () => withRole("cell", "mw-wall-corner"));
    const heads = columns.map((name) => this.part(`head ${name}`, () => head("columnheader", name)));
    setChildren(line, [corner, ...heads]);
    return line;
  }

  row(row, columns, cells, kept) {
    const line = this.part(`row ${row}`, () => withRole("row", "mw-wall-row"));
    const first = this.part(`rowhead ${row}`, () => head("rowheader", row));
    setChildren(line, [first, ...columns.map((column) => this.slot(row, column, cells, kept))]);
    return line;
  }

  slot(row, column, cells, kept) {
    const place = JSON.stringify([row, column]);
    const slot = this.part(`slot ${place}`, () => withRole("cell", "mw-wall-slot"));
    const here = cells.filter((cell) => cell.row === row && cell.column === column);
    const nodes = here.map((cell, i) => {
      const key = `${place} ${i}`;
      if (!this.tiles.has(key)) this.tiles.set(key, new Tile(this.context));
      kept.add(key);
      const tile = this.tiles.get(key);
      tile.update(cell);
      return tile.root;
    });
    const empty = () => this.part(`empty ${place}`, () => h("div", "mw-wall-empty", this.context.words().empty));
    setChildren(slot, nodes.length ? nodes : [empty()]);
    return slot;
  }

  /** Players in the order in which they are read. */
  players() {
    const order = new Map([...this.root.querySelectorAll("video")].map((video, i) => [video, i]));
    return [...this.tiles.values()]
      .map((tile) => tile.player)
      .filter(Boolean)
      .sort((a, b) => (order.get(a.video) ?? 0) - (order.get(b.video) ?? 0));
  }
}

function withRole(role, name) {
  const node = h("div", name);
  node.setAttribute("role", role);
  return node;
}

function head(role, text) {
  const node = withRole(role, "mw-wall-head");
  node.append(bdi("", text));
  return node;
}

/** The row of controls under the grid. */
class Controls {
  constructor(clock, words, fps) {
    Object.assign(this, { clock, words, fps });
    this.root = h("div", "mw-wall-controls");
    this.play = this.button("play", () => clock.toggle(), "mw-wall-play");
    const back = this.button("back", () => clock.step(-1));
    const forward = this.button("forward", () => clock.step(1));
    back.append(mark("◀\uFE0E "), words.back);
    forward.append(`${words.forward} `, mark("▶\uFE0E"));
    back.setAttribute("aria-label", words.back_name);
    forward.setAttribute("aria-label", words.forward_name);
    this.scrub = this.range();
    this.time = h("span", "mw-wall-time");
    this.time.dataset.testid = "wall-time";
    this.sound = this.button("sound", () => {
      clock.sound = !clock.sound;
      clock.changed();
    });
    this.loop = this.button("loop", () => {
      clock.loop = !clock.loop;
      clock.show();
    });
    this.root.append(this.play, back, forward, this.scrub, this.time, this.speeds(), this.sound, this.loop);
  }

  button(name, act, className = "") {
    const node = h("button", className);
    node.type = "button";
    node.dataset.testid = `wall-${name}`;
    node.addEventListener("click", () => node.getAttribute("aria-disabled") !== "true" && act());
    return node;
  }

  range() {
    const node = h("input", "mw-wall-scrub");
    Object.assign(node, { type: "range", min: "0", step: "any", value: "0" });
    node.dataset.testid = "wall-scrub";
    node.setAttribute("aria-label", this.words.position);
    node.addEventListener("input", () => {
      const at = Number(node.value);
      this.resume ||= this.clock.state !== "paused";
      if (this.clock.state !== "paused") this.clock.pause();
      this.clock.seek(at);
    });
    node.addEventListener("change", () => {
      if (this.resume) this.clock.play();
      this.resume = false;
    });
    return node;
  }

  speeds() {
    const group = h("div", "mw-wall-speeds");
    group.setAttribute("role", "group");
    group.setAttribute("aria-label", this.words.speed);
    this.speed = SPEEDS.map((speed) => {
      const node = this.button(`speed-${speed}`, () => this.clock.setSpeed(speed));
      node.textContent = `${speed}×`;
      group.append(node);
      return node;
    });
    return group;
  }

  show() {
    const { clock, words } = this;
    const paused = clock.state === "paused";
    set(this.play, paused ? words.play : words.pause, paused ? "▶\uFE0E " : "");
    const values = { at: clock.at.toFixed(2), length: clock.length.toFixed(2) };
    setText(this.time, fill(words.time, values));
    this.scrub.max = String(clock.length || 1);
    this.scrub.value = String(clock.at);
    const spoken = fill(words.time_text, values);
    if (this.scrub.getAttribute("aria-valuetext") !== spoken) this.scrub.setAttribute("aria-valuetext", spoken);
    SPEEDS.forEach((speed, i) => this.speed[i].setAttribute("aria-pressed", String(speed === clock.speed)));
    const heard = clock.sounding;
    setText(this.sound, heard ? (clock.sound ? words.sound_on : words.sound_off) : words.sound_none);
    this.sound.setAttribute("aria-disabled", String(!heard));
    const whose = heard ? fill(words.sound_of, { label: heard.video.getAttribute("aria-label") }) : "";
    if (this.sound.title !== whose) this.sound.title = whose;
    setText(this.loop, clock.loop ? words.loop_on : words.loop_off);
  }
}

function mark(sign) {
  const node = h("span", "", sign);
  node.setAttribute("aria-hidden", "true");
  return node;
}

function set(button, text, sign) {
  if (button.dataset.text === text) return;
  button.dataset.text = text;
  button.replaceChildren(...(sign ? [mark(sign)] : []), text);
}

function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

function keyboard(root, clock) {
  root.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const isButton = event.target.closest("button") !== null;
    const isRange = event.target.matches("input[type=range]");
    const frames = { ArrowLeft: -1, ArrowRight: 1, ...(isRange ? { ArrowDown: -1, ArrowUp: 1 } : {}) }[event.key];
    if (event.key === " " && !isButton) {
      if (!event.repeat) clock.toggle();
    } else if (frames) clock.step(frames);
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
}

function render({ model, el }) {
  const words = model.get("_words");
  const root = h("section", "motion-widgets mw-wall");
  root.tabIndex = 0;
  root.dataset.testid = "wall";
  // Lab's shortcuts are heard before ours; without this, arrows would move between its cells.
  root.dataset.lmSuppressShortcuts = "true";
  root.setAttribute("aria-label", words.wall);

  const bytes = new Bytes(model);
  const status = h("p", "mw-wall-status");
  status.dataset.testid = "wall-status";
  status.setAttribute("role", "status");
  status.setAttribute("aria-live", "polite");
  const none = h("p", "mw-wall-none", words.no_cells);
  const foot = h("div", "mw-wall-foot");
  foot.append(h("p", "mw-wall-keys", words.keys), status);

  const settings = () => ({ fps: model.get("fps") || 24, length: model.get("length") || 0 });
  const grid = new Grid(model, { bytes, words: () => words, onChange: () => clock.changed() });
  const clock = new Clock({ players: () => grid.players(), settings, show: () => show() });
  const controls = new Controls(clock, words);

  function show() {
    const all = grid.players();
    const isLoading = clock.state === "loading" && all.some((player) => !player.known);
    const ready = all.filter((player) => player.ready).length;
    setText(status, isLoading ? fill(words.loading, { ready, all: all.length }) : "");
    root.dataset.state = clock.state;
    root.dataset.at = String(clock.at);
    const shape = all.find((player) => player.known)?.video;
    if (shape?.videoWidth) root.style.setProperty("--mw-ratio", `${shape.videoWidth} / ${shape.videoHeight}`);
    controls.show();
  }

  // A region that scrolls must be reachable by keyboard, one that does not is no stop on the way.
  const sized = new ResizeObserver(() => {
    if (grid.root.scrollWidth > grid.root.clientWidth + 1) grid.root.tabIndex = 0;
    else grid.root.removeAttribute("tabindex");
  });
  sized.observe(grid.root);

  let isStarted = false;
  function update() {
    grid.update(root);
    const isEmpty = grid.root.hidden;
    none.hidden = !isEmpty;
    controls.root.hidden = foot.hidden = isEmpty;
    clock.changed();
    if (!isEmpty && !isStarted && model.get("autoplay") && !matchMedia("(prefers-reduced-motion: reduce)").matches) {
      isStarted = true;
      clock.play();
    }
  }

  let scheduled = false;
  const later = () => {
    if (scheduled) return;
    scheduled = true;
    queueMicrotask(() => {
      scheduled = false;
      update();
    });
  };
  const changes = ["cells", "rows", "columns", "fps", "length"].map((name) => `change:${name}`);
  for (const change of changes) model.on(change, later);

  keyboard(root, clock);
  root.append(none, grid.root, controls.root, foot);
  el.append(root);
  update();

  return () => {
    for (const change of changes) model.off(change, later);
    clock.halt();
    sized.disconnect();
    for (const tile of grid.tiles.values()) tile.drop();
    bytes.close();
    root.remove();
  };
}

export default { render };
