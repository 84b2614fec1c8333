// A button and a place to drop a file on. The file goes to the kernel in pieces, the next one only when
// the one before is on its disk. Text from outside only ever becomes textContent.

const LOST = 60_000; // ms without an answer of the kernel, after which a person is told

function h(tag, name, text) {
  const node = document.createElement(tag);
  if (name) node.className = name;
  if (text !== undefined) node.textContent = text;
  return node;
}

function fill(sentence, values) {
  return String(sentence).replace(/\{(\w+)(?::[^}]*)?\}/g, (whole, key) => (key in values ? values[key] : whole));
}

const amount = (bytes) => (bytes >= 1e5 ? `${(bytes / 1e6).toFixed(1)} MB` : `${Math.ceil(bytes / 1000)} kB`);

function render({ model, el }) {
  const words = model.get("_words");
  const root = h("div", "mw-pick");
  const row = h("div", "mw-pick-row");
  const choose = h("button", "jupyter-button mw-button", model.get("label"));
  choose.type = "button";
  const input = h("input");
  input.type = "file";
  input.accept = model.get("accept");
  input.multiple = true;
  input.hidden = true;
  input.setAttribute("aria-label", model.get("label"));
  const hint = h("span", "mw-pick-hint", words.pick_drop);
  row.append(choose, hint, input);
  const going = h("div", "mw-pick-row");
  going.hidden = true;
  const bar = h("div", "mw-pick-bar");
  bar.setAttribute("role", "progressbar");
  bar.setAttribute("aria-valuemin", "0");
  bar.setAttribute("aria-valuemax", "100");
  const done = h("i");
  bar.append(done);
  const told = h("span", "mw-pick-hint");
  const cancel = h("button", "jupyter-button mw-button", words.pick_cancel);
  cancel.type = "button";
  going.append(bar, told, cancel);
  const said = h("div", "mw-pick-said");
  said.setAttribute("role", "status");
  said.setAttribute("aria-live", "polite");
  root.append(row, going, said);
  el.append(root);

  let current = null;
  let timer = 0;

  function say(text, bad = false) {
    said.textContent = text;
    said.classList.toggle("mw-pick-bad", bad);
  }

  function end(text, bad = false) {
    clearTimeout(timer);
    const focused = going.contains(document.activeElement);
    current = null;
    going.hidden = true;
    row.hidden = false;
    say(text, bad);
    if (focused) choose.focus();
  }

  function patience() {
    clearTimeout(timer);
    timer = setTimeout(() => say(words.pick_lost, true), LOST);
  }

  function show(sent) {
    const share = Math.floor((100 * sent) / current.file.size);
    done.style.width = `${share}%`;
    bar.setAttribute("aria-valuenow", String(share));
    const text = fill(words.pick_progress, { done: amount(sent), all: amount(current.file.size) });
    bar.setAttribute("aria-valuetext", text);
    told.textContent = text;
  }

  async function send(offset) {
    const { id, file } = current;
    let piece;
    try {
      piece = await file.slice(offset, offset + model.get("piece")).arrayBuffer();
    } catch (error) {
      model.send({ type: "cancel", id });
      return end(String(error.message ?? error), true);
    }
    if (current?.id !== id) return;
    model.send({ type: "piece", id, offset }, {}, [piece]);
    patience();
  }

  function take(files) {
    if (current || !files.length) return;
    // A request's sidecar tells everything; the result beside it need not travel.
    const file = [...files].find((one) => /\.json$/i.test(one.name)) ?? files[0];
    if (file.size > model.get("limit")) {
      const values = { name: file.name, mb: (file.size / 1e6).toFixed(1), limit: model.get("limit") / 1e6 };
      return say(fill(words.pick_large, values), true);
    }
    current = { id: crypto.getRandomValues(new Uint32Array(4)).join("-"), file };
    bar.setAttribute("aria-label", file.name);
    row.hidden = true;
    going.hidden = false;
    say("");
    show(0);
    cancel.focus({ preventScroll: true });
    model.send({ type: "begin", id: current.id, name: file.name, size: file.size });
    patience();
  }

  function hear(message) {
    if (!current || message?.id !== current.id) return;
    if (message.type === "taken") {
      say("");
      show(message.offset);
      send(message.offset);
    } else if (message.type === "refused") end(message.message, true);
    else if (message.type === "done") {
      end(fill(words.pick_done, { name: message.name, all: amount(current.file.size) }));
    }
  }

  choose.addEventListener("click", () => input.click());
  input.addEventListener("change", () => {
    take(input.files);
    input.value = "";
  });
  cancel.addEventListener("click", () => {
    if (!current) return;
    model.send({ type: "cancel", id: current.id });
    end(words.pick_cancelled);
  });
  const carries = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
  for (const name of ["dragenter", "dragover"]) {
    root.addEventListener(name, (event) => {
      if (!carries(event)) return;
      event.preventDefault();
      event.stopPropagation();
      root.classList.add("mw-pick-over");
    });
  }
  root.addEventListener("dragleave", (event) => {
    if (!root.contains(event.relatedTarget)) root.classList.remove("mw-pick-over");
  });
  root.addEventListener("drop", (event) => {
    if (!carries(event)) return;
    event.preventDefault();
    event.stopPropagation();
    root.classList.remove("mw-pick-over");
    take(event.dataTransfer.files);
  });
  model.on("msg:custom", hear);
  return () => {
    clearTimeout(timer);
    if (current) model.send({ type: "cancel", id: current.id });
    current = null;
    model.off("msg:custom", hear);
  };
}

export default { render };
