// A matrix of cells, drawn only where it is in sight; nothing but the kernel is asked for anything.

const TALL = 64; // px, a row
const HEAD = 34; // px, the row of column heads
const ROOM = 460; // px, the most that the matrix is high
const NARROW = 132; // px, the least that a column is wide
const WIDE = 300;
const SLIM = 160;
const AROUND = 2; // rows and columns drawn beyond what is in sight
const CALM = 120; // ms without scrolling before pictures are asked for
const KEPT = 300; // pictures

function span(seconds) {
  const whole = Math.max(Math.round(seconds), 0);
  const two = (number) => String(number).padStart(2, "0");
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor(whole / 60) % 60;
  return hours ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}

/** The kernel's clock, from this page's: they may be set differently. */
function kernelNow(table) {
  return performance.now() / 1000 + (table.ahead ?? 0);
}

// --- once for each matrix, whether it is on show or not ---

function initialize({ model }) {
  const stamp = (table) => ({ ...table, ahead: table.now - performance.now() / 1000 });
  const receive = (content) => {
    if (content?.type === "whole") {
      model.set("table", stamp(content.table));
      return;
    }
    if (content?.type !== "patch") return;
    const table = model.get("table");
    if (content.serial <= table.serial) return;
    if (content.serial !== table.serial + 1) {
      model.send({ type: "whole", serial: table.serial });
      return;
    }
    for (const [place, cell] of content.cells) table.cells[place] = cell;
    // Never saved back: the kernel has it already.
    model.set("table", stamp({ ...table, serial: content.serial, now: content.now }));
  };
  const finished = () => {
    const text = model.get("finished");
    if (!text) return;
    announce(text);
    if (model.get("sound")) chime();
  };
  model.set("table", stamp(model.get("table")));
  const unlisten = listen(model, { "msg:custom": receive, "change:finished": finished });
  // What was sent while this module was on its way is asked for.
  model.send({ type: "whole", serial: model.get("table").serial });
  return unlisten;
}

/** Say it in the page's title until a person is there. */
function announce(text) {
  const before = document.title;
  const shown = `✔ ${text}`;
  document.title = shown;
  const seen = () => {
    if (document.title === shown) document.title = before;
    for (const event of ["keydown", "pointerdown"]) window.removeEventListener(event, seen, true);
    window.removeEventListener("focus", seen);
  };
  for (const event of ["keydown", "pointerdown"]) window.addEventListener(event, seen, true);
  window.addEventListener("focus", seen);
}

function chime() {
  try {
    const context = new AudioContext();
    [660, 880].forEach((pitch, number) => {
      const at = context.currentTime + number * 0.18;
      const tone = context.createOscillator();
      const loud = context.createGain();
      tone.frequency.value = pitch;
      loud.gain.setValueAtTime(0.0001, at);
      loud.gain.exponentialRampToValueAtTime(0.15, at + 0.02);
      loud.gain.exponentialRampToValueAtTime(0.0001, at + 0.35);
      tone.connect(loud).connect(context.destination);
      tone.start(at);
      tone.stop(at + 0.4);
      if (number) tone.onended = () => context.close();
    });
  } catch {
    // A page that may make no sound stays silent.
  }
}

// --- each place where it is on show ---

/** The pictures of results, as blob addresses; the oldest go first. */
class Pictures {
  constructor(model, onChange) {
    this.model = model;
    this.urls = new Map(); // by name; null: there is none
    const receive = (content, buffers) => {
      if (content?.type !== "picture") return;
      const good = content.ok && buffers?.length;
      if (this.urls.get(content.name)) return;
      this.urls.set(content.name, good ? URL.createObjectURL(new Blob([buffers[0]], { type: "image/jpeg" })) : null);
      onChange();
    };
    this.unlisten = listen(model, { "msg:custom": receive });
  }

  /** Ask for what is in sight and not there; forget what was not in sight for long. */
  want(names) {
    for (const name of names) {
      if (!this.urls.has(name)) continue;
      const url = this.urls.get(name);
      this.urls.delete(name);
      this.urls.set(name, url);
    }
    for (const [name, url] of this.urls) {
      if (this.urls.size <= KEPT) break;
      if (url) URL.revokeObjectURL(url);
      this.urls.delete(name);
    }
    const missing = names.filter((name) => !this.urls.has(name));
    if (missing.length) this.model.send({ type: "pictures", names: missing });
  }

  close() {
    this.unlisten();
    for (const url of this.urls.values()) if (url) URL.revokeObjectURL(url);
  }
}

class Cell {
  constructor() {
    this.picture = element("img", "mw-matrix-picture", { alt: "", hidden: true });
    this.mark = sign("", "mw-matrix-mark");
    this.word = element("span");
    this.facts = element("div", "mw-matrix-facts");
    this.done = element("i");
    this.bar = element("div", "mw-matrix-bar", this.done);
    const state = element("div", "mw-matrix-state", this.mark, this.word);
    const words = element("div", "mw-matrix-words", state, this.facts, this.bar);
    this.root = element("div", "mw-matrix-cell", { role: "gridcell", tabIndex: -1 }, this.picture, words);
  }

  draw(cell, view) {
    const [state, money, progress, low, high, note, result] = cell;
    const [mark, word, kind] = view.states[state] ?? ["?", state, "odd"];
    this.root.dataset.kind = kind;
    setText(this.mark, `${mark} `);
    setText(this.word, progress === null ? word : `${word}, ${progress} %`);
    const time = leftOf(low, high, view);
    setText(this.facts, [money, time].filter(Boolean).join(" · ") || note || "\u00a0");
    this.bar.hidden = kind !== "moving";
    this.done.style.width = `${progress ?? 0}%`;
    setProperty(this.root, "title", note || "");
    const url = result ? view.pictures.urls.get(result) : null;
    this.picture.hidden = !url;
    if (url) setProperty(this.picture, "src", url);
  }
}

function leftOf(low, high, view) {
  if (high === null || high === undefined) return "";
  const left = (low + high) / 2 - kernelNow(view.table);
  return left > 0 ? fill(view.words.matrix_left, { about: `≈ ${span(left)}` }) : view.words.matrix_late;
}

class View {
  constructor(model, el) {
    this.model = model;
    this.states = model.get("_states");
    this.words = model.get("_words");
    this.table = model.get("table");
    this.active = { row: 0, column: 0 };
    this.rows = new Map();
    this.pictures = new Pictures(model, () => this.later());

    this.corner = element("div", "mw-matrix-corner", { role: "columnheader", "aria-colindex": "1" });
    this.heads = element("div", "mw-matrix-heads", { role: "row", "aria-rowindex": "1" }, this.corner);
    this.columns = new Map();
    this.space = element("div", "mw-matrix-space", { role: "rowgroup" }, this.heads);
    this.scroll = element("div", "mw-matrix-scroll", this.space, {
      role: "grid",
      "aria-label": this.words.board_cells,
      "aria-readonly": "true",
    });
    this.empty = element("p", "mw-matrix-empty", this.words.matrix_empty);
    this.place = element("b", "", { dir: "auto" });
    this.told = element("span", "", { dir: "auto" });
    this.detail = element("div", "mw-matrix-detail", { role: "status" }, this.place, this.told);
    this.open = button("mw-matrix-open", this.words.matrix_result, () => this.show());
    this.foot = element("div", "mw-matrix-foot", this.detail, this.open);
    this.keys = element("p", "mw-matrix-keys", this.words.matrix_keys);
    this.root = element("div", "mw-matrix", this.empty, this.scroll, this.foot, this.keys);
    el.append(this.root);

    this.scroll.addEventListener("scroll", () => this.later(), { passive: true });
    this.scroll.addEventListener("keydown", (event) => this.key(event));
    this.scroll.addEventListener("focusin", (event) => this.focused(event.target));
    this.scroll.addEventListener("dblclick", () => this.show());
    this.sized = new ResizeObserver(() => this.later());
    this.sized.observe(this.root);
    this.unlisten = listen(model, { "change:table": () => this.later() });
    this.clock = setInterval(() => this.tick(), 1000);
    this.draw();
  }

  close() {
    this.unlisten();
    this.sized.disconnect();
    clearInterval(this.clock);
    clearTimeout(this.calm);
    cancelAnimationFrame(this.frame);
    this.pictures.close();
    this.root.remove();
  }

  later() {
    if (this.frame) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      this.draw();
    });
  }

  /** The time that is left runs on by itself. */
  tick() {
    const moving = this.root.isConnected && this.scroll.querySelector('[data-kind="moving"]');
    if (moving && this.root.checkVisibility()) this.later();
  }

  cell(row, column) {
    return this.table.cells[row * this.table.columns.length + column] ?? null;
  }

  measure() {
    const { columns, rows } = this.table;
    const bar = Math.max(this.scroll.offsetWidth - this.scroll.clientWidth, 2); // borders, and what scrolls
    const width = (this.root.clientWidth || 600) - bar;
    this.side = Math.round(Math.min(Math.max(width * 0.22, 84), 220));
    this.wide = Math.floor(Math.min(Math.max((width - this.side) / Math.max(columns.length, 1), NARROW), WIDE));
    this.scroll.style.maxHeight = `${ROOM}px`;
    this.scroll.style.maxWidth = `${this.side + this.wide * columns.length + bar}px`;
    this.root.classList.toggle("mw-matrix-slim", this.wide < SLIM);
    this.space.style.width = `${this.side + this.wide * columns.length}px`;
    this.space.style.height = `${HEAD + TALL * rows.length}px`;
  }

  /** From which row and column to which is in sight, and the one that has the focus wherever it is. */
  sight() {
    const { columns, rows } = this.table;
    const range = (from, length, size, count, active) => {
      const first = Math.max(Math.floor(from / size) - AROUND, 0);
      const last = Math.min(Math.ceil((from + length) / size) + AROUND, count);
      const found = [];
      for (let one = first; one < last; one += 1) found.push(one);
      if (active < count && !found.includes(active)) found.push(active);
      return found.sort((a, b) => a - b);
    };
    return {
      rows: range(this.scroll.scrollTop, this.scroll.clientHeight - HEAD, TALL, rows.length, this.active.row),
      columns: range(
        this.scroll.scrollLeft,
        this.scroll.clientWidth - this.side,
        this.wide,
        columns.length,
        this.active.column,
      ),
    };
  }

  draw() {
    const table = (this.table = this.model.get("table"));
    const { columns, rows } = table;
    const isEmpty = !rows.length || !columns.length;
    this.empty.hidden = !isEmpty;
    this.scroll.hidden = this.foot.hidden = this.keys.hidden = isEmpty;
    if (isEmpty) return;
    this.active.row = Math.min(this.active.row, rows.length - 1);
    this.active.column = Math.min(this.active.column, columns.length - 1);
    setAll(this.scroll, { "aria-rowcount": rows.length + 1, "aria-colcount": columns.length + 1 });
    this.measure();
    setText(this.corner, table.corner);
    this.corner.style.width = `${this.side}px`;
    const sight = this.sight();
    this.drawHeads(sight.columns);
    this.keep(this.rows, sight.rows, (row) => this.newRow(row), (line) => line.root.remove());
    const wanted = [];
    for (const row of sight.rows) this.drawRow(row, sight.columns, wanted);
    this.detailed();
    clearTimeout(this.calm);
    if (wanted.length) this.calm = setTimeout(() => this.pictures.want(wanted), CALM);
    this.root.dataset.serial = table.serial; // what is drawn
  }

  keep(have, wanted, make, drop) {
    const all = new Set(wanted);
    for (const [key, value] of have) {
      if (all.has(key)) continue;
      drop(value);
      have.delete(key);
    }
    for (const key of wanted) if (!have.has(key)) have.set(key, make(key));
  }

  drawHeads(columns) {
    const make = () => {
      const head = element("div", "mw-matrix-head", { role: "columnheader", dir: "auto" });
      this.heads.append(head);
      return head;
    };
    this.keep(this.columns, columns, make, (head) => head.remove());
    for (const column of columns) {
      const head = this.columns.get(column);
      head.setAttribute("aria-colindex", column + 2);
      head.style.left = `${this.side + column * this.wide}px`;
      head.style.width = `${this.wide}px`;
      setText(head, this.table.columns[column]);
      head.title = this.table.columns[column];
    }
  }

  newRow(row) {
    const words = element("span");
    const head = element("div", "mw-matrix-side", { role: "rowheader", "aria-colindex": "1", dir: "auto" }, words);
    const root = element("div", "mw-matrix-row", { role: "row", "aria-rowindex": row + 2 }, head);
    root.style.top = `${HEAD + row * TALL}px`;
    // In order, since that is the order in which it is read.
    const after = [...this.rows.keys()].filter((other) => other > row).sort((a, b) => a - b)[0];
    this.space.insertBefore(root, after === undefined ? null : this.rows.get(after).root);
    return { root, head, words, cells: new Map() };
  }

  drawRow(row, columns, wanted) {
    const line = this.rows.get(row);
    line.head.style.width = `${this.side}px`;
    setText(line.words, this.table.rows[row]);
    line.head.title = this.table.rows[row];
    const make = (column) => {
      const cell = new Cell();
      setAll(cell.root, { "aria-colindex": column + 2, dataset: { row, column } });
      line.root.append(cell.root);
      return cell;
    };
    this.keep(line.cells, columns, make, (cell) => cell.root.remove());
    for (const column of columns) {
      const cell = line.cells.get(column);
      const isActive = row === this.active.row && column === this.active.column;
      cell.root.style.left = `${this.side + column * this.wide}px`;
      cell.root.style.width = `${this.wide}px`;
      setProperty(cell.root, "tabIndex", isActive ? 0 : -1);
      const told = this.cell(row, column);
      cell.root.classList.toggle("mw-matrix-none", told === null);
      if (told === null) continue;
      cell.draw(told, this);
      if (told[6]) wanted.push(told[6]);
    }
  }

  /** The line below the matrix says all of the cell that has the focus. */
  detailed() {
    const { row, column } = this.active;
    const told = this.cell(row, column);
    const heads = [this.table.rows[row], this.table.columns[column]].filter(Boolean).join(" · ");
    setText(this.place, heads);
    let words = "";
    if (told !== null) {
      const [mark, word] = this.states[told[0]] ?? ["?", told[0]];
      words = [`${mark} ${word}`, told[1], told[5]].filter(Boolean).join(" · ");
    }
    setText(this.told, words ? ` ${words}` : "");
    this.open.hidden = !told?.[6];
  }

  show() {
    const name = this.cell(this.active.row, this.active.column)?.[6];
    if (name) this.model.send({ type: "open", name });
  }

  focused(target) {
    const cell = target.closest?.(".mw-matrix-cell");
    if (!cell) return;
    const row = Number(cell.dataset.row);
    const column = Number(cell.dataset.column);
    if (row === this.active.row && column === this.active.column) return;
    this.active = { row, column };
    this.draw();
  }

  key(event) {
    if (event.altKey || event.metaKey) return;
    const { rows, columns } = this.table;
    const screen = Math.max(Math.floor((this.scroll.clientHeight - HEAD) / TALL) - 1, 1);
    const ahead = getComputedStyle(this.scroll).direction === "rtl" ? -1 : 1;
    let { row, column } = this.active;
    const moves = {
      ArrowDown: () => (row += 1),
      ArrowUp: () => (row -= 1),
      ArrowRight: () => (column += ahead),
      ArrowLeft: () => (column -= ahead),
      PageDown: () => (row += screen),
      PageUp: () => (row -= screen),
      Home: () => {
        column = 0;
        if (event.ctrlKey) row = 0;
      },
      End: () => {
        column = columns.length - 1;
        if (event.ctrlKey) row = rows.length - 1;
      },
    };
    if (event.key === "Enter" || event.key === " ") this.show();
    else if (event.key in moves && (!event.ctrlKey || ["Home", "End"].includes(event.key))) moves[event.key]();
    else return;
    claim(event);
    row = Math.min(Math.max(row, 0), rows.length - 1);
    column = Math.min(Math.max(column, 0), columns.length - 1);
    this.go(row, column);
  }

  go(row, column) {
    this.active = { row, column };
    const { scroll } = this;
    const top = row * TALL;
    const left = column * this.wide;
    const high = scroll.clientHeight - HEAD;
    const across = scroll.clientWidth - this.side;
    if (top < scroll.scrollTop) scroll.scrollTop = top;
    else if (top + TALL > scroll.scrollTop + high) scroll.scrollTop = top + TALL - high;
    if (left < scroll.scrollLeft) scroll.scrollLeft = left;
    else if (left + this.wide > scroll.scrollLeft + across) scroll.scrollLeft = left + this.wide - across;
    this.draw();
    this.rows.get(row)?.cells.get(column)?.root.focus({ preventScroll: true });
  }
}

function render({ model, el }) {
  const view = new View(model, el);
  return () => view.close();
}

export default { initialize, render };
