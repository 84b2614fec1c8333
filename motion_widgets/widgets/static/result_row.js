// What a person does with a result: take the file, give it stars, say whether it is usable, write a note.

const STARS = 5;
let groups = 0;

/** A choice of 1 to 5 stars, one stop by keyboard; the chosen one again, or Delete, takes them back. */
class Stars {
  constructor(words, name, rate) {
    const group = `mw-stars-${(groups += 1)}-${Math.random().toString(36).slice(2)}`;
    this.radios = Array.from({ length: STARS }, (_, i) => {
      const said = { "aria-label": fill(words.stars_of, { stars: i + 1 }), title: fill(words.stars_of, { stars: i + 1 }) };
      return element("input", "mw-star", { type: "radio", name: group, value: String(i + 1), ...said }, OWN_KEYS);
    });
    this.root = element("div", "mw-stars", { role: "radiogroup", "aria-label": name }, ...this.radios);
    for (const radio of this.radios) {
      on(radio, "change", () => rate(this.set(Number(radio.value))));
      on(radio, "click", () => this.before === radio.value && rate(this.set(0)));
      on(radio, "pointerdown", () => (this.before = radio.checked ? radio.value : ""));
    }
    on(this.root, "keydown", (event) => {
      this.before = "";
      if (event.key !== "Delete" && event.key !== "Backspace") return;
      claim(event);
      rate(this.set(0));
    });
  }

  set(stars) {
    this.radios.forEach((radio, i) => {
      radio.checked = i + 1 === stars;
      radio.classList.toggle("mw-star-on", i < stars);
    });
    return stars || null;
  }
}

/** The row below a result; `source` is where this page has the file from. */
class ResultRow {
  constructor(model, words) {
    Object.assign(this, { model, words });
    const say = (what) => (value) => model.send({ type: "said", id: this.said.id, what, value });
    this.said = {};
    this.download = element("a", "mw-page-button mw-page-primary", words.stage_download, { dataset: { testid: "download" } });
    this.stars = new Stars(words, words.stage_stars, say("stars"));
    const usable = say("usable");
    this.usable = button("mw-page-button", "", () => usable(this.said.usable === true ? null : true));
    this.usable.append(sign("✓ "), words.stage_usable);
    this.note = button("mw-page-button", words.stage_note, () => this.open(this.editor.hidden), { "aria-expanded": "false" });
    this.text = element("textarea", "mw-result-text", { rows: 2, maxLength: 4000, "aria-label": words.log_note });
    const write = say("note");
    const save = button("mw-page-button", words.save, () => {
      write(this.text.value);
      this.open(false);
    });
    this.editor = element("div", "mw-result-editor", this.text, save, { hidden: true });
    on(this.editor, "keydown", (event) => {
      if (event.key === "Escape") this.open(false);
      else if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) save.click();
      else {
        event.stopPropagation(); // a space or an arrow is typed, not a command of the player
        return;
      }
      claim(event);
    });
    this.written = element("p", "mw-result-note", { dir: "auto" });
    const row = element("div", "mw-result-row", this.download, this.stars.root, this.usable, this.note);
    this.root = element("div", "mw-result", row, this.editor, this.written);
  }

  open(isOpen) {
    if (isOpen) this.text.value = this.said.note ?? "";
    this.unfold(isOpen);
    (isOpen ? this.text : this.note).focus();
  }

  unfold(isOpen) {
    this.editor.hidden = !isOpen;
    this.note.setAttribute("aria-expanded", String(isOpen));
  }

  update() {
    const said = this.model.get("result") ?? {};
    if (said.id !== this.said.id) this.unfold(false);
    this.said = said;
    this.root.hidden = !said.id;
    this.download.download = said.name ?? "";
    this.stars.set(said.stars ?? 0);
    this.usable.setAttribute("aria-pressed", String(said.usable === true));
    setText(this.written, said.note ?? "");
    this.written.hidden = !said.note;
  }

  source(address) {
    this.download.hidden = !address;
    if (address && this.download.getAttribute("href") !== address) this.download.href = address;
  }
}
