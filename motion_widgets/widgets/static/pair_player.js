// Two results side by side for a blind rating: one size, one start, nothing that tells which is which.

const KEYS = { 1: "left", 2: "right", 3: "tie", 0: "both_bad" };

class Pair {
  constructor(model, words) {
    Object.assign(this, { model, words, players: [], plays: 0, began: 0 });
    this.bytes = new Bytes(model);
    this.clock = new Clock({ players: () => this.players, fps: () => 30, show: () => this.show() });
    this.clock.sound = false; // sound on one side only would tell
    this.screen = element("div", "mw-pair-screen");
    this.status = liveRegion("p", "mw-pair-status", { dataset: { testid: "pair-status" } });
    const said = { left: words.rating_left, right: words.rating_right, tie: words.rating_tie, both_bad: words.rating_both_bad };
    const answers = Object.entries(KEYS).map(([key, choice]) => this.button(said[choice], key, () => this.answer(choice)));
    const [bad, left, right, tie] = answers; // numbers come first, in their order, in any object
    this.answers = answers;
    this.toggle = this.button("", "Space", () => this.clock.toggle());
    const rest = [
      this.toggle,
      this.button(words.rating_replay, "R", () => this.replay()),
      this.button(words.rating_skip, "S", () => this.answer("skip")),
      this.button(words.rating_undo, "U", () => this.model.send({ type: "undo" })),
    ];
    this.root = element(
      "section", "motion-widgets mw-pair-view",
      { tabIndex: 0, "aria-label": words.rating_view, dataset: { testid: "pair", lmSuppressShortcuts: "true" } },
      this.screen, this.status,
      element("div", "mw-pair-answers", { role: "group", "aria-label": words.rating_question }, left, tie, right, bad),
      element("div", "mw-pair-rest", ...rest),
    );
    on(this.root, "keydown", (event) => this.key(event));
  }

  button(text, key, action) {
    const node = button("mw-page-button", text, action, { "aria-keyshortcuts": key });
    if (key !== "Space") node.append(sign(key, "mw-pair-key"));
    return node;
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    const { key } = event;
    const act = { s: () => this.answer("skip"), r: () => this.replay(), u: () => this.model.send({ type: "undo" }) }[key.toLowerCase()];
    if (key in KEYS) this.answer(KEYS[key]);
    else if (act) act();
    else if (key === " " && !event.target.closest("button")) this.clock.toggle();
    else return;
    claim(event);
  }

  replay() {
    this.clock.halt();
    this.clock.at = 0;
    this.clock.play();
  }

  /** An answer before anybody could look is none. */
  answer(choice) {
    const { serial } = this.model.get("pair");
    if (serial === undefined || this.said === serial || (choice !== "skip" && !this.plays)) return;
    this.said = serial;
    const seconds = this.began ? (performance.now() - this.began) / 1000 : 0;
    this.model.send({ type: "answer", choice, serial, seconds, plays: this.plays });
    this.show();
  }

  update() {
    const { serial, left, right, motion } = this.model.get("pair");
    const hadFocus = this.root.contains(document.activeElement);
    const clips = [[left, this.words.rating_left_name], [motion, this.words.rating_motion_name], [right, this.words.rating_right_name]];
    const key = JSON.stringify([serial, motion]);
    if (key === this.drawn) return this.show();
    const again = this.serial === serial;
    Object.assign(this, { drawn: key, serial });
    this.clock.halt();
    this.players.forEach((player) => player.drop());
    if (!again) Object.assign(this, { plays: 0, began: 0, said: undefined });
    this.failed = false;
    this.clock.at = 0;
    const shown = clips.filter(([path]) => path);
    this.bytes.keep(shown.map(([path]) => path)); // no pair comes again under its names
    const made = shown.map(([path, name]) => new Player({ path, sound: false }, name, {
      bytes: this.bytes,
      onChange: () => this.clock.changed(),
      onFailed: () => { this.failed = true; this.show(); },
    }));
    this.players = made;
    this.screen.dataset.clips = String(made.length);
    this.screen.replaceChildren(...made.map((player, i) => element("figure", "mw-pair-clip", player.video, element("figcaption", "", shown[i][1]))));
    if (made.length) this.clock.play();
    else this.show();
    if (hadFocus || document.activeElement === document.body) this.root.focus({ preventScroll: true });
    return undefined;
  }

  show() {
    const { clock, words } = this;
    const isPlaying = clock.state === "playing";
    if (isPlaying && this.turn !== clock.turn) {
      this.turn = clock.turn;
      if (clock.at < 0.2) this.plays += 1;
      this.began ||= performance.now();
    }
    // Both are shown at once: which one loads sooner would tell.
    const hidden = this.players.length > 0 && !this.plays;
    this.screen.classList.toggle("mw-pair-hidden", hidden);
    this.root.dataset.state = clock.state;
    const busy = this.said === this.serial;
    for (const node of this.answers) enable(node, this.plays && !busy);
    setText(this.toggle, isPlaying ? words.player_pause : words.player_play);
    this.toggle.hidden = !this.players.length;
    setText(this.status, this.failed ? words.rating_broken : hidden ? words.rating_loading : "");
  }

  close() {
    this.clock.halt();
    this.players.forEach((player) => player.drop());
    this.bytes.close();
  }
}

function render({ model, el }) {
  const pair = new Pair(model, model.get("_words"));
  el.append(pair.root);
  pair.update();
  const unlisten = listen(model, { "change:pair": () => pair.update() });
  return () => {
    unlisten();
    pair.close();
  };
}

export default page({ render });
