// A row of the table: what is known of a job, and what a person says of it.

const STARS = 5;

let count = 0;

/** A control under its label. */
function labelled(text, control) {
  control.id = `mw-grid-${(count += 1)}`;
  return element("div", "mw-grid-field", element("label", "", { htmlFor: control.id }, text), control);
}

/** Give a select these [value, text] pairs; its choice stays. */
function offer(select, pairs) {
  const told = JSON.stringify(pairs);
  if (select.dataset.offered === told) return;
  const before = select.value;
  select.replaceChildren(...pairs.map(([value, text]) => element("option", "", { value }, String(text))));
  if (pairs.some(([value]) => value === before)) select.value = before;
  select.dataset.offered = told;
}

class Row {
  constructor(grid, id) {
    this.grid = grid;
    this.id = id;
    const { words } = grid;
    const named = (sentence) => ({ "aria-label": fill(sentence, { name: id }) });
    this.choose = element("input", "", { type: "checkbox", dataset: { control: "choose" } }, named(words.log_choose));
    setAll(this.choose, OWN_KEYS);
    on(this.choose, "change", () => grid.choose([id], this.choose.checked));
    this.stars = element("select", "mw-grid-stars", named(words.log_stars_of));
    const stars = [["0", "☆☆☆☆☆"]];
    for (let one = 1; one <= STARS; one += 1) stars.push([String(one), "★".repeat(one) + "☆".repeat(STARS - one)]);
    offer(this.stars, stars);
    on(this.stars, "change", () => grid.mark(id, "stars", Number(this.stars.value) || null));
    this.tags = element("span");
    this.note = element("span", "mw-grid-note", { dir: "auto" });
    this.why = element("small", "", { dir: "auto" });
    this.images = ["in", "out"].map((kind) => element("img", "", { alt: "", hidden: true, dataset: { kind } }));
    this.edit = button("mw-page-button mw-grid-dots", "…", () => this.open(), {
      dataset: { control: "edit" },
      "aria-expanded": "false",
      ...named(words.log_more_of),
    });
    setAll(this.edit, OWN_KEYS);
    this.first = element("td", "mw-grid-tick", this.choose);
    this.last = element("td", "mw-grid-tick", this.edit);
    this.root = element("tr", "", this.first, this.last);
  }

  update(row, columns) {
    this.row = row;
    const names = columns.map((column) => column.name).join();
    if (names !== this.names) {
      this.names = names;
      for (const cell of this.cells?.values() ?? []) cell.remove();
      this.cells = new Map(columns.map((column) => [column.name, this.cell(column)]));
      this.last.before(...this.cells.values());
    }
    this.root.dataset.state = row.state;
    this.root.classList.toggle("mw-grid-past", row.past);
    for (const [name, cell] of this.cells) {
      if (["pictures", "stars", "said"].includes(name)) continue;
      setText(cell.firstChild, row.cells[name] ?? "");
      setProperty(cell, "title", row.titles[name] ?? row.cells[name] ?? ""); // it may be cut off
    }
    setText(this.why, row.past ? "" : row.why);
    if (document.activeElement !== this.stars) this.stars.value = String(row.stars);
    this.stars.classList.toggle("mw-grid-none", !row.stars);
    this.stars.title = row.mean;
    const tags = row.tags.join("\n");
    if (this.tags.dataset.told !== tags) {
      this.tags.dataset.told = tags;
      this.tags.replaceChildren(...row.tags.map((tag) => element("span", "mw-grid-tag", { dir: "auto" }, String(tag))));
    }
    setText(this.note, row.note);
    setProperty(this.note, "title", row.note); // only its first lines show
    this.draw();
    this.ticked();
  }

  cell({ name, number }) {
    if (name === "pictures") return element("td", "mw-grid-pictures", ...this.images);
    if (name === "stars") return element("td", "", this.stars);
    if (name === "said") return element("td", "", this.tags, this.note);
    const kind = number ? "mw-number" : ["when", "id"].includes(name) ? "mw-whole" : "mw-grid-text";
    const cell = element("td", kind, { dataset: { name } }, element("span"));
    if (name === "state") cell.append(this.why);
    if (kind === "mw-grid-text") cell.dir = "auto";
    return cell;
  }

  /** Show the pictures that have come. */
  draw() {
    for (const image of this.images) {
      const url = this.grid.pictures.urls.get(`${image.dataset.kind} ${this.id}`);
      image.hidden = !url || this.row.past;
      if (url) setProperty(image, "src", url);
    }
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
    const note = element("textarea", "", { rows: 2, maxLength: 4000, value: this.row.note });
    const tags = element("input", "", { type: "text", value: this.row.tags.join(", ") });
    const usable = element("select");
    offer(usable, [["", words.log_usable_none], ["yes", words.log_usable_yes], ["no", words.log_usable_no]]);
    usable.value = this.row.usable === null ? "" : this.row.usable ? "yes" : "no";
    const save = () => {
      const chosen = usable.value ? usable.value === "yes" : null;
      if (chosen !== this.row.usable) this.grid.mark(this.id, "usable", chosen);
      this.grid.mark(this.id, "said", { note: note.value, tags: tags.value });
      this.shut();
    };
    const keys = (event) => {
      if (event.key === "Escape") this.shut();
      else if (event.key === "Enter" && (event.target === tags || event.ctrlKey || event.metaKey)) save();
      else return;
      claim(event);
    };
    this.again = element("div", "mw-grid-buttons");
    const buttons = element(
      "div",
      "mw-grid-buttons",
      button("mw-page-button", words.save, save),
      button("mw-page-button", words.cancel, () => this.shut()),
    );
    const controls = [labelled(words.log_note, note), labelled(words.log_tags, tags)];
    const form = element("div", "mw-grid-form", ...controls, labelled(words.column_usable, usable), buttons);
    const whole = this.row.whole.map(([name, text]) =>
      element("p", "mw-grid-whole", element("b", "", `${name}: `), element("span", "", { dir: "auto" }, String(text))),
    );
    const facts = element("div", "mw-grid-all", ...whole);
    const cell = element("td", "", { colSpan: this.cells.size + 2 }, this.again, facts, form);
    this.editor = element("tr", "mw-grid-editor", cell);
    on(this.editor, "keydown", keys);
    this.root.after(this.editor);
    this.edit.setAttribute("aria-expanded", "true");
    this.grid.model.send({ type: "open", id: this.id });
    this.offers();
    note.focus();
  }

  /** Offer the same again with one setting changed, at a price. */
  offers() {
    const { id, offers } = this.grid.model.get("actions").again ?? {};
    if (!this.editor || id !== this.id || !offers.length) return;
    const made = offers.map((text, which) =>
      button("mw-page-button", text, () => {
        this.grid.model.send({ type: "again", id, which });
        this.shut();
      }),
    );
    this.again.replaceChildren(element("b", "", this.grid.words.stage_again), ...made);
  }

  shut() {
    this.editor?.remove();
    this.editor = null;
    this.edit.setAttribute("aria-expanded", "false");
    if (this.root.isConnected) this.edit.focus();
  }
}
