// A wall of clips with one clock; nothing but the Jupyter server (or the kernel) is asked for anything.

const SPEEDS = [0.25, 0.5, 1];
const BAD = new Set(["rejected", "failed", "cancelled", "vanished", "expired", "written_off"]);

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
    this.root.setAttribute("aria-label", name || this.context.words.player_clips);
    this.root.classList.toggle("mw-wall-bad", !cell.path && BAD.has(cell.state));
    const seenMedia = JSON.stringify(cell.path ? [cell.path] : ["", cell.state, cell.message, cell.progress, cell.poster]);
    // A clip that could not be had is tried again when anything about its cell changes.
    if (seenMedia !== this.seenMedia || (cell.path && !this.player)) {
      this.seenMedia = seenMedia;
      this.setMedia(cell, name);
    }
    if (this.player) {
      this.player.cell = cell;
      const { video } = this.player;
      if (video.readyState < 2 && PICTURE.test(cell.poster ?? "")) setProperty(video, "poster", cell.poster);
    }
    const parts = [];
    if (cell.id && cell.path) {
      const rate = (value) => this.context.said(this.cell.id, "stars", value);
      this.stars ??= new Stars(this.context.words, fill(this.context.words.player_stars, { name }), rate);
      this.stars.set(cell.stars ?? 0);
    }
    if (place) parts.push(bdi("mw-wall-place", place));
    if (cell.label) parts.push(bdi("mw-wall-label", cell.label));
    const notes = [cell.caption, cell.path ? cell.message : ""].filter(Boolean);
    for (const note of notes) parts.push(bdi("mw-wall-note", note));
    // The stars stay where they are: one that has the focus would lose it.
    setChildren(this.root, [this.media, this.caption, ...(cell.id && cell.path ? [this.stars.root] : [])].filter(Boolean));
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
      this.media = card(cell);
    }
  }

  fail(player) {
    if (player !== this.player) return;
    const words = this.context.words;
    this.player = null;
    const name = this.cell.path.replaceAll("\\", "/").split("/").pop();
    this.media = card({ state: words.player_not_shown, message: fill(words.player_unplayable, { name }) });
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

/** What stands where there is nothing to play: a word, a sentence, how far it is, over a dimmed picture. */
function card({ state, message, progress, poster }) {
  const isKnown = typeof progress === "number";
  const parts = [
    PICTURE.test(poster ?? "") ? element("img", "", { src: poster, alt: "" }) : null,
    state ? element("strong", "", String(state).replaceAll("_", " ")) : null,
    message ? bdi("", message) : null,
    isKnown ? element("progress", "", { max: 100, value: progress, "aria-label": String(state) }) : null,
  ];
  return element("div", "mw-wall-card", { dataset: { testid: "wall-card" } }, ...parts);
}

/** The labelled grid; changes only what changed. */
class Grid {
  constructor(model, context) {
    Object.assign(this, { model, context });
    this.tiles = new Map();
    this.parts = new Map();
    this.root = element("div", "mw-wall-grid", { role: "table", "aria-label": context.words.player_clips });
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
    this.root.style.setProperty("--mw-rows", String(rows.length || 1));
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
    const empty = () => this.part(`empty ${place}`, () => element("div", "mw-wall-empty", this.context.words.player_empty));
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
  constructor(clock, words) {
    Object.assign(this, { clock, words });
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
    return button(`mw-page-button ${className}`, "", act, { dataset: { testid: `wall-${name}` } });
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
    on(node, "input", () => {
      const at = Number(node.value);
      this.resume ||= this.clock.state !== "paused";
      if (this.clock.state !== "paused") this.clock.pause();
      this.clock.seek(at);
    });
    on(node, "change", () => {
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

/** The head of a stage: what is shown, and how: side by side, the result alone, or one behind a divider. */
class StageHead {
  constructor(model, words) {
    Object.assign(this, { model });
    this.title = element("h3", "mw-wall-title");
    this.note = element("span", "mw-wall-note");
    const group = `mw-modes-${Math.random().toString(36).slice(2)}`;
    const named = { side: words.stage_side, result: words.stage_result, wipe: words.stage_wipe };
    this.modes = Object.entries(named).map(([value, text]) => {
      const radio = element("input", "", { type: "radio", name: group, value }, OWN_KEYS);
      on(radio, "change", () => {
        model.set("mode", value);
        model.save_changes();
      });
      return element("label", "mw-wall-mode", radio, text);
    });
    this.choice = element("div", "mw-wall-modes", { role: "radiogroup", "aria-label": words.stage_modes }, ...this.modes);
    this.root = element("div", "mw-wall-top", this.title, this.note, this.choice);
    // Its thumb is the divider: dragged, or moved by arrow keys.
    this.divider = element("input", "mw-wall-divider", { type: "range", min: "0", max: "100", value: "50", "aria-label": words.stage_divider }, OWN_KEYS);
  }

  update(root, canCompare) {
    const mode = canCompare ? this.model.get("mode") : "side";
    setText(this.title, this.model.get("heading"));
    setText(this.note, this.model.get("note"));
    this.choice.hidden = !canCompare;
    for (const label of this.modes) label.firstChild.checked = label.firstChild.value === mode;
    this.divider.hidden = mode !== "wipe";
    root.dataset.mode = mode;
  }
}

function keyboard(root, clock) {
  on(root, "keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.matches("input[type=radio], .mw-wall-divider, textarea")) return; // these have their own
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

  const said = (id, what, value) => model.send({ type: "said", id, what, value });
  const grid = new Grid(model, { bytes, words, said, onChange: () => clock.changed() });
  const clock = new Clock({ players: () => grid.players(), fps: () => model.get("fps"), show: () => show() });
  const controls = new Controls(clock, words);
  const head = new StageHead(model, words);
  const row = new ResultRow(model, words);
  const screen = element("div", "mw-wall-screen", grid.root, head.divider);
  // What plays by itself makes no sound until a person turns it on.
  clock.sound = !model.get("autoplay");
  on(head.divider, "input", () => root.style.setProperty("--mw-divider", `${head.divider.value}%`));

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
    const { video, known } = all.at(-1) ?? {};
    row.source(known ? video.currentSrc : "");
  }

  // A region that scrolls must be reachable by keyboard, one that does not is no stop on the way.
  let rests = false; // while it is on a tab that is not open
  const sized = new ResizeObserver(() => {
    const isSeen = grid.root.clientWidth > 0 || grid.root.hidden;
    if (rests !== !isSeen && (rests || clock.state !== "paused")) {
      rests = !isSeen;
      clock.toggle();
    }
    if (grid.root.scrollWidth > grid.root.clientWidth + 1) grid.root.tabIndex = 0;
    else grid.root.removeAttribute("tabindex");
  });
  sized.observe(grid.root);

  let started = null;
  function update() {
    const view = model.get("view");
    root.dataset.view = view;
    grid.update(root);
    const paths = grid.players().map((player) => player.cell.path);
    head.update(root, view === "stage" && paths.length > 1);
    row.update();
    const isEmpty = grid.root.hidden;
    none.hidden = !isEmpty || view !== "wall";
    controls.root.hidden = isEmpty || !paths.length;
    foot.hidden = isEmpty || view !== "wall";
    head.root.hidden = view !== "stage";
    clock.changed();
    const shown = paths.join("\n");
    const isNew = started === null || (view === "stage" && started !== shown);
    if (paths.length && isNew && model.get("autoplay") && !matchMedia("(prefers-reduced-motion: reduce)").matches) {
      started = shown;
      clock.at = 0;
      clock.play();
    }
  }

  let scheduled = false;
  const later = () => {
    if (scheduled) return;
    scheduled = true;
    const drawn = guard("update", update);
    queueMicrotask(() => {
      scheduled = false;
      drawn();
    });
  };
  const unlisten = listen(model, { change: later });

  keyboard(root, clock);
  root.append(head.root, none, screen, controls.root, row.root, foot);
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

export default page({ render });
