// A wall of clips with one clock; nothing but the Jupyter server (or the kernel) is asked for anything.

const SPEEDS = [0.25, 0.5, 1];
const BAD = new Set(["rejected", "failed", "cancelled", "vanished", "expired", "written_off"]);

/** Make `nodes` the children of `parent`, moving none that is in place: a moved video stops. */
function setChildren(parent, nodes) {
  const wanted = new Set(nodes);
  for (const child of [...parent.children]) if (!wanted.has(child)) child.remove();
  nodes.forEach((node, i) => {
    if (parent.children[i] !== node) parent.insertBefore(node, parent.children[i] ?? null);
  });
}

/** One cell: a player or a card of words, and its caption. */
class Tile {
  constructor(context) {
    this.context = context;
    this.root = element("figure", "mw-wall-cell", { dataset: { testid: "wall-cell" } });
    this.caption = element("figcaption", "mw-wall-caption");
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
    this.root.setAttribute("aria-label", name || this.context.words().player_clips);
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
    this.media = card(words.player_not_shown, fill(words.player_unplayable, { path: this.cell.path }));
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
  return element("bdi", name, String(text));
}

function card(state, message) {
  const title = state ? element("strong", "", String(state).replaceAll("_", " ")) : null;
  return element("div", "mw-wall-card", { dataset: { testid: "wall-card" } }, title, message ? bdi("", message) : null);
}

/** The labelled grid; changes only what changed. */
class Grid {
  constructor(model, context) {
    Object.assign(this, { model, context });
    this.tiles = new Map();
    this.parts = new Map();
    this.root = element("div", "mw-wall-grid", { role: "table", "aria-label": context.words().player_clips });
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
    const empty = () => this.part(`empty ${place}`, () => element("div", "mw-wall-empty", this.context.words().player_empty));
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

const withRole = (role, name) => element("div", name, { role });
const head = (role, text) => element("div", "mw-wall-head", { role }, bdi("", text));

/** The row of controls under the grid. */
class Controls {
  constructor(clock, words, fps) {
    Object.assign(this, { clock, words, fps });
    this.play = this.button("play", () => clock.toggle(), "mw-wall-play");
    const back = this.button("back", () => clock.step(-1));
    const forward = this.button("forward", () => clock.step(1));
    back.append(sign("◀\uFE0E "), words.player_back);
    forward.append(`${words.player_forward} `, sign("▶\uFE0E"));
    back.setAttribute("aria-label", words.player_back_name);
    forward.setAttribute("aria-label", words.player_forward_name);
    this.scrub = this.range();
    this.time = element("span", "mw-wall-time", { dataset: { testid: "wall-time" } });
    this.sound = this.button("sound", () => {
      clock.sound = !clock.sound;
      clock.changed();
    });
    this.loop = this.button("loop", () => {
      clock.loop = !clock.loop;
      clock.show();
    });
    const parts = [this.play, back, forward, this.scrub, this.time, this.speeds(), this.sound, this.loop];
    this.root = element("div", "mw-wall-controls", ...parts);
  }

  button(name, act, className = "") {
    return button(className, "", act, { dataset: { testid: `wall-${name}` } });
  }

  range() {
    const node = element("input", "mw-wall-scrub", {
      type: "range",
      min: "0",
      step: "any",
      value: "0",
      "aria-label": this.words.player_position,
      dataset: { testid: "wall-scrub" },
    });
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
    this.speed = SPEEDS.map((speed) => {
      const node = this.button(`speed-${speed}`, () => this.clock.setSpeed(speed));
      node.textContent = `${speed}×`;
      return node;
    });
    return element("div", "mw-wall-speeds", { role: "group", "aria-label": this.words.player_speed }, ...this.speed);
  }

  show() {
    const { clock, words } = this;
    const paused = clock.state === "paused";
    const action = paused ? words.player_play : words.player_pause;
    if (this.play.dataset.text !== action) {
      this.play.dataset.text = action;
      this.play.replaceChildren(...(paused ? [sign("▶\uFE0E ")] : []), action);
    }
    const values = { at: clock.at.toFixed(2), length: clock.length.toFixed(2) };
    setText(this.time, fill(words.player_time, values));
    this.scrub.max = String(clock.length || 1);
    this.scrub.value = String(clock.at);
    const spoken = fill(words.player_time_text, values);
    if (this.scrub.getAttribute("aria-valuetext") !== spoken) this.scrub.setAttribute("aria-valuetext", spoken);
    SPEEDS.forEach((speed, i) => this.speed[i].setAttribute("aria-pressed", String(speed === clock.speed)));
    const heard = clock.sounding;
    setText(this.sound, heard ? (clock.sound ? words.player_sound_on : words.player_sound_off) : words.player_sound_none);
    this.sound.setAttribute("aria-disabled", String(!heard));
    const whose = heard ? fill(words.player_sound_of, { label: heard.video.getAttribute("aria-label") }) : "";
    setProperty(this.sound, "title", whose);
    setText(this.loop, clock.loop ? words.player_loop_on : words.player_loop_off);
  }
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
    claim(event);
  });
}

function render({ model, el }) {
  const words = model.get("_words");
  const root = element("section", "motion-widgets mw-wall", {
    tabIndex: 0,
    "aria-label": words.player_wall,
    // Lab's shortcuts are heard before ours; without this, arrows would move between its cells.
    dataset: { testid: "wall", lmSuppressShortcuts: "true" },
  });
  const bytes = new Bytes(model);
  const status = liveRegion("p", "mw-wall-status", { dataset: { testid: "wall-status" } });
  const none = element("p", "mw-wall-none", words.player_no_cells);
  const foot = element("div", "mw-wall-foot", element("p", "mw-wall-keys", words.player_keys), status);

  const settings = () => ({ fps: model.get("fps") || 24, length: model.get("length") || 0 });
  const grid = new Grid(model, { bytes, words: () => words, onChange: () => clock.changed() });
  const clock = new Clock({ players: () => grid.players(), settings, show: () => show() });
  const controls = new Controls(clock, words);

  function show() {
    const all = grid.players();
    const isLoading = clock.state === "loading" && all.some((player) => !player.known);
    const ready = all.filter((player) => player.ready).length;
    setText(status, isLoading ? fill(words.player_loading, { ready, all: all.length }) : "");
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
  const changes = ["cells", "rows", "columns", "fps", "length"].map((name) => [`change:${name}`, later]);
  const unlisten = listen(model, Object.fromEntries(changes));

  keyboard(root, clock);
  root.append(none, grid.root, controls.root, foot);
  el.append(root);
  update();

  return () => {
    unlisten();
    clock.halt();
    sized.disconnect();
    for (const tile of grid.tiles.values()) tile.drop();
    bytes.close();
    root.remove();
  };
}

export default { render };
