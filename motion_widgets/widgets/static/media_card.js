// A place to drop a file on; then the picture or clip with its name, its facts and a menu. The file goes to the
// kernel in pieces, the next one only when the one before is on its disk. A clip plays where it lies.

const LOST = 60_000; // ms without an answer of the kernel, after which a person is told

const amount = (bytes) => (bytes >= 1e5 ? `${(bytes / 1e6).toFixed(1)} MB` : `${Math.ceil(bytes / 1000)} kB`);

class MediaCard {
  constructor(model, row, which) {
    this.model = model;
    this.which = which;
    this.words = model.get("_words");
    this.current = null; // the file on its way, and its id
    this.player = null;
    const { words } = this;
    const empty = (this.kind = model.get("cards")[which]);
    const { label } = empty;
    this.input = element("input", "", {
      type: "file",
      accept: empty.accept,
      multiple: true,
      hidden: true,
      "aria-label": empty.choose,
    });
    const small = (text, action) => button("mw-media-link", text, () => this.act(action));
    this.choose = button("mw-page-button", words.pick_choose, () => this.input.click(), { "aria-label": empty.choose });
    const ways = element("div", "mw-media-ways", small(words.pick_link, "link"), small(words.pick_library, "library"));
    ways.append(small(words.pick_sample, "sample"));
    const asks = [element("b", "", empty.title), element("span", "mw-media-small", empty.hint), this.choose, ways];
    this.empty = element("div", "mw-media-empty", ...asks);

    this.picture = element("img", "", { draggable: false });
    this.badge = element("span", "mw-media-badge");
    this.play = button("mw-media-play", "", () => this.toggle());
    this.screen = element("div", "mw-media-screen", this.picture, this.badge, this.play);
    this.name = element("b");
    this.facts = element("span", "mw-media-small");
    this.more = button("mw-media-more", "\u22ef", () => this.open(this.menu.hidden), {
      "aria-label": fill(words.pick_more, { label }),
      "aria-expanded": "false",
    });
    this.menu = element("div", "mw-media-menu", { hidden: true, role: "group", "aria-label": label });
    this.menu.append(this.item(words.pick_other, () => this.input.click()));
    const items = {
      link: words.pick_to_link,
      library: words.pick_to_library,
      sample: words.pick_to_sample,
      keep: words.pick_to_keep,
      remove: words.pick_to_remove,
    };
    for (const [action, text] of Object.entries(items)) this.menu.append(this.item(text, () => this.act(action)));
    const foot = element("div", "mw-media-foot", element("div", "", this.name, this.facts), this.more);
    this.full = element("div", "mw-media-full", this.screen, foot, this.menu);

    this.done = element("i");
    this.bar = element("div", "mw-pick-bar", this.done, {
      role: "progressbar",
      "aria-valuemin": "0",
      "aria-valuemax": "100",
    });
    this.progress = element("span", "mw-media-small");
    this.cancel = button("mw-page-button", words.cancel, () => this.stop());
    this.going = element("div", "mw-media-going", this.bar, this.progress, this.cancel, { hidden: true });
    this.status = liveRegion("div", "mw-media-said");
    this.root = element("div", `mw-media mw-field-${empty.field}`, { role: "group", "aria-label": label });
    const head = element("div", "mw-label", label, { "aria-hidden": "true" });
    this.root.append(head, this.empty, this.full, this.going, this.status, this.input);
    row.append(this.root);
    on(this.input, "change", () => {
      this.take(this.input.files);
      this.input.value = "";
    });
    on(this.root, "keydown", (event) => {
      if (event.key !== "Escape" || this.menu.hidden) return;
      claim(event);
      this.open(false);
      this.more.focus();
    });
    on(this.root, "focusout", (event) => this.root.contains(event.relatedTarget) || this.open(false));
    this.takeDrops();
    this.bytes = new Bytes(model);
    this.draw();
    this.unlisten = listen(model, {
      "msg:custom": (message) => this.receive(message),
      [`change:${which}`]: () => this.draw(),
    });
  }

  item(text, action) {
    const run = () => {
      this.open(false);
      this.more.focus();
      action();
    };
    return button("mw-media-item", text, run);
  }

  act(action) {
    this.send({ type: "action", action });
  }

  get shown() {
    return this.model.get(this.which);
  }

  send(message, buffers) {
    this.model.send({ ...message, which: this.which }, {}, buffers);
  }

  open(wanted) {
    this.menu.hidden = !wanted;
    this.more.setAttribute("aria-expanded", String(wanted));
    if (wanted) this.menu.firstChild.focus();
  }

  draw() {
    const { shown } = this;
    const isFull = shown.name !== undefined;
    const hadFocus = this.root.contains(document.activeElement);
    this.empty.hidden = isFull || this.current !== null;
    this.full.hidden = !isFull || this.current !== null;
    this.going.hidden = this.current === null;
    setText(this.name, shown.name ?? "");
    this.name.title = shown.name ?? "";
    const facts = (shown.facts ?? "").replaceAll(" ", "\u00a0"); // a line breaks after a dot, nowhere else
    setText(this.facts, facts.replaceAll("\u00b7\u00a0", "\u00b7 "));
    setText(this.badge, shown.badge ?? "");
    this.picture.hidden = !shown.picture;
    setProperty(this.picture, "alt", shown.alt ?? "");
    if (shown.picture && this.picture.src !== shown.picture) this.picture.src = shown.picture;
    if (this.playing !== shown.path) this.drop();
    this.play.hidden = !shown.path;
    this.mark();
    if (hadFocus && !this.root.contains(document.activeElement)) this.focus();
  }

  focus() {
    [this.cancel, this.more, this.choose].find((one) => one.checkVisibility())?.focus({ preventScroll: true });
  }

  // --- playing ---

  toggle() {
    const { path, name } = this.shown;
    if (this.player === null) {
      this.playing = path;
      const start = () => this.player?.known && this.player.video.paused && this.wanted && this.player.video.play();
      const failed = () => {
        this.drop();
        this.say(fill(this.words.player_unplayable, { name }), true);
      };
      this.wanted = true;
      this.player = new Player({ path }, name, { bytes: this.bytes, onChange: start, onFailed: failed });
      this.player.video.loop = true;
      this.screen.insertBefore(this.player.video, this.badge);
      on(this.player.video, "pause", () => this.mark());
      on(this.player.video, "play", () => this.mark());
    } else {
      this.wanted = this.player.video.paused;
      if (this.wanted) this.player.video.play();
      else this.player.video.pause();
    }
    this.mark();
  }

  mark() {
    const isPlaying = this.player !== null && this.wanted;
    setText(this.play, isPlaying ? "\u275a\u275a" : "\u25b6");
    const { name } = this.shown;
    this.play.setAttribute("aria-label", fill(isPlaying ? this.words.pick_pause : this.words.pick_play, { name }));
  }

  drop() {
    this.player?.drop();
    this.player?.video.remove();
    this.player = this.playing = null;
  }

  // --- a file from the disk ---

  takeDrops() {
    const { root } = this;
    const over = (event, isOver) => {
      if (![...(event.dataTransfer?.types ?? [])].includes("Files")) return false;
      claim(event);
      root.classList.toggle("mw-media-over", isOver);
      return true;
    };
    for (const name of ["dragenter", "dragover"]) on(root, name, (event) => over(event, true));
    on(root, "dragleave", (event) => {
      if (!root.contains(event.relatedTarget)) root.classList.remove("mw-media-over");
    });
    on(root, "drop", (event) => over(event, false) && this.take(event.dataTransfer.files));
  }

  say(text, isBad = false, isSeen = true) {
    this.status.textContent = text;
    this.status.classList.toggle("mw-only-spoken", !isSeen); // the card shows it
    this.status.classList.toggle("mw-media-bad", isBad);
  }

  take(files) {
    const { words } = this;
    if (this.current || !files.length) return;
    // A request's sidecar tells everything; the result beside it need not travel.
    const file = [...files].find((one) => /\.json$/i.test(one.name)) ?? files[0];
    const { limit } = this.kind;
    if (file.size > limit) {
      this.say(fill(words.pick_large, { name: file.name, mb: (file.size / 1e6).toFixed(1), limit: limit / 1e6 }), true);
      return;
    }
    this.current = { id: crypto.getRandomValues(new Uint32Array(4)).join("-"), file };
    this.bar.setAttribute("aria-label", file.name);
    this.say("");
    this.show(0);
    this.draw();
    this.cancel.focus({ preventScroll: true });
    this.send({ type: "begin", id: this.current.id, name: file.name, size: file.size });
    this.wait();
  }

  async sendPiece(offset) {
    const { id, file } = this.current;
    let piece;
    try {
      piece = await file.slice(offset, offset + this.model.get("piece")).arrayBuffer();
    } catch (error) {
      this.send({ type: "cancel", id });
      this.end(String(error.message ?? error), true);
      return;
    }
    if (this.current?.id !== id) return;
    this.send({ type: "piece", id, offset }, [piece]);
    this.wait();
  }

  receive(message) {
    if (message?.type === "focus" && message.which === this.which) this.focus();
    if (!this.current || message?.id !== this.current.id) return;
    if (message.type === "taken") {
      this.say("");
      this.show(message.offset);
      return this.sendPiece(message.offset);
    } else if (message.type === "refused") this.end(message.message, true);
    else if (message.type === "done") {
      this.end(fill(this.words.pick_done, { name: message.name, all: amount(this.current.file.size) }), false, false);
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
    this.send({ type: "cancel", id: this.current.id });
    this.end(this.words.pick_cancelled);
  }

  end(text, isBad = false, isSeen = true) {
    clearTimeout(this.timer);
    this.current = null;
    this.say(text, isBad, isSeen);
    this.draw();
  }

  close() {
    clearTimeout(this.timer);
    if (this.current) this.send({ type: "cancel", id: this.current.id });
    this.current = null;
    this.drop();
    this.bytes.close();
    this.unlisten();
  }
}

function render({ model, el }) {
  const row = element("div", "mw-media-row");
  el.append(row);
  const cards = Object.keys(model.get("cards")).map((which) => new MediaCard(model, row, which));
  const unmark = markForm(model, el);
  return () => {
    unmark();
    cards.forEach((card) => card.close());
  };
}

export default page({ render });
