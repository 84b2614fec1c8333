// Two handles on a filmstrip. Arrow keys move 0.1 s, Shift or Page keys 1 s; Home and End go to the limits.

const STEP = 0.1;
const KEYS = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -10, PageUp: 10 };

function h(tag, name, text) {
  const node = document.createElement(tag);
  if (name) node.className = name;
  if (text !== undefined) node.textContent = text;
  return node;
}

function fill(sentence, values) {
  return String(sentence).replace(/\{(\w+)(?::[^}]*)?\}/g, (whole, key) => (key in values ? values[key] : whole));
}

const tenth = (seconds) => Math.round(seconds * 10) / 10;
const shown = (seconds) => seconds.toFixed(1);

function render({ model, el }) {
  const words = model.get("_words");
  const root = h("div", "mw-trim");
  root.setAttribute("role", "group");
  root.setAttribute("aria-label", words.trim_group);
  const track = h("div", "mw-trim-track");
  const strip = h("img");
  strip.alt = "";
  strip.draggable = false;
  const before = h("div", "mw-trim-out");
  const after = h("div", "mw-trim-out");
  const part = h("div", "mw-trim-part");
  const handles = ["start", "end"].map((name) => {
    const handle = h("div", `mw-trim-handle mw-trim-${name}`);
    handle.tabIndex = 0;
    handle.setAttribute("role", "slider");
    handle.setAttribute("aria-label", words[`trim_${name}`]);
    handle.setAttribute("aria-orientation", "horizontal");
    handle.append(h("i"));
    return handle;
  });
  track.append(strip, before, after, part, ...handles);
  const scale = h("div", "mw-trim-scale");
  scale.setAttribute("aria-hidden", "true");
  const said = h("div", "mw-trim-said");
  said.setAttribute("role", "status");
  said.setAttribute("aria-live", "polite");
  root.append(track, scale, said, h("div", "mw-trim-keys", words.trim_keys));
  el.append(root);

  const get = () => ({ start: model.get("start"), end: model.get("end"), length: model.get("length") });

  function limits(name) {
    const { start, end, length } = get();
    return name === "start" ? [0, Math.max(0, end - STEP)] : [Math.min(length, start + STEP), length];
  }

  function put(values) {
    for (const [name, value] of Object.entries(values)) model.set(name, value);
    draw();
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
      handle.style.left = at(number ? end : start);
      handle.setAttribute("aria-valuemin", shown(least));
      handle.setAttribute("aria-valuemax", shown(most));
      handle.setAttribute("aria-valuenow", shown(number ? end : start));
      handle.setAttribute("aria-valuetext", fill(words.trim_at, { at: shown(number ? end : start) }));
    });
    scale.replaceChildren(h("span", "", "0 s"), h("span", "", `${shown(length)} s`));
    const values = { start: shown(start), end: shown(end), length: shown(lasts), low, high };
    const text = `${fill(words.trim_part, values)} ${fill(fits ? words.trim_fits : words.trim_not, values)}`;
    if (said.textContent !== text) said.textContent = text;
  }

  handles.forEach((handle, number) => {
    const name = ["start", "end"][number];
    handle.addEventListener("keydown", (event) => {
      const now = get()[name];
      if (event.key === "Home" || event.key === "End") move(name, event.key === "Home" ? -Infinity : Infinity);
      else if (event.key in KEYS) {
        const fast = event.shiftKey && event.key.startsWith("Arrow") ? 10 : 1;
        move(name, now + KEYS[event.key] * fast * STEP);
      } else return;
      event.preventDefault();
      event.stopPropagation();
    });
  });

  let held = null;
  track.addEventListener("pointerdown", (event) => {
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
  track.addEventListener("pointermove", (event) => {
    if (!held) return;
    const to = ((event.clientX - held.box.left) / held.box.width) * held.length;
    if (held.name) move(held.name, to);
    else slide(to - held.by);
  });
  for (const name of ["pointerup", "pointercancel"]) track.addEventListener(name, () => (held = null));

  const names = ["strip", "length", "low", "high", "start", "end"];
  for (const name of names) model.on(`change:${name}`, draw);
  draw();
  return () => names.forEach((name) => model.off(`change:${name}`, draw));
}

export default { render };
