// One clip of the wall, from wherever this page can have it: the Jupyter server, Voilà, or the kernel.

const PICTURE = /^data:image\/(png|jpeg|webp|gif)[;,]/; // a link that holds it
const ANSWER = 30_000; // ms to wait for the kernel's bytes

/** Where this host's server starts, with a slash at the end; null where there is none (VS Code). */
function serverBase() {
  let base = document.body?.dataset?.baseUrl;
  try {
    base = JSON.parse(document.getElementById("jupyter-config-data").textContent).baseUrl ?? base;
  } catch {
    // Not a Lab page.
  }
  if (typeof base !== "string" || !base.startsWith("/") || base.startsWith("//")) return null;
  // Voilà's own pages name `…/voila/` as theirs.
  return base.replace(/voila\/?$/, "").replace(/\/*$/, "/");
}

/** Addresses to try for a path, in order; none where it leads out of the server's root. */
function addresses(path) {
  const base = serverBase();
  const parts = path.split("/");
  if (base === null || path.includes("\\") || parts.some((part) => ["", ".", ".."].includes(part))) return [];
  const quoted = parts.map(encodeURIComponent).join("/");
  return [`${base}files/${quoted}`, `${base}voila/files/${quoted}`];
}

/** The kernel's answer to "give me the bytes of this path", as blob URLs kept until `close`. */
class Bytes {
  constructor(model) {
    this.model = model;
    this.urls = new Map();
    this.waiting = new Map();
    this.closed = false;
    this.count = 0;
    this.name = Math.random().toString(36).slice(2);
    const receive = (content, buffers) => {
      if (content?.type !== "bytes") return;
      this.waiting.get(content.id)?.(content.ok && buffers?.length ? buffers[0] : null);
      this.waiting.delete(content.id);
    };
    this.unlisten = listen(model, { "msg:custom": receive });
  }

  get(path) {
    if (!this.urls.has(path)) {
      const asked = this.ask(path);
      this.urls.set(path, asked);
      asked.then((url) => url ?? this.urls.delete(path));
    }
    return this.urls.get(path);
  }

  async ask(path) {
    const id = `${this.name}-${(this.count += 1)}`;
    const data = await new Promise((resolve) => {
      this.waiting.set(id, resolve);
      setTimeout(resolve, ANSWER, null);
      this.model.send({ type: "bytes", path, id });
    });
    this.waiting.delete(id);
    if (data === null || this.closed) return null;
    const type = path.toLowerCase().endsWith(".webm") ? "video/webm" : "video/mp4";
    return URL.createObjectURL(new Blob([data], { type }));
  }

  /** Forget all clips but those of these paths. */
  keep(paths) {
    for (const [path, url] of this.urls) {
      if (paths.includes(path)) continue;
      this.urls.delete(path);
      revoke(url);
    }
  }

  close() {
    this.closed = true;
    this.unlisten();
    for (const answer of this.waiting.values()) answer(null);
    this.urls.forEach(revoke);
  }
}

const revoke = (url) => url.then((made) => made && URL.revokeObjectURL(made));

/** One `<video>`, looking for a source that plays. */
class Player {
  constructor(cell, name, { bytes, onChange, onFailed }) {
    this.cell = cell;
    this.onChange = onChange;
    this.failed = false;
    this.dropped = false;
    this.pending = null;
    this.asked = 0;
    this.drift = 0; // s behind the clock, smoothed
    this.nudged = false;
    const video = (this.video = element("video", "mw-wall-video", {
      muted: true,
      playsInline: true,
      preload: "auto",
      disableRemotePlayback: true,
      "aria-label": name,
      dataset: { testid: "wall-video" },
    }));
    for (const event of ["loadedmetadata", "canplay", "durationchange", "playing"]) {
      on(video, event, () => onChange());
    }
    // A small picture, stretched; left in place it would hide the first frame until somebody plays.
    on(video, "loadeddata", () => video.removeAttribute("poster"));
    on(video, "seeked", () => {
      if (this.pending !== null) this.seek(this.pending);
      onChange();
    });
    const fail = () => {
      if (this.dropped || this.failed) return;
      this.failed = true;
      onFailed();
    };
    on(video, "error", () => this.known && fail());
    guard("load", () => this.load(bytes))().then((found) => found || fail());
  }

  async load(bytes) {
    const { path, poster } = this.cell;
    if (PICTURE.test(poster ?? "")) this.video.poster = poster;
    for (const [i, address] of addresses(path).entries()) {
      if (await this.tried(address, i === 0 ? "files" : "voila")) return true;
    }
    const url = await bytes.get(path);
    return url !== null && this.tried(url, "bytes");
  }

  tried(address, source) {
    if (this.dropped) return false;
    return new Promise((resolve) => {
      const { video } = this;
      const settle = (good) => {
        video.removeEventListener("loadedmetadata", yes);
        video.removeEventListener("error", no);
        if (good) video.dataset.source = source;
        resolve(good);
      };
      // Sound without a picture, or a codec it cannot draw, has no width.
      const yes = () => settle(video.videoWidth > 0);
      const no = () => settle(false);
      video.addEventListener("loadedmetadata", yes);
      video.addEventListener("error", no);
      this.release = no;
      video.src = address;
    });
  }

  get known() {
    return !this.failed && this.video.dataset.source !== undefined;
  }

  get duration() {
    return this.known && Number.isFinite(this.video.duration) ? this.video.duration : 0;
  }

  /** Can it play on from where it is? At its end there is nothing more to have. */
  get ready() {
    const { video } = this;
    if (!this.known || video.seeking) return false;
    return video.readyState >= 3 || (video.readyState === 2 && video.currentTime >= this.duration - 0.1);
  }

  get sounds() {
    if (typeof this.cell.sound === "boolean") return this.cell.sound;
    return this.video.mozHasAudio === true || this.video.webkitAudioDecodedByteCount > 0;
  }

  seek(at) {
    if (!this.known) return;
    this.asked = at;
    if (this.video.seeking) {
      this.pending = at; // one seek at a time: a fast scrub must not queue a hundred
      return;
    }
    this.pending = null;
    // A hair past the frame's start, because its time rounds down in the file; never quite the end,
    // where some clips show nothing.
    const target = Math.min(at + 0.001, Math.max(0, this.duration - 0.001));
    if (Math.abs(this.video.currentTime - target) > 0.0005) this.video.currentTime = target;
  }

  drop() {
    this.dropped = true;
    this.release?.();
    this.video.pause();
    this.video.removeAttribute("src");
    this.video.load();
  }
}
