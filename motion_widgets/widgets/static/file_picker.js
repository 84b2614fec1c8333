// A button and a place to drop a file on. The file goes to the kernel in pieces, the next one only when
// the one before is on its disk.

const LOST = 60_000; // ms without an answer of the kernel, after which a person is told

const amount = (bytes) => (bytes >= 1e5 ? `${(bytes / 1e6).toFixed(1)} MB` : `${Math.ceil(bytes / 1000)} kB`);

class FilePicker {
  constructor(model, el) {
    this.model = model;
    this.words = model.get("_words");
    this.current = null; // the file on its way, and its id
    const label = model.get("label");
    this.input = element("input", "", {
      type: "file",
      accept: model.get("accept"),
      multiple: true,
      hidden: true,
      "aria-label": label,
    });
    this.choose = button("jupyter-button mw-button", label, () => this.input.click());
    const hint = element("span", "mw-pick-hint", this.words.pick_drop);
    this.row = element("div", "mw-pick-row", this.choose, hint, this.input);
    this.done = element("i");
    this.bar = element("div", "mw-pick-bar", this.done, {
      role: "progressbar",
      "aria-valuemin": "0",
      "aria-valuemax": "100",
    });
    this.progress = element("span", "mw-pick-hint");
    this.cancel = button("jupyter-button mw-button", this.words.pick_cancel, () => this.stop());
    this.going = element("div", "mw-pick-row", this.bar, this.progress, this.cancel, { hidden: true });
    this.status = liveRegion("div", "mw-pick-said");
    this.root = element("div", "mw-pick", this.row, this.going, this.status);
    el.append(this.root);
    this.input.addEventListener("change", () => {
      this.take(this.input.files);
      this.input.value = "";
    });
    this.takeDrops();
    this.unlisten = listen(model, { "msg:custom": (message) => this.receive(message) });
  }

  takeDrops() {
    const { root } = this;
    const over = (event, isOver) => {
      if (![...(event.dataTransfer?.types ?? [])].includes("Files")) return false;
      claim(event);
      root.classList.toggle("mw-pick-over", isOver);
      return true;
    };
    for (const name of ["dragenter", "dragover"]) root.addEventListener(name, (event) => over(event, true));
    root.addEventListener("dragleave", (event) => {
      if (!root.contains(event.relatedTarget)) root.classList.remove("mw-pick-over");
    });
    root.addEventListener("drop", (event) => over(event, false) && this.take(event.dataTransfer.files));
  }

  say(text, isBad = false) {
    this.status.textContent = text;
    this.status.classList.toggle("mw-pick-bad", isBad);
  }

  take(files) {
    const { model, words } = this;
    if (this.current || !files.length) return;
    // A request's sidecar tells everything; the result beside it need not travel.
    const file = [...files].find((one) => /\.json$/i.test(one.name)) ?? files[0];
    const limit = model.get("limit");
    if (file.size > limit) {
      this.say(fill(words.pick_large, { name: file.name, mb: (file.size / 1e6).toFixed(1), limit: limit / 1e6 }), true);
      return;
    }
    this.current = { id: crypto.getRandomValues(new Uint32Array(4)).join("-"), file };
    this.bar.setAttribute("aria-label", file.name);
    this.row.hidden = true;
    this.going.hidden = false;
    this.say("");
    this.show(0);
    this.cancel.focus({ preventScroll: true });
    model.send({ type: "begin", id: this.current.id, name: file.name, size: file.size });
    this.wait();
  }

  async send(offset) {
    const { id, file } = this.current;
    let piece;
    try {
      piece = await file.slice(offset, offset + this.model.get("piece")).arrayBuffer();
    } catch (error) {
      this.model.send({ type: "cancel", id });
      this.end(String(error.message ?? error), true);
      return;
    }
    if (this.current?.id !== id) return;
    this.model.send({ type: "piece", id, offset }, {}, [piece]);
    this.wait();
  }

  receive(message) {
    if (!this.current || message?.id !== this.current.id) return;
    if (message.type === "taken") {
      this.say("");
      this.show(message.offset);
      this.send(message.offset);
    } else if (message.type === "refused") this.end(message.message, true);
    else if (message.type === "done") {
      this.end(fill(this.words.pick_done, { name: message.name, all: amount(this.current.file.size) }));
    }
  }

  wait() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.say(this.words.pick_lost, true), LOST);
  }

  show(sent) {
    const { size } = this.current.file;
    const share = Math.floor((100 * sent) / size);
    const text = fill(this.words.pick_progress, { done: amount(sent), all: amount(size) });
    this.done.style.width = `${share}%`;
    setAll(this.bar, { "aria-valuenow": String(share), "aria-valuetext": text });
    this.progress.textContent = text;
  }

  stop() {
    if (!this.current) return;
    this.model.send({ type: "cancel", id: this.current.id });
    this.end(this.words.pick_cancelled);
  }

  end(text, isBad = false) {
    clearTimeout(this.timer);
    const hadFocus = this.going.contains(document.activeElement);
    this.current = null;
    this.going.hidden = true;
    this.row.hidden = false;
    this.say(text, isBad);
    if (hadFocus) this.choose.focus();
  }

  close() {
    clearTimeout(this.timer);
    if (this.current) this.model.send({ type: "cancel", id: this.current.id });
    this.current = null;
    this.unlisten();
  }
}

function render({ model, el }) {
  const picker = new FilePicker(model, el);
  return () => picker.close();
}

export default { render };
