// One clock for all clips of the wall.

const FAR = 0.25; // s; further apart than this a clip jumps, nearer it is sped up or slowed down
const PATIENCE = 10_000; // ms to wait for clips before starting with those that are there
const STALL = 400; // ms that a clip may lack data before all wait for it

/** One clock for all players; it owns no element but what it tells `show`. */
class Clock {
  constructor({ players, fps, show }) {
    Object.assign(this, { players, fps, show });
    this.at = 0;
    this.state = "paused"; // paused, loading, playing
    this.speed = 1;
    this.sound = true;
    this.loop = true;
    this.turn = 0;
    this.waiters = new Set();
  }

  get all() {
    return this.players().filter((player) => player.known);
  }

  get length() {
    return Math.max(0, ...this.all.map((player) => player.duration));
  }

  get sounding() {
    return this.all.find((player) => player.sounds) ?? null;
  }

  /** The longest clip; among those that end with it the one that is heard, which then never drifts. */
  get leader() {
    const candidates = this.all.filter((player) => player.duration >= this.length - 1 / this.fps());
    return candidates.find((player) => player === this.sounding) ?? candidates[0] ?? null;
  }

  /** Something about a player changed: it loaded, sought, or came and went. */
  changed() {
    for (const waiter of [...this.waiters]) waiter();
    this.hush();
    if (this.state === "paused") this.all.forEach((player) => this.align(player));
    this.show();
  }

  align(player) {
    // Asked once only: where a server knows no Range, a seek goes back to 0 whatever was asked.
    if (player.asked !== this.at) player.seek(this.at);
  }

  hush() {
    const { sounding } = this;
    for (const player of this.players()) {
      const isHeard = this.sound && player === sounding;
      player.video.muted = !isHeard;
      player.video.preservesPitch = isHeard; // a new rate takes hold sooner without
    }
  }

  play() {
    return guard("play", () => this.begin())();
  }

  async begin() {
    const turn = ++this.turn;
    if (this.at >= this.length - 0.5 / this.fps()) this.at = 0;
    this.state = "loading";
    this.all.forEach((player) => player.seek(this.at));
    this.show();
    await this.ready(turn);
    if (turn !== this.turn || !this.leader) {
      if (turn === this.turn) this.pause();
      return;
    }
    this.state = "playing";
    this.lacking = null;
    this.hush();
    // A clip with sound starts some 70 ms late, when the sound device is ready, and may hesitate once
    // more just after: the others wait for it.
    const { leader } = this;
    this.first = leader.sounds ? leader : null;
    this.from = leader.video.currentTime;
    for (const player of this.all) {
      player.drift = 0;
      player.nudged = false;
      player.joined = true;
      if (!this.first || player === leader) this.start(player);
    }
    this.show();
    this.next(turn);
  }

  ready(turn) {
    const open = () => this.players().filter((player) => !player.failed && !player.ready);
    return new Promise((resolve) => {
      const late = setTimeout(() => check(true), PATIENCE);
      const check = (over = false) => {
        if (turn === this.turn && open().length && !over) return;
        clearTimeout(late);
        this.waiters.delete(check);
        resolve();
      };
      this.waiters.add(check);
      check();
    });
  }

  start(player) {
    const { video } = player;
    if (!player.ready || this.at >= player.duration - 0.002) return;
    player.joined = true;
    video.playbackRate = this.speed;
    video.play().catch((error) => {
      // A page that was never clicked may not make a sound: go on without.
      if (error.name !== "NotAllowedError" || video.muted) return;
      this.sound = false;
      this.hush();
      this.show();
      video.play().catch(() => {});
    });
  }

  next(turn) {
    this.frame = requestAnimationFrame(guard("tick", () => this.tick(turn)));
  }

  tick(turn) {
    if (turn !== this.turn) return;
    const { leader } = this;
    if (!leader || !leader.video.isConnected) {
      this.pause();
      return;
    }
    this.at = leader.video.currentTime;
    if (leader.video.ended || this.at >= leader.duration - 0.001) {
      this.finish();
      return;
    }
    if (this.first === leader && this.at <= this.from && !leader.video.paused) {
      this.next(turn);
      return;
    }
    this.first = null;
    this.all.forEach((player) => this.keep(player, leader));
    if (this.stalled()) {
      this.halt();
      this.play();
      return;
    }
    this.show();
    this.next(turn);
  }

  /** Keep one clip within half a frame of the leader. */
  keep(player, leader) {
    const { video } = player;
    if (video.seeking || this.at >= player.duration - 0.002) return; // a shorter one holds its last frame
    if (video.paused) {
      const behind = this.at - video.currentTime;
      if (player !== leader && Math.abs(behind) > FAR) player.seek(this.at);
      else if (player === leader || behind > -0.004) this.start(player);
      return;
    }
    if (player === leader) {
      this.setRate(video, this.speed);
      return;
    }
    const frame = 1 / this.fps();
    const behind = leader.video.currentTime - video.currentTime;
    if (behind < -0.3 * frame && !player.sounds) {
      video.pause(); // a still picture waits at once and to the ms; a slower one takes its time
      player.drift = 0;
      return;
    }
    // The time of a clip with sound jumps by 30 ms now and then, and follows its rate late: it is the
    // mean that counts, and a gentle hand.
    player.drift += (behind - player.drift) * (player.sounds ? 0.2 : 0.6);
    if (Math.abs(player.drift) > FAR) {
      player.drift = 0;
      player.seek(leader.video.currentTime);
      return;
    }
    player.nudged = Math.abs(player.drift) > (player.nudged ? 0.1 : 0.3) * frame;
    const most = player.sounds ? 0.15 : 0.6;
    const change = Math.max(-most, Math.min(most, player.drift * (player.sounds ? 3 : 10)));
    this.setRate(video, player.nudged ? this.speed * (1 + change) : this.speed);
  }

  setRate(video, rate) {
    const rounded = Math.round(rate * 100) / 100;
    if (video.playbackRate !== rounded) video.playbackRate = rounded;
  }

  /** One that was added while the others play joins them once it is ready; they do not wait for it. */
  stalled() {
    const { leader } = this;
    const lacks = (player) => !player.ready && !player.video.ended && this.at < player.duration - 0.1;
    const lacking = this.all.some((player) => (player.joined || player === leader) && lacks(player));
    const now = performance.now();
    this.lacking = lacking ? (this.lacking ?? now) : null;
    return this.lacking !== null && now - this.lacking > STALL;
  }

  finish() {
    this.halt();
    if (this.loop) {
      this.at = 0;
      this.play();
      return;
    }
    this.at = this.length;
    this.state = "paused";
    this.show();
  }

  /** Stop all clips where they are. */
  halt() {
    this.turn += 1;
    cancelAnimationFrame(this.frame);
    for (const player of this.players()) player.video.pause();
    for (const waiter of [...this.waiters]) waiter();
  }

  /** Stop, all on the same frame. */
  pause() {
    this.halt();
    this.state = "paused";
    this.seek(Math.round(this.at * this.fps()) / this.fps());
  }

  toggle() {
    if (this.state === "paused") this.play();
    else this.pause();
  }

  seek(at) {
    this.at = Math.max(0, Math.min(this.length, at));
    this.all.forEach((player) => player.seek(this.at));
    this.show();
  }

  step(frames) {
    if (this.state !== "paused") this.pause();
    this.seek((Math.round(this.at * this.fps()) + frames) / this.fps());
  }

  setSpeed(speed) {
    this.speed = speed;
    for (const player of this.all) player.video.playbackRate = speed;
    this.show();
  }
}
