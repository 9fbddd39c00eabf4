// One recurrent neuron, unfolded: the graph grows with T, the three parameters do not.
rnnLive.add("unfolding", (() => {
  "use strict";
  const { svg, fixed } = rnnLive;
  const INPUTS = { pulse: (t) => (t === 1 ? 1 : 0), steady: () => 1, swing: (t) => (t % 2 ? 1 : -1) };
  const COLUMN = 78;
  const TOP = 52; // the middle of the states
  const BOTTOM = 136; // and that of the inputs

  // x_1 to x_T, and h_0 to h_T with h_t = tanh(w_x x_t + w_h h_{t-1} + b).
  function compute({ T, x, wx, wh, b }) {
    const inputs = Array.from({ length: T }, (_, i) => INPUTS[x](i + 1));
    const states = [0];
    for (const x_t of inputs) states.push(Math.tanh(wx * x_t + wh * states.at(-1) + b));
    return { x: inputs, h: states };
  }

  function arrow(x1, y1, x2, y2, kind) {
    const length = Math.hypot(x2 - x1, y2 - y1);
    const [dx, dy] = [(x2 - x1) / length, (y2 - y1) / length];
    const head = [-1, 1].map((side) =>
      `M${x2 - 8 * dx + 4 * side * dy} ${y2 - 8 * dy - 4 * side * dx}L${x2} ${y2}`);
    return svg("path", { class: `k-line ${kind}`, d: `M${x1} ${y1}L${x2} ${y2}${head.join("")}` });
  }

  function column(t, { t: now, wx, wh }, { x, h }) {
    const at = 30 + COLUMN * t;
    const done = t <= now;
    const later = done ? "" : " k-later";
    const words = (y, text, kind = "") => svg("text", { x: at, y, class: kind }, text);
    const circle = { cx: at, cy: TOP, r: 22, class: `k-node k-hidden${t === now ? " k-now" : ""}` };
    const state = svg("g", {}, svg("circle", circle), words(TOP + 4, done ? fixed(h[t]) : "?"),
      words(16, `h${sub(t)}`, "k-small k-quiet"));
    if (t === 0) return state;
    return svg("g", { class: later.trim() || undefined },
      arrow(at - COLUMN + 22, TOP, at - 23, TOP, "k-hidden"),
      arrow(at, BOTTOM - 17, at, TOP + 23, "k-input"), state,
      svg("text", { x: at - COLUMN / 2, y: TOP - 6, class: "k-small" }, fixed(wh, 1)),
      svg("text", { x: at - 6, y: TOP + 48, class: "k-small k-right" }, fixed(wx, 1)),
      svg("rect", { x: at - 18, y: BOTTOM - 16, width: 36, height: 32, class: "k-node k-input" }),
      words(BOTTOM + 5, fixed(x[t - 1], 0)), words(BOTTOM + 32, `x${sub(t)}`, "k-small k-quiet"));
  }

  const sub = (t) => [...String(t)].map((digit) => "₀₁₂₃₄₅₆₇₈₉"[digit]).join("");

  function draw(width, state, values) {
    const wide = Math.max(60 + COLUMN * state.T, 260);
    const columns = values.h.map((_, t) => column(t, state, values));
    return svg("svg", { width: wide, height: 176, viewBox: `0 0 ${wide} 176` }, columns);
  }

  return {
    compute,
    draw,
    steps: ({ T }) => T,
    facts: ({ T, t }) => [["Parameters", "3"], ["Copies of the neuron", String(T)],
      ["Multiplications", `${2 * t} of ${2 * T}`]],
    words: ({ T, t, wx, wh, b }, { x, h }) => (t === 0
      ? `Nothing is computed yet: the state is 0. Three parameters serve all ${T} steps.`
      : `Step ${t} of ${T}: tanh(${fixed(wx, 1)} · ${fixed(x[t - 1], 0)} + ${fixed(wh, 1)} · `
        + `${fixed(h[t - 1], 3)} + ${fixed(b, 1)}) = ${fixed(h[t], 3)}. `
        + `Still three parameters.`),
    table: (_, { x, h }) => [["t", "input", "state"],
      ...h.map((h_t, t) => [String(t), t ? fixed(x[t - 1], 0) : "", fixed(h_t, 6)])],
  };
})());
