// Two handles on a filmstrip. Arrow keys move 0.1 s, Shift or Page keys 1 s; Home and End go to the limits.

const STEP = 0.1;
const KEYS = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -10, PageUp: 10 };

const tenth = (seconds) => Math.round(seconds * 10) / 10;
const shown = (seconds) => seconds.toFixed(1);

function render({ model, el }) {
  const words = model.get("_words");
  const strip = element("img", "", { alt: "", draggable: false });
  const before = element("div", "mw-trim-out");
  const after = element("div", "mw-trim-out");
  const part = element("div", "mw-trim-part");
  const handles = ["start", "end"].map((name) =>
    element("div", `mw-trim-handle mw-trim-${name}`, element("i"), {
      tabIndex: 0,
      role: "slider",
      "aria-label": name === "start" ? words.trim_start : words.trim_end,
      "aria-orientation": "horizontal",
    }),
  );
  const track = element("div", "mw-trim-track", strip, before, after, part, ...handles);
  const said = liveRegion("span", "mw-trim-said");
  const whole = sign("");
  const scale = element("div", "mw-trim-scale", sign("0 s"), said, whole);
  const root = element("div", "mw-trim", { role: "group", "aria-label": words.trim_group }, track, scale);
  el.append(root);

  const get = () => ({ start: model.get("start"), end: model.get("end"), length: model.get("length") });

  function limits(name) {
    const { start, end, length } = get();
    return name === "start" ? [0, Math.max(0, end - STEP)] : [Math.min(length, start + STEP), length];
  }

  function put(values) {
    for (const [name, value] of Object.entries(values)) model.set(name, value);
    model.save_changes();
  }

  function move(name, to) {
    const [low, high] = limits(name);
    // The clip's own end is kept exactly: it is seldom a whole tenth.
    put({ [name]: to >= high ? high : Math.max(low, tenth(to)) });
  }

  function slide(to) {
    const { start, end, length } = get();
    const begin = tenth(Math.min(Math.max(0, to), Math.max(0, length - (end - start))));
    put({ start: begin, end: Math.min(length, begin + (end - start)) });
  }

  function draw() {
    const { start, end, length } = get();
    const [low, high] = [model.get("low"), model.get("high")];
    const at = (seconds) => `${length ? (100 * Math.min(seconds, length)) / length : 0}%`;
    if (strip.src !== model.get("strip")) strip.src = model.get("strip") || "data:,";
    strip.hidden = !model.get("strip");
    before.style.width = at(start);
    after.style.left = at(end);
    part.style.left = at(start);
    part.style.width = at(Math.max(0, end - start));
    const lasts = end - start;
    const fits = lasts >= low - 1e-6 && lasts <= high + 1e-6;
    root.classList.toggle("mw-trim-bad", !fits);
    handles.forEach((handle, number) => {
      const name = ["start", "end"][number];
      const [least, most] = limits(name);
      const now = number ? end : start;
      handle.style.left = at(now);
      setAll(handle, {
        "aria-valuemin": shown(least),
        "aria-valuemax": shown(most),
        "aria-valuenow": shown(now),
        "aria-valuetext": fill(words.trim_at, { at: shown(now) }),
      });
    });
    setText(whole, `${shown(length)} s`);
    const values = { start: shown(start), end: shown(end), length: shown(lasts), low, high };
    setText(said, fill(fits ? words.trim_part : words.trim_not, values));
  }

  handles.forEach((handle, number) => {
    const name = ["start", "end"][number];
    on(handle, "keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const now = get()[name];
      if (event.key === "Home" || event.key === "End") move(name, event.key === "Home" ? -Infinity : Infinity);
      else if (event.key in KEYS) {
        const fast = event.shiftKey && event.key.startsWith("Arrow") ? 10 : 1;
        move(name, now + KEYS[event.key] * fast * STEP);
      } else return;
      claim(event);
    });
  });

  let held = null;
  on(track, "pointerdown", (event) => {
    const box = track.getBoundingClientRect();
    const { start, end, length } = get();
    const to = ((event.clientX - box.left) / box.width) * length;
    const number = handles.findIndex((one) => one.contains(event.target));
    const inside = number < 0 && to > start && to < end;
    const name = number >= 0 ? ["start", "end"][number] : Math.abs(to - start) < Math.abs(to - end) ? "start" : "end";
    held = { name: inside ? null : name, by: inside ? to - start : 0, box, length };
    track.setPointerCapture(event.pointerId);
    if (!inside) {
      handles[name === "end" ? 1 : 0].focus({ preventScroll: true });
      if (number < 0) move(name, to);
    }
    event.preventDefault();
  });
  on(track, "pointermove", (event) => {
    if (!held) return;
    const to = ((event.clientX - held.box.left) / held.box.width) * held.length;
    if (held.name) move(held.name, to);
    else slide(to - held.by);
  });
  for (const name of ["pointerup", "pointercancel"]) on(track, name, () => (held = null));

  draw();
  return listen(model, { change: draw });
}

export default page({ render });
