// A page of rows. Text from outside only ever becomes textContent or a control's value; nothing but the
// kernel is asked for anything. Rows are kept by id, so that a control in use survives an update.

const PAUSE = 250; // ms without typing before a search is sent
const STARS = 5;
const LONG = 24; // characters of a cell that may be cut off

function h(tag, name, text) {
  const node = document.createElement(tag);
  if (name) node.className = name;
  if (text !== undefined) node.textContent = text;
  return node;
}

function put(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

function fill(sentence, values) {
  return String(sentence).replace(/\{(\w+)\}/g, (whole, key) => (key in values ? values[key] : whole));
}

let count = 0;

/** A control under its label. */
function labelled(text, control) {
  const root = h("div", "mw-grid-field");
  const label = h("label", "", text);
  control.id = `mw-grid-${(count += 1)}`;
  label.htmlFor = control.id;
  root.append(label, control);
  return root;
}

/** Give a select these [value, text] pairs; its choice stays. */
function offer(select, pairs) {
  const told = JSON.stringify(pairs);
  if (select.dataset.offered === told) return;
  const before = select.value;
  select.replaceChildren(
    ...pairs.map(([value, text]) => {
      const option = h("option", "", text);
      option.value = value;
      return option;
    }),
  );
  if (pairs.some(([value]) => value === before)) select.value = before;
  select.dataset.offered = told;
}

function button(text, action, name = "") {
  const made = h("button", `mw-grid-button ${name}`.trim(), text);
  made.type = "button";
  made.addEventListener("click", () => made.getAttribute("aria-disabled") !== "true" && action());
  return made;
}

/** Not `disabled`, which would take the focus away. */
function enable(node, isReady) {
  if (isReady) node.removeAttribute("aria-disabled");
  else node.setAttribute("aria-disabled", "true");
}

class Row {
  constructor(grid, id) {
    this.grid = grid;
    this.id = id;
    const { words } = grid;
    const root = (this.root = h("tr"));
    this.choose = h("input");
    this.choose.type = "checkbox";
    this.choose.dataset.control = "choose";
    this.choose.setAttribute("aria-label", fill(words.choose, { name: id }));
    this.choose.addEventListener("change", () => grid.choose([id], this.choose.checked));
    const first = h("td", "mw-grid-tick");
    first.append(this.choose);
    this.cells = [];
    this.stars = h("select", "mw-grid-stars");
    this.stars.setAttribute("aria-label", fill(words.stars_of, { name: id }));
    const stars = [["0", "–"]];
    for (let one = 1; one <= STARS; one += 1) stars.push([String(one), "★".repeat(one)]);
    offer(this.stars, stars);
    this.stars.addEventListener("change", () => grid.mark(id, "stars", Number(this.stars.value) || null));
    this.usable = h("select", "mw-grid-usable");
    this.usable.setAttribute("aria-label", fill(words.usable_of, { name: id }));
    offer(this.usable, [
      ["", words.usable_none],
      ["yes", words.usable_yes],
      ["no", words.usable_no],
    ]);
    this.usable.addEventListener("change", () =>
      grid.mark(id, "usable", this.usable.value ? this.usable.value === "yes" : null),
    );
    this.said = h("td", "mw-grid-said");
    this.tags = h("span", "mw-grid-tags");
    this.note = h("span", "mw-grid-note");
    this.note.dir = "auto";
    this.edit = button(words.edit, () => this.open());
    this.edit.dataset.control = "edit";
    this.edit.setAttribute("aria-label", fill(words.edit_of, { name: id }));
    this.edit.setAttribute("aria-expanded", "false");
    this.said.append(this.tags, this.note, this.edit);
    this.first = first;
    this.starsCell = h("td");
    this.starsCell.append(this.stars);
    this.usableCell = h("td");
    this.usableCell.append(this.usable);
    root.append(first, this.starsCell, this.usableCell, this.said);
  }

  update(row, columns) {
    this.row = row;
    const places = columns.map((column) => (column.behind ? "behind" : "before")).join();
    if (places !== this.places) {
      this.places = places;
      for (const cell of this.cells) cell.remove();
      this.cells = columns.map((column) => {
        const cell = h("td");
        this.root.insertBefore(cell, column.behind ? null : this.starsCell);
        return cell;
      });
    }
    columns.forEach((column, i) => {
      const name = column.number ? "mw-number" : ["state", "id"].includes(column.name) ? "mw-whole" : "mw-grid-text";
      if (this.cells[i].className !== name) this.cells[i].className = name;
      if (name === "mw-grid-text") this.cells[i].dir = "auto";
      put(this.cells[i], row.cells[i]);
      const whole = name === "mw-grid-text" ? row.cells[i] : ""; // it may be cut off
      if (this.cells[i].title !== whole) this.cells[i].title = whole;
    });
    this.root.dataset.state = row.state;
    if (document.activeElement !== this.stars) this.stars.value = String(row.stars);
    this.stars.title = row.mean;
    const usable = row.usable === null ? "" : row.usable ? "yes" : "no";
    if (document.activeElement !== this.usable) this.usable.value = usable;
    const tags = row.tags.join("\n");
    if (this.tags.dataset.told !== tags) {
      this.tags.dataset.told = tags;
      this.tags.replaceChildren(...row.tags.map((tag) => Object.assign(h("span", "mw-grid-tag", tag), { dir: "auto" })));
    }
    put(this.note, row.note);
    if (this.note.title !== row.note) this.note.title = row.note; // only its first lines show
    this.ticked();
  }

  ticked() {
    const isChosen = this.grid.chosen.has(this.id);
    this.choose.checked = isChosen;
    this.root.classList.toggle("mw-grid-chosen", isChosen);
  }

  open() {
    if (this.editor) {
      this.shut();
      return;
    }
    const { words } = this.grid;
    const note = h("textarea");
    note.rows = 2;
    note.maxLength = 4000;
    note.value = this.row.note;
    const tags = h("input");
    tags.type = "text";
    tags.value = this.row.tags.join(", ");
    const save = () => {
      this.grid.mark(this.id, "said", { note: note.value, tags: tags.value });
      this.shut();
    };
    const keys = (event) => {
      if (event.key === "Escape") this.shut();
      else if (event.key === "Enter" && (event.target === tags || event.ctrlKey || event.metaKey)) save();
      else return;
      event.preventDefault();
      event.stopPropagation();
    };
    this.editor = h("tr", "mw-grid-editor");
    const cell = h("td");
    cell.colSpan = this.cells.length + 4;
    const box = h("div", "mw-grid-form");
    const both = h("div", "mw-grid-buttons");
    both.append(button(words.save, save), button(words.cancel, () => this.shut()));
    box.append(...this.whole(), labelled(words.note, note), labelled(words.tags, tags), both);
    cell.append(box);
    this.editor.append(cell);
    this.editor.addEventListener("keydown", keys);
    this.root.after(this.editor);
    this.edit.setAttribute("aria-expanded", "true");
    note.focus();
  }

  /** What the table cuts off, for those who have no pointer to rest on it. */
  whole() {
    const { columns } = this.grid.model.get("view");
    return columns.flatMap((column, i) => {
      if ((this.row.cells[i] ?? "").length < LONG) return [];
      const line = h("p", "mw-grid-whole");
      const text = h("span", "", this.row.cells[i]);
      text.dir = "auto";
      line.append(h("b", "", `${column.text}: `), text);
      return [line];
    });
  }

  shut() {
    this.editor?.remove();
    this.editor = null;
    this.edit.setAttribute("aria-expanded", "false");
    if (this.root.isConnected) this.edit.focus();
  }

  drop() {
    this.editor?.remove();
    this.root.remove();
  }
}

class Grid {
  constructor(model, el) {
    this.model = model;
    this.words = model.get("_words");
    this.rows = new Map();
    this.chosen = new Set(model.get("chosen"));
    this.root = h("div", "mw-grid");
    this.root.append(this.tools(), this.actions(), this.body(), this.pages());
    el.append(this.root);

    this.changes = {
      "change:view": () => this.draw(),
      "change:actions": () => this.drawActions(),
      "change:chosen": () => {
        this.chosen = new Set(model.get("chosen"));
        this.drawChosen();
      },
    };
    for (const [event, then] of Object.entries(this.changes)) model.on(event, then);
    // Jupyter's own keys are not for what is typed here.
    this.root.addEventListener("keydown", (event) => this.key(event));
    this.draw();
  }

  close() {
    for (const [event, then] of Object.entries(this.changes)) this.model.off(event, then);
    clearTimeout(this.waiting);
    this.root.remove();
  }

  // --- asking ---

  ask(changes, { keepPage = false } = {}) {
    const ask = { ...this.model.get("ask"), ...(keepPage ? {} : { first: 0 }), ...changes };
    this.model.set("ask", ask);
    this.model.save_changes();
    this.drawFilters();
  }

  mark(id, what, value) {
    this.model.send({ type: "mark", id, what, value });
  }

  act(what) {
    this.model.send({ type: "act", what });
  }

  choose(ids, isChosen) {
    for (const id of ids) {
      if (isChosen) this.chosen.add(id);
      else this.chosen.delete(id);
    }
    this.model.set("chosen", [...this.chosen]);
    this.model.save_changes();
    this.drawChosen();
  }

  // --- making ---

  tools() {
    const { words } = this;
    const ask = this.model.get("ask");
    const root = h("div", "mw-grid-tools");
    this.search = h("input");
    this.search.type = "search";
    this.search.placeholder = words.search_hint;
    this.search.value = ask.search ?? "";
    this.search.addEventListener("input", () => {
      clearTimeout(this.waiting);
      this.waiting = setTimeout(() => this.ask({ search: this.search.value }), PAUSE);
    });
    const search = labelled(words.search, this.search);
    search.classList.add("mw-grid-search");
    this.more = h("details", "mw-grid-more");
    this.summary = h("summary", "", words.filters);
    this.fields = h("div", "mw-grid-fields");
    this.more.append(this.summary, this.fields);
    this.filters = new Map();
    this.more.addEventListener("toggle", () => this.drawFilters());

    this.stars = h("select");
    offer(this.stars, [
      ["0", words.filter_all],
      ...[1, 2, 3, 4, 5].map((one) => [String(one), fill(words.stars_least, { stars: "★".repeat(one) })]),
    ]);
    this.stars.addEventListener("change", () => this.ask({ stars: Number(this.stars.value) }));
    this.usable = h("select");
    offer(this.usable, [
      ["", words.filter_all],
      ["yes", words.usable_yes],
      ["no", words.usable_no],
    ]);
    this.usable.addEventListener("change", () =>
      this.ask({ usable: this.usable.value ? this.usable.value === "yes" : null }),
    );
    this.deleted = h("input");
    this.deleted.type = "checkbox";
    this.deleted.addEventListener("change", () => {
      this.choose([...this.chosen], false);
      this.ask({ deleted: this.deleted.checked });
    });
    const deleted = h("label", "mw-grid-check");
    deleted.append(this.deleted, h("span", "", words.filter_deleted));
    this.clear = button(words.filter_clear, () => {
      this.search.value = "";
      this.ask({ search: "", values: {}, tag: "", stars: 0, usable: null, deleted: false });
    });
    this.fixed = [labelled(words.filter_stars, this.stars), labelled(words.filter_usable, this.usable), deleted, this.clear];
    this.fields.append(...this.fixed);
    root.append(search, this.more);
    return root;
  }

  actions() {
    const { words } = this;
    const root = (this.acts = h("div", "mw-grid-acts"));
    this.told = h("span", "mw-grid-count");
    this.told.setAttribute("role", "status");
    this.compare = button(words.compare, () => this.act("compare"));
    this.load = button(words.load, () => this.act("load"));
    this.rerun = button("", () => this.act("rerun"), "mw-grid-rerun");
    this.away = button(words.delete, () => this.act(this.model.get("view").deleted ? "restore" : "delete"));
    this.none = button(words.unchoose, () => this.choose([...this.chosen], false));
    this.why = h("p", "mw-grid-why");
    this.why.setAttribute("role", "status");
    root.append(this.told, this.compare, this.load, this.rerun, this.away, this.none, this.why);
    return root;
  }

  body() {
    const { words } = this;
    const root = (this.scroll = h("div", "mw-scroll mw-grid-scroll"));
    root.setAttribute("role", "region");
    root.setAttribute("aria-label", words.tab_log);
    root.tabIndex = 0;
    this.same = h("p", "mw-grid-same");
    this.same.dir = "auto";
    const table = h("table", "mw-table mw-log");
    const head = h("thead");
    this.heads = h("tr");
    this.all = h("input");
    this.all.type = "checkbox";
    this.all.setAttribute("aria-label", words.all_shown);
    this.all.addEventListener("change", () => this.choose([...this.rows.keys()], this.all.checked));
    head.append(this.heads);
    this.lines = h("tbody");
    table.append(head, this.lines);
    root.append(table);
    const both = h("div");
    both.append(this.same, root);
    return both;
  }

  pages() {
    const root = h("div", "mw-grid-pages");
    const turn = (by) => {
      const { first, size } = this.model.get("view");
      this.ask({ first: Math.max(first + by * size, 0) }, { keepPage: true });
    };
    this.newer = button(this.words.newer, () => turn(-1));
    this.older = button(this.words.older, () => turn(1));
    this.said = h("span", "mw-grid-at");
    this.said.setAttribute("role", "status");
    root.append(this.newer, this.older, this.said);
    return root;
  }

  // --- drawing ---

  draw() {
    const view = this.model.get("view");
    if (!view.columns) return;
    this.drawFilters();
    put(this.same, view.same);
    this.same.hidden = !view.same;
    this.drawHeads(view.columns);
    const ids = new Set(view.rows.map((row) => row.id));
    for (const [id, row] of this.rows) {
      if (ids.has(id)) continue;
      row.drop();
      this.rows.delete(id);
    }
    let before = null;
    for (const told of view.rows) {
      const row = this.rows.get(told.id) ?? new Row(this, told.id);
      this.rows.set(told.id, row);
      row.update(told, view.columns);
      const place = before === null ? this.lines.firstElementChild : (before.editor ?? before.root).nextElementSibling;
      if (place !== row.root) {
        this.lines.insertBefore(row.root, place);
        if (row.editor) row.root.after(row.editor);
      }
      before = row;
    }
    put(this.said, view.said);
    enable(this.newer, view.first > 0);
    enable(this.older, view.first + view.rows.length < view.total);
    this.newer.hidden = this.older.hidden = view.total <= view.size;
    this.drawChosen();
    this.drawn = (this.drawn ?? 0) + 1;
    this.root.dataset.drawn = this.drawn;
  }

  drawHeads(columns) {
    const { words } = this;
    const ask = this.model.get("ask");
    const all = [
      ...columns.filter((column) => !column.behind),
      { name: "stars", sort: "stars", text: words.column_stars },
      { name: "usable", sort: "", text: words.column_usable },
      { name: "said", sort: "", text: words.column_said },
      ...columns.filter((column) => column.behind),
    ];
    const told = JSON.stringify(all);
    if (this.heads.dataset.told !== told) {
      this.heads.dataset.told = told;
      const focused = document.activeElement?.closest?.("th")?.dataset.name;
      const first = h("th", "mw-grid-tick");
      first.scope = "col";
      first.append(this.all);
      this.heads.replaceChildren(first, ...all.map((column) => this.head(column)));
      if (focused) this.heads.querySelector(`th[data-name="${CSS.escape(focused)}"] button`)?.focus();
    }
    const sort = ask.sort ?? "created";
    const down = ask.down ?? true;
    for (const head of this.heads.querySelectorAll("th[data-sort]")) {
      const isSorted = head.dataset.sort === sort;
      if (isSorted) head.setAttribute("aria-sort", down ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
      put(head.querySelector(".mw-grid-arrow"), isSorted ? (down ? " ▼" : " ▲") : "");
    }
  }

  head(column) {
    const head = h("th", column.number ? "mw-number" : "");
    head.scope = "col";
    head.dataset.name = column.name;
    if (!column.sort) {
      head.textContent = column.text;
      return head;
    }
    head.dataset.sort = column.sort;
    const press = h("button", "mw-grid-sort", column.text);
    press.type = "button";
    const arrow = h("span", "mw-grid-arrow");
    arrow.setAttribute("aria-hidden", "true");
    press.append(arrow);
    press.addEventListener("click", () => {
      const ask = this.model.get("ask");
      const isSorted = (ask.sort ?? "created") === column.sort;
      this.ask({ sort: column.sort, down: isSorted ? !(ask.down ?? true) : true });
      this.drawHeads(this.model.get("view").columns);
    });
    head.append(press);
    return head;
  }

  drawFilters() {
    const { words } = this;
    const ask = this.model.get("ask");
    // Only while they are to be seen: a page of controls that nobody opened is a burden.
    const facets = this.more.open ? (this.model.get("view").facets ?? []) : [];
    for (const facet of facets) {
      let select = this.filters.get(facet.name);
      if (!select) {
        select = h("select");
        this.filters.set(facet.name, select);
        const field = labelled(facet.label, select);
        this.fields.insertBefore(field, this.fixed[0]);
        select.addEventListener("change", () => {
          const now = this.model.get("ask");
          if (facet.name === "tag") {
            this.ask({ tag: select.value ? JSON.parse(select.value) : "" });
            return;
          }
          const values = { ...now.values };
          if (select.value) values[facet.name] = JSON.parse(select.value);
          else delete values[facet.name];
          this.ask({ values });
        });
      }
      offer(select, [["", words.filter_all], ...facet.values.map(([value, text]) => [JSON.stringify(value), text])]);
      const chosen = facet.name === "tag" ? ask.tag || undefined : ask.values?.[facet.name];
      const value = chosen === undefined ? "" : JSON.stringify(chosen);
      if (document.activeElement !== select && select.value !== value) select.value = value;
      // One value everywhere is no choice.
      select.parentElement.hidden = facet.values.length < (facet.name === "tag" ? 1 : 2) && !value;
    }
    this.stars.value = String(ask.stars ?? 0);
    this.usable.value = ask.usable === true ? "yes" : ask.usable === false ? "no" : "";
    this.deleted.checked = ask.deleted === true;
    const set = [...Object.keys(ask.values ?? {}), ask.tag, ask.stars, ask.usable ?? false, ask.deleted].filter(
      (one) => one !== false && one !== 0 && one !== "" && one !== undefined && one !== null,
    ).length;
    const usable = ask.usable === false ? 1 : 0;
    put(this.summary, set + usable ? fill(words.filters_count, { count: set + usable }) : words.filters);
    enable(this.clear, set + usable > 0 || Boolean(ask.search));
  }

  drawChosen() {
    const { words, chosen } = this;
    for (const row of this.rows.values()) row.ticked();
    const shown = [...this.rows.keys()];
    const ticked = shown.filter((id) => chosen.has(id)).length;
    this.all.checked = shown.length > 0 && ticked === shown.length;
    this.all.indeterminate = ticked > 0 && ticked < shown.length;
    put(this.told, chosen.size ? fill(words.chosen, { count: chosen.size }) : words.chosen_none);
    this.drawActions();
  }

  drawActions() {
    const { words, chosen } = this;
    const actions = this.model.get("actions");
    const isAny = chosen.size > 0;
    for (const one of [this.compare, this.away, this.none, this.load]) one.hidden = !isAny;
    this.load.hidden = !isAny || !actions.load;
    enable(this.load, chosen.size === 1);
    const isDeleted = this.model.get("view").deleted === true;
    put(this.away, isDeleted ? words.restore : words.delete);
    const { rerun } = actions;
    this.rerun.hidden = !isAny || !rerun;
    put(this.rerun, rerun?.text ?? "");
    enable(this.rerun, Boolean(rerun?.ready));
    this.rerun.classList.toggle("mw-grid-live", Boolean(rerun?.live));
    put(this.why, isAny ? (rerun?.why ?? "") : "");
    this.why.hidden = !this.why.textContent;
  }

  key(event) {
    const { control } = event.target.dataset ?? {};
    if (control && ["ArrowDown", "ArrowUp"].includes(event.key)) {
      const all = [...this.lines.querySelectorAll(`[data-control="${control}"]`)];
      all[all.indexOf(event.target) + (event.key === "ArrowDown" ? 1 : -1)]?.focus();
      event.preventDefault();
    }
    event.stopPropagation();
  }
}

function render({ model, el }) {
  const grid = new Grid(model, el);
  return () => grid.close();
}

export default { render };
