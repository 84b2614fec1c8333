// A row of the table: what is known of a job, and what a person says of it.

const STARS = 5;
const LONG = 24; // characters of a cell that may be cut off

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

/** What a select says about "usable": "yes", "no" or nothing. */
const usableOf = (select) => (select.value ? select.value === "yes" : null);
const usableWord = (usable) => (usable === true ? "yes" : usable === false ? "no" : "");
const usableChoices = (words) => [
  ["yes", words.log_usable_yes],
  ["no", words.log_usable_no],
];

class Row {
  constructor(grid, id) {
    this.grid = grid;
    this.id = id;
    const { words } = grid;
    const named = (sentence) => ({ "aria-label": fill(sentence, { name: id }) });
    this.choose = element("input", "", { type: "checkbox", dataset: { control: "choose" } }, named(words.log_choose));
    this.choose.addEventListener("change", () => grid.choose([id], this.choose.checked));
    this.cells = [];
    this.stars = element("select", "mw-grid-stars", named(words.log_stars_of));
    const stars = [["0", "–"]];
    for (let one = 1; one <= STARS; one += 1) stars.push([String(one), "★".repeat(one)]);
    offer(this.stars, stars);
    this.stars.addEventListener("change", () => grid.mark(id, "stars", Number(this.stars.value) || null));
    this.usable = element("select", "mw-grid-usable", named(words.log_usable_of));
    offer(this.usable, [["", words.log_usable_none], ...usableChoices(words)]);
    this.usable.addEventListener("change", () => grid.mark(id, "usable", usableOf(this.usable)));
    this.tags = element("span", "mw-grid-tags");
    this.note = element("span", "mw-grid-note", { dir: "auto" });
    this.edit = button("mw-grid-button", words.log_edit, () => this.open(), {
      dataset: { control: "edit" },
      "aria-expanded": "false",
      ...named(words.log_edit_of),
    });
    this.starsCell = element("td", "", this.stars);
    this.root = element(
      "tr",
      "",
      element("td", "mw-grid-tick", this.choose),
      this.starsCell,
      element("td", "", this.usable),
      element("td", "mw-grid-said", this.tags, this.note, this.edit),
    );
  }

  update(row, columns) {
    this.row = row;
    const places = columns.map((column) => (column.behind ? "behind" : "before")).join();
    if (places !== this.places) {
      this.places = places;
      for (const cell of this.cells) cell.remove();
      this.cells = columns.map((column) => {
        const cell = element("td");
        this.root.insertBefore(cell, column.behind ? null : this.starsCell);
        return cell;
      });
    }
    columns.forEach((column, i) => {
      const name = column.number ? "mw-number" : ["state", "id"].includes(column.name) ? "mw-whole" : "mw-grid-text";
      setProperty(this.cells[i], "className", name);
      if (name === "mw-grid-text") this.cells[i].dir = "auto";
      setText(this.cells[i], row.cells[i]);
      setProperty(this.cells[i], "title", name === "mw-grid-text" ? row.cells[i] : ""); // it may be cut off
    });
    this.root.dataset.state = row.state;
    if (document.activeElement !== this.stars) this.stars.value = String(row.stars);
    this.stars.title = row.mean;
    if (document.activeElement !== this.usable) this.usable.value = usableWord(row.usable);
    const tags = row.tags.join("\n");
    if (this.tags.dataset.told !== tags) {
      this.tags.dataset.told = tags;
      this.tags.replaceChildren(...row.tags.map((tag) => element("span", "mw-grid-tag", { dir: "auto" }, String(tag))));
    }
    setText(this.note, row.note);
    setProperty(this.note, "title", row.note); // only its first lines show
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
    const note = element("textarea", "", { rows: 2, maxLength: 4000, value: this.row.note });
    const tags = element("input", "", { type: "text", value: this.row.tags.join(", ") });
    const save = () => {
      this.grid.mark(this.id, "said", { note: note.value, tags: tags.value });
      this.shut();
    };
    const keys = (event) => {
      if (event.key === "Escape") this.shut();
      else if (event.key === "Enter" && (event.target === tags || event.ctrlKey || event.metaKey)) save();
      else return;
      claim(event);
    };
    const buttons = element(
      "div",
      "mw-grid-buttons",
      button("mw-grid-button", words.log_save, save),
      button("mw-grid-button", words.log_cancel, () => this.shut()),
    );
    const controls = [labelled(words.log_note, note), labelled(words.log_tags, tags), buttons];
    const form = element("div", "mw-grid-form", ...this.whole(), ...controls);
    const cell = element("td", "", { colSpan: this.cells.length + 4 }, form);
    this.editor = element("tr", "mw-grid-editor", cell);
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
      const text = element("span", "", { dir: "auto" }, String(this.row.cells[i]));
      return [element("p", "mw-grid-whole", element("b", "", `${column.text}: `), text)];
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
