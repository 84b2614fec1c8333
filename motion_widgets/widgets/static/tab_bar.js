// A row of tabs, and the panels around it: `.mw-tab-panel` in the same `.motion-widgets`, in their order.

function render({ model, el }) {
  const own = `mw-tab-${Math.random().toString(36).slice(2)}`;
  const list = element("div", "mw-tabs", { role: "tablist" });
  let tabs = [];

  const choose = (at, focus) => {
    model.set("selected_index", at);
    model.save_changes();
    if (focus) tabs[at].focus();
  };
  const turn = (event) => {
    const at = tabs.indexOf(event.target.closest('[role="tab"]'));
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tabs.length - 1 }[event.key];
    if (at < 0 || to === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    claim(event);
    choose((to + tabs.length) % tabs.length, true);
  };

  /** Show the panel of the chosen tab; panels may be drawn after this, and in any order. */
  function link() {
    const panels = [...(el.closest(".motion-widgets")?.children ?? [])].filter((one) => one.matches(".mw-tab-panel"));
    panels.forEach((panel, at) => {
      const tab = tabs[at];
      if (!tab) return;
      const isOpen = at === model.get("selected_index");
      panel.id = `${tab.id}-panel`;
      panel.setAttribute("role", "tabpanel");
      panel.setAttribute("aria-labelledby", tab.id);
      panel.classList.toggle("mw-open", isOpen);
      if (isOpen) tab.setAttribute("aria-controls", panel.id);
    });
  }

  function update() {
    const titles = model.get("titles");
    if (tabs.length !== titles.length) {
      tabs = titles.map((_, at) => {
        const tab = element("button", "mw-tab", { type: "button", role: "tab", id: `${own}-${at}` }, element("span"), element("b", "mw-badge"));
        on(tab, "click", () => choose(at, true));
        return tab;
      });
      list.replaceChildren(...tabs);
    }
    list.setAttribute("aria-label", model.get("label"));
    tabs.forEach((tab, at) => {
      const isOpen = at === model.get("selected_index");
      const badge = model.get("badges")[at] ?? "";
      tab.setAttribute("aria-selected", String(isOpen));
      tab.tabIndex = isOpen ? 0 : -1;
      tab.removeAttribute("aria-controls");
      setText(tab.firstChild, titles[at]);
      setText(tab.lastChild, badge);
      tab.lastChild.hidden = !badge;
    });
    link();
  }

  /** Tell the kernel which language the browser speaks. */
  function speak() {
    model.set("page_language", navigator.language.slice(0, 2));
    model.save_changes();
  }

  on(list, "keydown", turn);
  el.append(list);
  update();
  const watching = new MutationObserver(guard("tabs", link));
  const place = requestAnimationFrame(
    guard("tabs", () => {
      const root = el.closest(".motion-widgets");
      if (root) watching.observe(root, { childList: true });
      link();
    }),
  );
  const unlisten = listen(model, { change: update });
  speak();
  return () => {
    cancelAnimationFrame(place);
    watching.disconnect();
    unlisten();
  };
}

export default page({ render });
