// A matrix of cells, drawn only where it is in sight; nothing but the kernel is asked for anything.

const ALL = 40; // rows that are drawn in any case; of more, those in sight
const TALL = 84; // px, a row of so many
const AROUND = 2; // rows drawn beyond what is in sight
const CALM = 120; // ms without scrolling before pictures are asked for

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
    model.set("table", stamp({ ...table, serial: content.serial, now: content.now, sums: content.sums ?? table.sums }));
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
  const seen = () => document.title === shown && (document.title = before);
  for (const event of ["keydown", "pointerdown"]) on(window, event, seen, { capture: true, once: true });
  on(window, "focus", seen, { once: true });
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

class Cell {
  constructor(view) {
    this.picture = element("img", "mw-matrix-picture", { alt: "", hidden: true });
    this.mark = sign("", "mw-matrix-mark");
    this.word = element("span");
    this.facts = element("div", "mw-matrix-facts");
    this.stars = element("div", "mw-matrix-stars", { role: "img" });
    this.done = element("i");
    this.bar = element("div", "mw-matrix-bar", this.done);
    // Enter on the cell does the same, so that the table stays one stop on the way.
    this.change = button("mw-page-button", view.words.matrix_change, () => view.act("change", this.told[10]), { tabIndex: -1 });
    const state = element("div", "mw-matrix-state", this.mark, this.word);
    const words = element("div", "mw-matrix-words", state, this.facts, this.stars, this.bar, this.change);
    this.root = element("td", "mw-matrix-cell", { tabIndex: -1 }, element("div", "", this.picture, words));
    on(this.picture, "click", () => view.act("open", this.told[6]));
  }

  draw(cell, view) {
    this.told = cell;
    const [state, money, progress, low, high, note, result, called, fact, stars, change] = cell;
    const [mark, word, kind] = view.states[state] ?? ["?", state, "odd"];
    this.root.dataset.kind = kind;
    const isShort = kind === "good" || kind === "moving";
    setText(this.mark, isShort || kind === "bad" || kind === "odd" ? `${mark} ` : "");
    // What is done says what it cost; the word is for those who do not see the mark.
    this.word.replaceChildren(
      element("span", isShort ? "mw-only-spoken" : "", called || word),
      isShort ? ` ${progress === null ? money : progress + " %"}` : "",
    );
    const time = leftOf(low, high, view);
    const facts = [fact || (isShort && progress === null ? "" : money), time];
    setText(this.facts, facts.filter(Boolean).join(" · "));
    setText(this.stars, "★".repeat(Math.round(stars ?? 0)));
    this.stars.hidden = !stars;
    if (stars) this.stars.setAttribute("aria-label", fill(view.words.stars_of, { stars }));
    this.bar.hidden = kind !== "moving";
    this.done.style.width = `${progress ?? 0}%`;
    this.change.hidden = !change;
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

/** A head: its words, and on lines of their own what its cells came to. */
function headed(head, text, sums) {
  const lines = (sums ?? "").split("\n").filter(Boolean).map((line) => element("span", "mw-matrix-sum", line));
  const told = JSON.stringify([text, sums]);
  if (head.dataset.told === told) return;
  head.dataset.told = told;
  head.replaceChildren(element("bdi", "", text), ...lines);
}

class View {
  constructor(model, el) {
    this.model = model;
    this.states = model.get("_states");
    this.words = model.get("_words");
    this.active = { row: 0, column: 0 };
    this.rows = new Map();
    this.pictures = new Pictures(model, () => this.later());

    this.head = element("thead");
    this.body = element("tbody");
    this.above = element("tr", "", { "aria-hidden": "true" }, element("td"));
    this.below = element("tr", "", { "aria-hidden": "true" }, element("td"));
    this.grid = element("table", "", this.head, this.body, {
      role: "grid",
      "aria-label": this.words.board_cells,
      "aria-readonly": "true",
    });
    const region = { role: "region", "aria-label": this.words.board_cells };
    this.scroll = element("div", "mw-matrix-scroll mw-scroll", this.grid, region, OWN_KEYS);
    this.beside = element("p", "mw-matrix-beside", this.words.matrix_beside, { hidden: true });
    this.empty = element("p", "", this.words.matrix_empty);
    this.place = element("b", "", { dir: "auto" });
    this.told = element("span", "", { dir: "auto" });
    this.detail = element("div", "mw-matrix-detail", { role: "status" }, this.place, this.told);
    this.open = button("mw-page-button", "", () => this.enter());
    this.foot = element("div", "mw-matrix-foot", this.detail, this.open, { hidden: true });
    this.keys = element("p", "", this.words.matrix_keys, { hidden: true });
    this.root = element("div", "mw-matrix", this.empty, this.beside, this.scroll, this.foot, this.keys);
    el.append(this.root);

    on(this.scroll, "scroll", () => this.later(), { passive: true });
    on(this.grid, "keydown", (event) => this.key(event));
    on(this.grid, "focusin", (event) => this.focused(event.target));
    on(this.grid, "dblclick", () => this.enter());
    this.sized = new ResizeObserver(() => this.later());
    this.sized.observe(this.root);
    this.unlisten = listen(model, { "change:table": () => this.later() });
    this.clock = setInterval(guard("tick", () => this.tick()), 1000);
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
    const draw = guard("draw", () => this.draw());
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      draw();
    });
  }

  /** The time that is left runs on by itself. */
  tick() {
    const moving = this.root.isConnected && this.grid.querySelector('[data-kind="moving"]');
    if (moving && this.root.checkVisibility()) this.later();
  }

  cell(row, column) {
    return this.table.cells[row * this.table.columns.length + column] ?? null;
  }

  /** The rows that are drawn: all, or those in sight and the one that has the focus wherever it is. */
  sight() {
    const count = this.table.rows.length;
    if (count <= ALL) return [...Array(count).keys()];
    const first = Math.max(Math.floor(this.scroll.scrollTop / TALL) - AROUND, 0);
    const last = Math.min(Math.ceil((this.scroll.scrollTop + this.scroll.clientHeight) / TALL) + AROUND, count);
    return Array.from({ length: last - first }, (_, at) => first + at);
  }

  draw() {
    const table = (this.table = this.model.get("table"));
    const { columns, rows } = table;
    const isEmpty = !rows.length || !columns.length;
    this.empty.hidden = !isEmpty;
    this.scroll.hidden = isEmpty;
    if (isEmpty) return;
    this.active.row = Math.min(this.active.row, rows.length - 1);
    this.active.column = Math.min(this.active.column, columns.length - 1);
    this.levels = Math.max(...columns.map((path) => path.length));
    const isLong = rows.length > ALL;
    this.root.classList.toggle("mw-matrix-long", isLong);
    this.grid.style.setProperty("--mw-columns", columns.length);
    setAll(this.grid, { "aria-rowcount": rows.length + this.levels, "aria-colcount": columns.length + 1 });
    this.drawHeads();
    const sight = this.sight();
    this.drawRows(sight, isLong);
    const wanted = sight.flatMap((row) => columns.map((_, column) => this.cell(row, column)?.[6]).filter(Boolean));
    this.detailed();
    this.reach();
    clearTimeout(this.calm);
    if (wanted.length) this.calm = setTimeout(guard("pictures", () => this.pictures.want(wanted)), CALM);
    this.root.dataset.serial = table.serial; // what is drawn
  }

  /** Heads of several levels, each over the columns that share it. */
  drawHeads() {
    const { columns, sums, corner } = this.table;
    const told = JSON.stringify([columns, corner]);
    if (told !== this.headed) {
      this.headed = told;
      const first = element("th", "mw-matrix-corner", corner, { scope: "row", rowSpan: this.levels });
      const lines = Array.from({ length: this.levels }, (_, level) => {
        const line = element("tr", "", { "aria-rowindex": level + 1 }, level ? null : first);
        for (const [text, from, wide] of spans(columns, level)) {
          const scope = level < this.levels - 1 ? "colgroup" : "col";
          const options = { scope, colSpan: wide, title: text, "aria-colindex": from + 2 };
          const head = element("th", level < this.levels - 1 ? "mw-matrix-group" : "mw-matrix-head", options);
          headed(head, text, "");
          line.append(head);
        }
        return line;
      });
      this.head.replaceChildren(...lines);
    }
    this.head.lastChild.querySelectorAll(".mw-matrix-head").forEach((head, column) => {
      headed(head, columns[column].at(-1), sums.columns[column]);
    });
  }

  drawRows(sight, isLong) {
    const all = new Set(sight);
    const { rows, columns, sums } = this.table;
    for (const [row, line] of this.rows) {
      if (!all.has(row) || line.cells.length !== columns.length) this.rows.delete(row);
    }
    const lines = sight.map((row) => {
      const line = this.rows.get(row) ?? this.newRow(row);
      headed(line.head, rows[row], sums.rows[row]);
      line.head.title = rows[row];
      line.cells.forEach((cell, column) => {
        const isActive = row === this.active.row && column === this.active.column;
        setProperty(cell.root, "tabIndex", isActive ? 0 : -1);
        const told = this.cell(row, column);
        cell.root.classList.toggle("mw-matrix-none", told === null);
        if (told !== null) cell.draw(told, this);
      });
      return line.root;
    });
    // Whoever tabs into a long table finds its first cell in sight.
    if (isLong && !all.has(this.active.row)) {
      const cell = this.rows.get(sight[0])?.cells[this.active.column];
      if (cell) cell.root.tabIndex = 0;
    }
    const wanted = isLong ? [this.above, ...lines, this.below] : lines;
    if (isLong) {
      this.above.style.height = `${sight[0] * TALL}px`;
      this.below.style.height = `${(rows.length - sight.at(-1) - 1) * TALL}px`;
    }
    setChildren(this.body, wanted);
  }

  newRow(row) {
    const head = element("th", "mw-matrix-side", { scope: "row", "aria-colindex": "1" });
    const cells = this.table.columns.map((_, column) => {
      const cell = new Cell(this);
      setAll(cell.root, { "aria-colindex": column + 2, dataset: { row, column } });
      setAll(cell.root, OWN_KEYS);
      return cell;
    });
    const root = element("tr", "", { "aria-rowindex": row + this.levels + 1 }, head, ...cells.map((cell) => cell.root));
    const line = { root, head, cells };
    this.rows.set(row, line);
    return line;
  }

  /** The line below the matrix says all of the cell that has the focus. */
  detailed() {
    const { row, column } = this.active;
    const told = this.cell(row, column);
    setText(this.place, [this.table.rows[row], ...this.table.columns[column]].filter(Boolean).join(" · "));
    let words = "";
    if (told !== null) {
      const [mark, word] = this.states[told[0]] ?? ["?", told[0]];
      words = [`${mark} ${word}`, told[1], told[5]].filter(Boolean).join(" · ");
    }
    setText(this.told, words ? ` ${words}` : "");
    this.open.hidden = !told?.[6] && !told?.[10];
    setText(this.open, told?.[6] ? this.words.action_show : this.words.matrix_change);
  }

  /** What scrolls sideways says so, and can be scrolled by keyboard. */
  reach() {
    const isWide = this.scroll.scrollWidth > this.scroll.clientWidth + 1;
    this.root.classList.toggle("mw-matrix-wide", isWide);
    this.beside.hidden = !isWide;
    setProperty(this.scroll, "tabIndex", isWide ? 0 : -1);
  }

  act(type, name) {
    if (name) this.model.send({ type, name });
  }

  enter() {
    const told = this.cell(this.active.row, this.active.column);
    if (told?.[6]) this.act("open", told[6]);
    else this.act("change", told?.[10]);
  }

  focused(target) {
    const cell = target.closest?.(".mw-matrix-cell");
    if (!cell) return;
    this.foot.hidden = this.keys.hidden = false;
    const row = Number(cell.dataset.row);
    const column = Number(cell.dataset.column);
    if (row === this.active.row && column === this.active.column) return;
    this.active = { row, column };
    this.draw();
  }

  key(event) {
    if (event.altKey || event.metaKey || event.target.closest("button")) return;
    const { rows, columns } = this.table;
    const screen = Math.max(Math.floor(this.scroll.clientHeight / TALL) - 2, 1);
    const ahead = getComputedStyle(this.scroll).direction === "rtl" ? -1 : 1;
    const whole = event.ctrlKey ? Infinity : 0;
    const [down, across] =
      {
        ArrowDown: [1, 0],
        ArrowUp: [-1, 0],
        ArrowRight: [0, ahead],
        ArrowLeft: [0, -ahead],
        PageDown: [screen, 0],
        PageUp: [-screen, 0],
        Home: [-whole, -Infinity],
        End: [whole, Infinity],
      }[event.key] ?? [];
    if (event.key === "Enter" || event.key === " ") this.enter();
    else if (down === undefined || (event.ctrlKey && !["Home", "End"].includes(event.key))) return;
    claim(event);
    const clamp = (at, count) => Math.min(Math.max(at, 0), count - 1);
    this.go(clamp(this.active.row + (down ?? 0), rows.length), clamp(this.active.column + (across ?? 0), columns.length));
  }

  go(row, column) {
    this.active = { row, column };
    if (this.table.rows.length > ALL) {
      const top = row * TALL;
      const high = this.scroll.clientHeight - this.head.offsetHeight;
      if (top < this.scroll.scrollTop) this.scroll.scrollTop = top;
      else if (top + TALL > this.scroll.scrollTop + high) this.scroll.scrollTop = top + TALL - high;
    }
    this.draw();
    const cell = this.rows.get(row)?.cells[column]?.root;
    cell?.focus({ preventScroll: true });
    cell?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }
}

/** The heads of a level: text, first column, and how many columns share it and all above it. */
function spans(columns, level) {
  const found = [];
  columns.forEach((path, column) => {
    const before = columns[column - 1];
    const isSame = before && level < path.length - 1 && path.slice(0, level + 1).every((text, at) => text === before[at]);
    if (isSame) found.at(-1)[2] += 1;
    else found.push([path[level] ?? "", column, 1]);
  });
  return found;
}

function render({ model, el }) {
  const view = new View(model, el);
  return () => view.close();
}

export default page({ initialize, render });
