// Small pictures that a page asks for once they are in sight.

const KEPT = 300; // pictures

/** The pictures of results, as blob addresses; the oldest go first. */
class Pictures {
  constructor(model, onChange) {
    this.model = model;
    this.urls = new Map(); // by name; null: there is none
    const receive = (content, buffers) => {
      if (content?.type !== "picture") return;
      const good = content.ok && buffers?.length;
      if (this.urls.get(content.name)) return;
      this.urls.set(content.name, good ? URL.createObjectURL(new Blob([buffers[0]])) : null);
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
