// The newest jobs side by side: arrows move, Enter or a click shows one, its own button brings its settings back.

const PICTURE = /^data:image\/jpeg;base64,/;

class Item {
  constructor(strip, id) {
    Object.assign(this, { strip, id });
    const { words } = strip;
    this.picture = element("img", "", { alt: "" });
    this.word = element("span", "mw-strip-word");
    this.title = element("b", "", { dir: "auto" });
    this.line = element("span");
    const face = element("span", "mw-strip-face", this.picture, this.word);
    this.show = button("mw-strip-show", "", () => strip.act("show", id), { dataset: { testid: "history-job", ...OWN_KEYS.dataset } });
    this.show.append(face, this.title, this.line);
    this.edit = button("mw-strip-edit", words.history_edit, () => strip.act("edit", id), OWN_KEYS);
    this.root = element("li", "mw-strip-item", this.show, this.edit);
    on(this.show, "focus", () => strip.stop(this));
  }

  update(item, isCurrent, isEditable) {
    const isPicture = PICTURE.test(item.picture ?? "");
    if (isPicture) setProperty(this.picture, "src", item.picture);
    this.picture.hidden = !isPicture;
    setText(this.word, item.word);
    setText(this.title, item.title);
    setText(this.line, item.line);
    setProperty(this.root.dataset, "kind", item.kind);
    setProperty(this.show, "title", item.name);
    if (isCurrent) this.show.setAttribute("aria-current", "true");
    else this.show.removeAttribute("aria-current");
    this.edit.hidden = !isEditable;
    this.edit.setAttribute("aria-label", fill(this.strip.words.history_edit_of, { name: item.title }));
  }
}

class Strip {
  constructor(model, words) {
    Object.assign(this, { model, words });
    this.items = new Map();
    this.all = button("mw-strip-all", "", () => this.act("all", ""));
    const title = element("h3", "", words.history_title);
    const top = element("div", "mw-strip-top", title, element("span", "", words.history_hint), this.all);
    this.list = element("ul", "mw-strip-list mw-scroll", { "aria-label": words.history_list });
    this.root = element("section", "motion-widgets mw-strip", OWN_KEYS, top, this.list);
    on(this.list, "keydown", (event) => this.key(event));
  }

  act(type, id) {
    this.model.send({ type, id });
  }

  /** Make one item the strip's only stop on the way through the page. */
  stop(stopped) {
    for (const item of this.items.values()) item.show.tabIndex = item.edit.tabIndex = item === stopped ? 0 : -1;
  }

  key(event) {
    const all = [...this.items.values()];
    const at = all.findIndex((item) => item.root.contains(event.target));
    const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: all.length - 1 }[event.key];
    if (to === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    claim(event);
    all[Math.max(0, Math.min(all.length - 1, to))]?.show.focus();
  }

  update() {
    const told = this.model.get("items") ?? [];
    const current = this.model.get("current");
    const before = this.items;
    this.items = new Map(told.map(({ id }) => [id, before.get(id) ?? new Item(this, id)]));
    const all = [...this.items.values()];
    all.forEach((item, i) => item.update(told[i], told[i].id === current, this.model.get("editable")));
    setChildren(this.list, all.map((item) => item.root));
    if (all.length && !all.some((item) => item.root.contains(document.activeElement))) {
      this.stop(this.items.get(current) ?? all[0]);
    }
    setText(this.all, this.model.get("all"));
    this.all.hidden = !this.model.get("all");
  }
}

function render({ model, el }) {
  const strip = new Strip(model, model.get("_words"));
  el.append(strip.root);
  strip.update();
  return listen(model, { change: () => strip.update() });
}

export default page({ render });
