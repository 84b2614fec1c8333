// A page of rows, with filters, sorting and actions; nothing but the kernel is asked for anything. Rows are
// kept by id, so that a control in use survives an update.

const PAUSE = 250; // ms without typing before a search is sent

class Grid {
  constructor(model, el) {
    this.model = model;
    this.words = model.get("_words");
    this.rows = new Map();
    this.heads = new Map();
    this.popups = [];
    this.chosen = new Set(model.get("chosen"));
    this.pictures = new Pictures(model, () => {
      for (const row of this.rows.values()) row.draw();
    });
    this.root = element("div", "mw-grid", this.tools(), this.body(), this.actions());
    el.append(this.root);
    this.seen = new IntersectionObserver(guard("pictures", () => this.want()));
    this.seen.observe(this.root);

    this.unlisten = listen(model, {
      "change:view": () => this.draw(),
      "change:actions": () => this.drawActions(),
      "change:ask": () => this.drawTools(),
      "change:chosen": () => {
        this.chosen = new Set(model.get("chosen"));
        this.drawChosen();
      },
    });
    // Jupyter's own keys are not for what is typed here.
    on(this.root, "keydown", (event) => this.key(event));
    this.draw();
  }

  close() {
    this.unlisten();
    this.seen.disconnect();
    this.pictures.close();
    clearTimeout(this.waiting);
    this.root.remove();
  }

  // --- asking ---

  ask(changes, { keepPage = false } = {}) {
    const ask = { ...this.model.get("ask"), ...(keepPage ? {} : { first: 0 }), ...changes };
    this.model.set("ask", ask);
    this.model.save_changes();
    this.drawTools();
  }

  filter(name, value) {
    const values = { ...this.model.get("ask").values };
    if (value === undefined) delete values[name];
    else values[name] = value;
    if (name === "deleted") this.choose([...this.chosen], false);
    this.ask({ values });
  }

  mark(id, what, value) {
    this.model.send({ type: "mark", id, what, value });
  }

  /** Send an action with the rows that it is for: it overtakes a change of the model while the kernel is busy. */
  act(what, more = {}) {
    this.model.send({ type: "act", what, chosen: [...this.chosen], ...more });
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

  /** Ask for the pictures of the rows, once the table is in sight. */
  want() {
    const { top, bottom } = this.root.getBoundingClientRect();
    if (!this.root.isConnected || bottom < 0 || top > innerHeight || bottom === top) return;
    const named = ({ id, row }) => (row.past ? [] : row.pictures.map((kind) => `${kind} ${id}`));
    this.pictures.want([...this.rows.values()].flatMap(named));
  }

  // --- making ---

  tools() {
    const { words } = this;
    this.search = element("input", "mw-grid-search", {
      type: "search",
      placeholder: words.log_search_hint,
      "aria-label": words.log_search,
    });
    on(this.search, "input", () => {
      clearTimeout(this.waiting);
      this.waiting = setTimeout(guard("search", () => this.ask({ search: this.search.value })), PAUSE);
    });
    this.chips = element("span", "mw-grid-chips");
    this.adding = this.popup(words.log_filter_add, (sheet, shut) => this.filterSheet(sheet, shut));
    this.group = element("select");
    offer(this.group, [["run", words.log_group_run], ["", words.log_group_none]]);
    on(this.group, "change", () => this.ask({ group: this.group.value }, { keepPage: true }));
    const group = labelled(words.log_group, this.group);
    group.classList.add("mw-grid-beside");
    this.columns = this.popup(words.log_columns, (sheet) => this.columnSheet(sheet));
    this.views = this.popup(words.log_views, (sheet, shut) => this.viewSheet(sheet, shut));
    this.exports = this.popup(words.log_download, (sheet, shut) => {
      const made = ["csv", "parquet", "json"].map((kind) =>
        button("mw-page-button", fill(words.log_export, { kind }), () => {
          this.act("export", { kind });
          shut();
        }),
      );
      sheet.replaceChildren(...made);
    });
    const end = element("div", "mw-grid-end", group, this.columns, this.views, this.exports);
    return element("div", "mw-grid-tools", this.search, this.chips, this.adding, end);
  }

  /** A button that opens a sheet below it; Escape and leaving it close it. */
  popup(text, draw) {
    const sheet = element("div", "mw-grid-sheet");
    const root = element("details", "mw-grid-pop", element("summary", "", text), sheet);
    const shut = () => {
      root.open = false;
      root.firstChild.focus();
    };
    root.redraw = () => root.open && draw(sheet, shut);
    on(root, "toggle", () => {
      if (root.open) for (const other of this.popups) other.open &&= other === root;
      root.redraw();
    });
    on(root, "focusout", (event) => {
      if (event.relatedTarget && !root.contains(event.relatedTarget)) root.open = false;
    });
    on(root, "keydown", (event) => {
      if (event.key !== "Escape" || !root.open) return;
      shut();
      claim(event);
    });
    this.popups.push(root);
    return root;
  }

  filterSheet(sheet, shut) {
    const { words } = this;
    const { facets } = this.model.get("view");
    if (!facets?.length) {
      this.act("filters"); // what there is to filter by takes a while to find in a long log
      sheet.replaceChildren(element("span", "", words.log_filter_wait));
      return;
    }
    const told = JSON.stringify(facets);
    if (sheet.dataset.told === told && sheet.querySelector("select")) return;
    sheet.dataset.told = told;
    const what = element("select");
    const value = element("select");
    offer(what, facets.map((facet) => [facet.name, facet.label]));
    const refill = () => {
      const { values } = facets.find((facet) => facet.name === what.value);
      offer(value, [["", words.log_filter_pick], ...values.map(([one, text]) => [JSON.stringify(one), text])]);
      value.value = "";
    };
    on(what, "change", refill);
    on(value, "change", () => {
      if (!value.value) return;
      this.filter(what.value, JSON.parse(value.value));
      value.value = "";
      shut();
    });
    refill();
    sheet.replaceChildren(labelled(words.log_filter_by, what), labelled(words.log_filter_value, value));
    what.focus();
  }

  columnSheet(sheet) {
    const boxes = this.model.get("view").offered.map(({ name, text, shown }) => {
      const box = element("input", "", { type: "checkbox", checked: shown, value: name });
      on(box, "change", () => {
        const all = [...sheet.querySelectorAll("input")];
        this.ask({ columns: all.filter((one) => one.checked).map((one) => one.value) }, { keepPage: true });
      });
      return element("label", "mw-grid-check", box, element("span", "", text));
    });
    sheet.replaceChildren(...boxes);
  }

  viewSheet(sheet, shut) {
    const { words } = this;
    const say = (what, name) => {
      this.model.send({ type: "view", what, name });
      shut();
    };
    const lines = this.model.get("view").views.map((name) =>
      element(
        "div",
        "mw-grid-buttons",
        button("mw-page-button", name, () => say("open", name), { dir: "auto" }),
        button("mw-grid-x", "✕", () => say("drop", name), { "aria-label": fill(words.log_view_drop, { name }) }),
      ),
    );
    const name = element("input", "", { type: "text", maxLength: 60 });
    on(name, "keydown", (event) => {
      if (event.key === "Enter" && name.value.trim()) say("save", name.value);
    });
    const save = button("mw-page-button", words.log_view_save, () => name.value.trim() && say("save", name.value));
    sheet.replaceChildren(...lines, labelled(words.log_view_name, name), save);
  }

  body() {
    const { words } = this;
    this.same = element("p", "mw-grid-same", { dir: "auto" });
    this.head = element("tr");
    this.all = element("input", "", { type: "checkbox", "aria-label": words.log_all_shown });
    on(this.all, "change", () => this.choose([...this.rows.keys()], this.all.checked));
    this.lines = element("tbody");
    const table = element("table", "mw-table mw-log", element("thead", "", this.head), this.lines);
    const region = { role: "region", "aria-label": words.tab_log, tabIndex: 0 };
    return element("div", "", this.same, element("div", "mw-scroll", region, OWN_KEYS, table));
  }

  actions() {
    const { words } = this;
    const act = (text, name) => button("mw-page-button", text, () => this.act(name));
    this.told = element("span", "mw-grid-count", { role: "status" });
    this.compare = act(words.log_compare, "compare");
    this.load = act(words.log_load, "load");
    this.rerun = button("mw-page-button", "", () => this.act("rerun"));
    this.away = button("mw-page-button", words.log_delete, () =>
      this.act(this.model.get("view").deleted ? "restore" : "delete"),
    );
    this.none = button("mw-page-button", words.log_unchoose, () => this.choose([...this.chosen], false));
    this.why = element("p", "mw-grid-why", { role: "status" });
    const turn = (by) => {
      const { first, size } = this.model.get("view");
      this.ask({ first: Math.max(first + by * size, 0) }, { keepPage: true });
    };
    this.newer = button("mw-page-button", words.newer, () => turn(-1));
    this.older = button("mw-page-button", words.older, () => turn(1));
    this.said = element("span", "mw-grid-at", { role: "status" });
    const end = element("span", "mw-grid-end", this.newer, this.said, this.older);
    const buttons = [this.compare, this.load, this.rerun, this.away, this.none];
    return element("div", "mw-grid-acts", this.told, ...buttons, end, this.why);
  }

  // --- drawing ---

  draw() {
    const view = this.model.get("view");
    if (!view.columns) return;
    this.drawTools();
    setText(this.same, view.same);
    this.same.hidden = !view.same;
    this.drawHead(view.columns);
    for (const key of this.heads.keys()) if (!(key in view.groups)) this.heads.delete(key);
    const before = this.rows;
    this.rows = new Map();
    const lines = [];
    let group = null;
    for (const told of view.rows) {
      if (told.group !== group && told.group in view.groups) lines.push(this.groupHead(told.group, view));
      group = told.group;
      const row = before.get(told.id) ?? new Row(this, told.id);
      this.rows.set(told.id, row);
      row.update(told, view.columns);
      lines.push(row.root, ...(row.editor ? [row.editor] : []));
    }
    setChildren(this.lines, lines);
    setText(this.said, view.said);
    enable(this.newer, view.first > 0);
    enable(this.older, view.first + view.rows.length < view.total);
    this.newer.hidden = this.older.hidden = view.total <= view.size;
    this.drawChosen();
    this.want();
    this.drawn = (this.drawn ?? 0) + 1;
    this.root.dataset.drawn = this.drawn;
  }

  /** The line above the rows of a run, or above the single jobs. */
  groupHead(key, view) {
    const { words } = this;
    const { title, name, facts, here } = view.groups[key];
    let head = this.heads.get(key);
    if (!head) {
      const bold = element("b", "", { dir: "auto" });
      const told = element("span", "mw-grid-facts");
      const act = (text, what) => button("mw-page-button", text, () => this.act(what, { run: key }));
      const buttons = [act(words.log_board, "board"), act(words.log_compare, "wall")];
      const rename = button("mw-page-button", words.log_rename, () => this.rename(head, key));
      const cell = element("th", "", { scope: "rowgroup" }, bold, told);
      if (here) cell.append(...(this.model.get("actions").board ? buttons : buttons.slice(1)), rename);
      head = Object.assign(element("tr", "mw-grid-group", cell), { cell, bold, told, rename });
      this.heads.set(key, head);
    }
    setProperty(head.cell, "colSpan", view.columns.length + 2);
    setText(head.bold, title);
    setText(head.told, facts);
    head.dataset.title = name;
    return head;
  }

  rename({ cell, bold, rename, dataset }, key) {
    if (bold.hidden) {
      cell.firstChild.focus(); // it is being typed already
      return;
    }
    const options = { type: "text", maxLength: 120, value: dataset.title, "aria-label": this.words.log_rename_to };
    const name = element("input", "", options);
    const shut = () => {
      name.remove();
      bold.hidden = false;
      rename.focus();
    };
    on(name, "keydown", (event) => {
      if (event.key === "Enter") this.model.send({ type: "rename", run: key, value: name.value });
      else if (event.key !== "Escape") return;
      shut();
      claim(event);
    });
    bold.hidden = true;
    cell.prepend(name);
    name.select();
  }

  drawHead(columns) {
    const { words } = this;
    const ask = this.model.get("ask");
    const told = JSON.stringify(columns);
    if (this.head.dataset.told !== told) {
      this.head.dataset.told = told;
      const focused = document.activeElement?.closest?.("th")?.dataset.name;
      const first = element("th", "mw-grid-tick", { scope: "col" }, this.all);
      const last = element("td", "mw-grid-tick");
      this.head.replaceChildren(first, ...columns.map((column) => this.columnHead(column)), last);
      if (focused) this.head.querySelector(`th[data-name="${CSS.escape(focused)}"] button`)?.focus();
    }
    const sort = ask.sort ?? "created";
    const down = ask.down ?? true;
    for (const head of this.head.querySelectorAll("th[data-sort]")) {
      const isSorted = head.dataset.sort === sort;
      if (isSorted) head.setAttribute("aria-sort", down ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
      setText(head.querySelector(".mw-grid-arrow"), isSorted ? (down ? " ▼" : " ▲") : "");
    }
  }

  columnHead(column) {
    const options = { scope: "col", dataset: { name: column.name } };
    const head = element("th", column.number ? "mw-number" : "", options);
    if (!column.sort) {
      head.textContent = column.text;
      return head;
    }
    head.dataset.sort = column.sort;
    const sort = () => {
      const ask = this.model.get("ask");
      const isSorted = (ask.sort ?? "created") === column.sort;
      this.ask({ sort: column.sort, down: isSorted ? !(ask.down ?? true) : true });
      this.drawHead(this.model.get("view").columns);
    };
    head.append(button("mw-grid-sort", column.text, sort, sign("", "mw-grid-arrow")));
    return head;
  }

  drawTools() {
    const { words } = this;
    const ask = this.model.get("ask");
    const view = this.model.get("view");
    if (document.activeElement !== this.search) setProperty(this.search, "value", ask.search ?? "");
    this.group.value = ask.group ?? "run";
    const told = (view.filters ?? []).filter(({ name }) => name in (ask.values ?? {}));
    if (this.chips.dataset.told !== JSON.stringify(told)) {
      this.chips.dataset.told = JSON.stringify(told);
      const chips = told.map(({ name, label, text }) => {
        const off = () => {
          this.filter(name);
          this.adding.firstChild.focus();
        };
        const title = { "aria-label": fill(words.log_filter_off, { name: label, value: text }) };
        const value = element("span", "mw-grid-value", { dir: "auto" }, String(text));
        return element("span", "mw-grid-chip", element("b", "", label), value, button("mw-grid-x", "✕", off, title));
      });
      this.chips.replaceChildren(...chips);
    }
    this.exports.hidden = !view.exports;
    if (this.adding.open) this.adding.redraw();
  }

  drawChosen() {
    const { words, chosen } = this;
    for (const row of this.rows.values()) row.ticked();
    const shown = [...this.rows.keys()];
    const ticked = shown.filter((id) => chosen.has(id)).length;
    this.all.checked = shown.length > 0 && ticked === shown.length;
    this.all.indeterminate = ticked > 0 && ticked < shown.length;
    setText(this.told, chosen.size ? fill(words.log_chosen, { count: chosen.size }) : words.log_chosen_none);
    this.drawActions();
  }

  drawActions() {
    const { words, chosen } = this;
    const actions = this.model.get("actions");
    const isAny = chosen.size > 0;
    for (const one of [this.compare, this.away, this.none]) one.hidden = !isAny;
    this.load.hidden = !isAny || !actions.load;
    enable(this.load, chosen.size === 1);
    setText(this.away, this.model.get("view").deleted ? words.log_restore : words.log_delete);
    const { rerun } = actions;
    this.rerun.hidden = !isAny || !rerun;
    setText(this.rerun, rerun?.text ?? "");
    enable(this.rerun, Boolean(rerun?.ready));
    this.rerun.classList.toggle("mw-grid-live", Boolean(rerun?.live));
    setText(this.why, isAny ? (rerun?.why ?? "") : "");
    this.why.hidden = !this.why.textContent;
    for (const row of this.rows.values()) row.offers();
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

export default page({ render });
