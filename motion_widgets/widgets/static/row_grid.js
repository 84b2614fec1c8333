// A page of rows, with filters, sorting and actions; nothing but the kernel is asked for anything. Rows are
// kept by id, so that a control in use survives an update.

const PAUSE = 250; // ms without typing before a search is sent
class Grid {
  constructor(model, el) {
    this.model = model;
    this.words = model.get("_words");
    this.rows = new Map();
    this.chosen = new Set(model.get("chosen"));
    this.root = element("div", "mw-grid", this.tools(), this.actions(), this.body(), this.pages());
    el.append(this.root);

    this.unlisten = listen(model, {
      "change:view": () => this.draw(),
      "change:actions": () => this.drawActions(),
      "change:chosen": () => {
        this.chosen = new Set(model.get("chosen"));
        this.drawChosen();
      },
    });
    // Jupyter's own keys are not for what is typed here.
    this.root.addEventListener("keydown", (event) => this.key(event));
    this.draw();
  }

  close() {
    this.unlisten();
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
    this.search = element("input", "", {
      type: "search",
      placeholder: words.log_search_hint,
      value: ask.search ?? "",
    });
    this.search.addEventListener("input", () => {
      clearTimeout(this.waiting);
      this.waiting = setTimeout(() => this.ask({ search: this.search.value }), PAUSE);
    });
    const search = labelled(words.log_search, this.search);
    search.classList.add("mw-grid-search");
    this.filters = new Map();
    this.stars = element("select");
    offer(this.stars, [
      ["0", words.log_filter_all],
      ...[1, 2, 3, 4, 5].map((one) => [String(one), fill(words.log_stars_least, { stars: "★".repeat(one) })]),
    ]);
    this.stars.addEventListener("change", () => this.ask({ stars: Number(this.stars.value) }));
    this.usable = element("select");
    offer(this.usable, [["", words.log_filter_all], ...usableChoices(words)]);
    this.usable.addEventListener("change", () => this.ask({ usable: usableOf(this.usable) }));
    this.deleted = element("input", "", { type: "checkbox" });
    this.deleted.addEventListener("change", () => {
      this.choose([...this.chosen], false);
      this.ask({ deleted: this.deleted.checked });
    });
    const deleted = element("label", "mw-grid-check", this.deleted, element("span", "", words.log_filter_deleted));
    this.clear = button("mw-grid-button", words.log_filter_clear, () => {
      this.search.value = "";
      this.ask({ search: "", values: {}, tag: "", stars: 0, usable: null, deleted: false });
    });
    const rated = [labelled(words.filter_stars, this.stars), labelled(words.filter_usable, this.usable)];
    this.fixed = [...rated, deleted, this.clear];
    this.summary = element("summary", "", words.log_filters);
    this.fields = element("div", "mw-grid-fields", ...this.fixed);
    this.more = element("details", "mw-grid-more", this.summary, this.fields);
    this.more.addEventListener("toggle", () => this.drawFilters());
    return element("div", "mw-grid-tools", search, this.more);
  }

  actions() {
    const { words } = this;
    const act = (text, name) => button("mw-grid-button", text, () => this.act(name));
    this.told = element("span", "mw-grid-count", { role: "status" });
    this.compare = act(words.log_compare, "compare");
    this.load = act(words.log_load, "load");
    this.rerun = button("mw-grid-button mw-grid-rerun", "", () => this.act("rerun"));
    this.away = button("mw-grid-button", words.log_delete, () =>
      this.act(this.model.get("view").deleted ? "restore" : "delete"),
    );
    this.none = button("mw-grid-button", words.log_unchoose, () => this.choose([...this.chosen], false));
    this.why = element("p", "mw-grid-why", { role: "status" });
    const buttons = [this.compare, this.load, this.rerun, this.away, this.none];
    return element("div", "mw-grid-acts", this.told, ...buttons, this.why);
  }

  body() {
    const { words } = this;
    this.same = element("p", "mw-grid-same", { dir: "auto" });
    this.heads = element("tr");
    this.all = element("input", "", { type: "checkbox", "aria-label": words.log_all_shown });
    this.all.addEventListener("change", () => this.choose([...this.rows.keys()], this.all.checked));
    this.lines = element("tbody");
    const table = element("table", "mw-table mw-log", element("thead", "", this.heads), this.lines);
    const region = { role: "region", "aria-label": words.tab_log, tabIndex: 0 };
    return element("div", "", this.same, element("div", "mw-scroll mw-grid-scroll", region, table));
  }

  pages() {
    const turn = (by) => {
      const { first, size } = this.model.get("view");
      this.ask({ first: Math.max(first + by * size, 0) }, { keepPage: true });
    };
    this.newer = button("mw-grid-button", this.words.newer, () => turn(-1));
    this.older = button("mw-grid-button", this.words.older, () => turn(1));
    this.said = element("span", "mw-grid-at", { role: "status" });
    return element("div", "mw-grid-pages", this.newer, this.older, this.said);
  }

  // --- drawing ---

  draw() {
    const view = this.model.get("view");
    if (!view.columns) return;
    this.drawFilters();
    setText(this.same, view.same);
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
    setText(this.said, view.said);
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
      const first = element("th", "mw-grid-tick", { scope: "col" }, this.all);
      this.heads.replaceChildren(first, ...all.map((column) => this.head(column)));
      if (focused) this.heads.querySelector(`th[data-name="${CSS.escape(focused)}"] button`)?.focus();
    }
    const sort = ask.sort ?? "created";
    const down = ask.down ?? true;
    for (const head of this.heads.querySelectorAll("th[data-sort]")) {
      const isSorted = head.dataset.sort === sort;
      if (isSorted) head.setAttribute("aria-sort", down ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
      setText(head.querySelector(".mw-grid-arrow"), isSorted ? (down ? " ▼" : " ▲") : "");
    }
  }

  head(column) {
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
      this.drawHeads(this.model.get("view").columns);
    };
    head.append(button("mw-grid-sort", column.text, sort, sign("", "mw-grid-arrow")));
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
        select = element("select");
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
      offer(select, [["", words.log_filter_all], ...facet.values.map(([value, text]) => [JSON.stringify(value), text])]);
      const chosen = facet.name === "tag" ? ask.tag || undefined : ask.values?.[facet.name];
      const value = chosen === undefined ? "" : JSON.stringify(chosen);
      if (document.activeElement !== select && select.value !== value) select.value = value;
      // One value everywhere is no choice.
      select.parentElement.hidden = facet.values.length < (facet.name === "tag" ? 1 : 2) && !value;
    }
    this.stars.value = String(ask.stars ?? 0);
    this.usable.value = usableWord(ask.usable);
    this.deleted.checked = ask.deleted === true;
    const set = [...Object.keys(ask.values ?? {}), ask.tag, ask.stars, ask.usable ?? false, ask.deleted].filter(
      (one) => one !== false && one !== 0 && one !== "" && one !== undefined && one !== null,
    ).length;
    const usable = ask.usable === false ? 1 : 0;
    setText(this.summary, set + usable ? fill(words.log_filters_count, { count: set + usable }) : words.log_filters);
    enable(this.clear, set + usable > 0 || Boolean(ask.search));
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
    for (const one of [this.compare, this.away, this.none, this.load]) one.hidden = !isAny;
    this.load.hidden = !isAny || !actions.load;
    enable(this.load, chosen.size === 1);
    const isDeleted = this.model.get("view").deleted === true;
    setText(this.away, isDeleted ? words.log_restore : words.log_delete);
    const { rerun } = actions;
    this.rerun.hidden = !isAny || !rerun;
    setText(this.rerun, rerun?.text ?? "");
    enable(this.rerun, Boolean(rerun?.ready));
    this.rerun.classList.toggle("mw-grid-live", Boolean(rerun?.live));
    setText(this.why, isAny ? (rerun?.why ?? "") : "");
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
