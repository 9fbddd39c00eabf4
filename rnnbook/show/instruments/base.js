// What all instruments share: controls, steps, drawing, the address, and what is spoken.
// An instrument calls rnnLive.add(name, {compute, draw, words, ...}); spec.toml names its controls.
window.rnnLive = window.rnnLive || (() => {
  "use strict";
  const definitions = {};
  let fieldsMade = 0;
  const calm = window.matchMedia("(prefers-reduced-motion: reduce)");

  function filled(node, attributes, children) {
    for (const [name, value] of Object.entries(attributes)) {
      if (typeof value === "function") node.addEventListener(name, value);
      else if (value === true) node.setAttribute(name, "");
      else if (value !== false && value !== undefined) node.setAttribute(name, value);
    }
    node.append(...children.flat(Infinity)); // a string becomes text, never HTML
    return node;
  }
  const html = (tag, attributes = {}, ...children) =>
    filled(document.createElement(tag), attributes, children);
  // Places to a hundredth of a pixel: the last digits of a computation differ between browsers.
  const place = (value) => (typeof value === "number" ? Math.round(100 * value) / 100 : value);
  const svg = (tag, attributes = {}, ...children) =>
    filled(document.createElementNS("http://www.w3.org/2000/svg", tag),
      Object.fromEntries(Object.entries(attributes).map(([name, v]) => [name, place(v)])), children);

  // A number with a true minus sign; "-0.00" reads 0.00.
  const fixed = (x, digits = 2) => {
    const text = x.toFixed(digits);
    return Number(text) === 0 ? (0).toFixed(digits) : text.replace("-", "−");
  };
  const grouped = (n) => n.toLocaleString("en-US");

  // The nearest value that a control allows, whatever the address or the reader gave.
  function legal(control, value) {
    if (control.options) {
      return control.options.some(([key]) => key === value) ? value : control.value;
    }
    if (control.longest) {
      const foreign = control.allowed && new RegExp(`[^${control.allowed}]`, "gu");
      const text = String(value);
      return [...(foreign ? text.replace(foreign, "") : text)].slice(0, control.longest).join("");
    }
    const number = Number(value);
    if (value === "" || !Number.isFinite(number)) return control.value;
    const near = control.min + Math.round((number - control.min) / control.step) * control.step;
    return Number(Math.min(control.max, Math.max(control.min, near)).toFixed(6));
  }

  // Jupyter and Colab use their address themselves: there it is neither read nor written.
  const ownsAddress = () =>
    window.parent === window && !document.querySelector(".jp-LabShell, .jp-Notebook");

  // The settings in an address such as #at=unfolding&T=12, or #T=12 for every instrument.
  function addressed(spec) {
    const given = new URLSearchParams(ownsAddress() ? window.location.hash.slice(1) : "");
    if (given.has("at") && given.get("at") !== spec.name) return null;
    const known = spec.controls.filter(({ key }) => given.has(key));
    if (!known.length && !given.has("at")) return null;
    return Object.fromEntries(known.map((c) => [c.key, legal(c, given.get(c.key))]));
  }

  // A button that can do nothing now keeps the focus, so a keyboard does not lose its place.
  const idle = (button, yes) => button.setAttribute("aria-disabled", String(Boolean(yes)));

  // Call f at the end of a pause, so that a dragged slider neither floods ears nor the address.
  function late(f, milliseconds) {
    let timer = 0;
    return (...given) => {
      window.clearTimeout(timer);
      timer = window.setTimeout(f, milliseconds, ...given);
    };
  }

  function mount(root) {
    const spec = JSON.parse(root.dataset.spec);
    const definition = definitions[spec.name];
    const initial = Object.fromEntries(spec.controls.map((c) => [c.key, c.value]));
    const state = { ...initial, ...addressed(spec) };
    const fields = {};
    let values = null;
    let run = 0;

    const stage = html("div", { class: "rnn-stage" });
    const facts = html("dl", { class: "rnn-facts" });
    const readout = html("p", { class: "rnn-readout" });
    const said = html("p", { class: "rnn-said", role: "status", "aria-live": "polite" });
    const numbers = html("table");
    const folded = html("details", { toggle: () => table() }, html("summary", {}, "All numbers"),
      html("div", { class: "rnn-scroll", tabindex: 0, role: "group", "aria-label": "All numbers" },
        numbers));
    const say = late((text) => { said.textContent = text; }, 700);
    const remember = late(() => {
      const changed = spec.controls.filter(({ key }) => state[key] !== initial[key]);
      const settings = new URLSearchParams([["at", spec.name],
        ...changed.map(({ key }) => [key, state[key]])]);
      window.history.replaceState(null, "", `#${settings}`);
    }, 300);

    function field(control) {
      const id = `rnn-${spec.name}-${control.key}-${(fieldsMade += 1)}`;
      const shown = html("span", { class: "rnn-value", "aria-hidden": "true" });
      const take = () => change({ [control.key]: legal(control, input.value) }, false);
      let input;
      if (control.options) {
        input = html("select", { id, change: take },
          control.options.map(([value, label]) => html("option", { value }, label)));
      } else if (control.longest) {
        input = html("input", { id, type: "text", input: take,
          autocomplete: "off", spellcheck: "false", inputmode: control.inputmode });
        input.addEventListener("change", () => { input.value = state[control.key]; });
      } else {
        const { min, max, step } = control;
        input = html("input", { id, type: "range", min, max, step, input: take });
      }
      fields[control.key] = { input, shown, control };
      return html("div", { class: control.longest > 50 ? "rnn-field rnn-wide" : "rnn-field" },
        html("label", { for: id }, control.label, control.options || control.longest ? [] : shown),
        input);
    }

    function show() {
      for (const { input, shown, control } of Object.values(fields)) {
        const value = state[control.key];
        if (document.activeElement !== input || input.type !== "text") input.value = value;
        if (input.type !== "range") continue;
        const digits = (String(control.step).split(".")[1] || "").length;
        shown.textContent = fixed(value, digits);
        input.setAttribute("aria-valuetext", fixed(value, digits));
      }
    }

    const last = () => (definition.steps ? definition.steps(state) : 0);

    function paint() {
      if (definition.steps) state.t = Math.min(state.t, last());
      values = definition.compute(state);
      show();
      if (definition.draw) draw();
      if (definition.facts) {
        facts.replaceChildren(...definition.facts(state, values).map(([name, value]) =>
          html("div", {}, html("dt", {}, name), html("dd", {}, value))));
      }
      if (definition.words) readout.textContent = definition.words(state, values);
      const off = { start: state.t === 0, back: state.t === 0, step: state.t === last(),
        run: state.t === last() };
      for (const [name, button] of Object.entries(buttons)) idle(button, off[name]);
      if (definition.painted) definition.painted(tools);
      if (folded.open) table();
      root.rnn = { state, values, tools };
    }

    function draw() {
      const width = Math.round(Math.min(760, Math.max(260, stage.clientWidth || 640)));
      const drawing = definition.draw(width, state, values);
      drawing.setAttribute("class", "rnn-drawing");
      drawing.setAttribute("role", "img");
      drawing.setAttribute("aria-label", definition.words(state, values));
      const left = stage.scrollLeft;
      stage.replaceChildren(drawing);
      const scrolls = stage.scrollWidth > stage.clientWidth + 1;
      for (const [name, value] of [["tabindex", "0"], ["role", "group"],
        ["aria-label", "Drawing, scrolls sideways"]]) {
        if (scrolls) stage.setAttribute(name, value);
        else stage.removeAttribute(name);
      }
      const at = [...drawing.querySelectorAll(".k-now")].at(-1);
      stage.scrollLeft = scrolls && at ? at.getBBox().x - stage.clientWidth / 2 : left;
    }

    function table() {
      if (!definition.table) return;
      const [head, ...rows] = definition.table(state, values);
      numbers.replaceChildren(
        html("thead", {}, html("tr", {}, head.map((h) => html("th", { scope: "col" }, h)))),
        html("tbody", {}, rows.map((row) => html("tr", {}, row.map((cell) => html("td", {}, cell))))));
    }

    function change(settings, byStep) {
      if (!byStep) stop();
      Object.assign(state, settings);
      paint();
      if (definition.words) say(readout.textContent);
      if (ownsAddress()) remember();
    }

    function stop() {
      window.clearInterval(run);
      run = 0;
      if (buttons.run) buttons.run.textContent = "Run";
    }

    function running() {
      if (run) return stop();
      if (calm.matches) return change({ t: last() }); // no motion: go to the end at once
      buttons.run.textContent = "Pause";
      run = window.setInterval(() => {
        change({ t: Math.min(state.t + 1, last()) }, true);
        if (state.t === last()) stop();
      }, 600);
      return undefined;
    }

    function reset() {
      stop();
      Object.assign(state, initial);
      if (definition.reset) definition.reset(tools);
      paint();
      say(`Reset. ${readout.textContent}`);
      if (ownsAddress()) window.history.replaceState(null, "", `#at=${spec.name}`);
    }

    const button = (words, act) => html("button", { type: "button", click(event) {
      if (event.currentTarget.getAttribute("aria-disabled") !== "true") act();
    } }, words);
    const tools = { html, state, change, say, button, idle, root, ownPage: ownsAddress };
    const buttons = definition.steps ? {
      start: button("Start", () => change({ t: 0 })),
      back: button("Back", () => change({ t: state.t - 1 })),
      step: button("Step", () => change({ t: state.t + 1 })),
      run: button("Run", running),
    } : {};
    const panel = html("div", { class: "rnn-panel" },
      html("div", { class: "rnn-head" }, html("strong", {}, spec.title), button("Reset", reset)),
      html("div", { class: "rnn-controls" },
        spec.controls.filter((c) => c.key !== "t").map(field)),
      definition.steps ? html("div", { class: "rnn-buttons" }, Object.values(buttons)) : [],
      definition.begin ? definition.begin(tools) : [],
      definition.draw ? stage : [], definition.facts ? facts : [],
      definition.words ? readout : [], definition.table ? folded : [], said);

    root.setAttribute("role", "group");
    root.setAttribute("aria-label", `Instrument: ${spec.title}`);
    root.tabIndex = -1; // a link to a setting moves the focus here
    root.classList.add("rnn-on");
    root.append(panel);
    paint();
    if (definition.draw) new ResizeObserver(late(draw, 50)).observe(stage);

    function arrive() {
      const settings = addressed(spec);
      if (!settings) return;
      Object.assign(state, initial, settings);
      stop();
      paint();
      if (!window.location.hash.includes("at=")) return;
      root.scrollIntoView({ block: "start" });
      root.focus({ preventScroll: true });
    }
    window.addEventListener("hashchange", arrive);
    if (document.readyState === "complete") arrive();
    else window.addEventListener("load", arrive);
  }

  // Register an instrument, and set it up wherever the page has its place.
  function add(name, definition) {
    definitions[name] = definition;
    api.compute[name] = definition.compute;
    for (const root of document.querySelectorAll(`.rnn-live[data-name="${name}"]:not(.rnn-on)`)) {
      mount(root);
    }
  }

  const api = { add, html, svg, place, fixed, grouped, legal, compute: {} };
  return api;
})();
