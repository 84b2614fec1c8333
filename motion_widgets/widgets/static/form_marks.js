// Marks the controls around it for those who do not see them: ipywidgets has no traits for it.

const CONTROL = ".widget-radio-box, input:not([type=file]), textarea, select";

/** Mark the controls of the form around `el`; returns what ends that. */
function markForm(model, el) {
  let root = null;
  let closed = false;
  const own = `mw-${Math.random().toString(36).slice(2)}`;
  const seen = new MutationObserver(guard("marks", mark));

  function put(node, name, value) {
    if (value) node.setAttribute(name, value);
    else node.removeAttribute(name);
  }

  function mark() {
    for (const [field, { name, wrong, by }] of Object.entries(model.get("fields"))) {
      for (const place of root.querySelectorAll(`.mw-field-${field}`)) {
        const group = place.querySelector(".widget-radio-box");
        if (group) {
          setAll(group, { role: "radiogroup", "aria-label": name });
          // ipywidgets names no radio: one name makes them one stop of the keyboard, and arrows stay among them.
          for (const one of group.querySelectorAll("input")) one.name = `${own}-${field}`;
        }
        for (const one of place.querySelectorAll(`${CONTROL}, .mw-media`)) {
          if (one.closest("[role=radiogroup]") !== group) continue;
          put(one, "aria-describedby", by);
          if (!one.matches(".mw-media")) put(one, "aria-invalid", wrong && "true");
        }
      }
    }
    for (const one of root.querySelectorAll(".mw-fold")) {
      one.setAttribute("aria-expanded", String(one.classList.contains("mw-open")));
    }
  }

  const start = guard("marks", () => {
    root = el.closest(".mw-form");
    if (root === null) return closed || setTimeout(start, 60); // not in the page yet
    seen.observe(root, { subtree: true, childList: true, attributes: true, attributeFilter: ["class"] });
    mark();
  });
  start();
  const unlisten = listen(model, {
    "change:fields": () => root && mark(),
  });
  return () => {
    closed = true;
    seen.disconnect();
    unlisten();
  };
}
