// One LSTM cell whose gates stand still: what is written, what is kept, what is shown.
rnnLive.add("gates", (() => {
  "use strict";
  const { fixed, chart } = rnnLive;
  const T = 100;

  // c_t = f c_{t-1} + i c̃_t and h_t = o tanh(c_t); c̃_t is c̃ for the first n steps, then 0.
  function compute({ f, i, o, g, n }) {
    const c = [0];
    const kept = [1];
    for (let t = 1; t <= T; t += 1) {
      c.push(f * c[t - 1] + (t <= n ? i * g : 0));
      kept.push(kept[t - 1] * f);
    }
    return { c, h: c.map((c_t) => o * Math.tanh(c_t)), kept };
  }

  function draw(width, state, { c, h, kept }) {
    const points = (values) => values.map((v, t) => [t, v]);
    const ends = [...c, ...h, ...kept];
    const y = [Math.floor(2 * Math.min(...ends)) / 2, Math.ceil(2 * Math.max(...ends)) / 2];
    return chart(width, { x: [0, T], y, xlabel: "time step t", ylabel: "value", curves: [
      { points: points(kept), kind: "gradient", dash: true, label: "product f" },
      { points: points(h), kind: "hidden", label: "h" },
      { points: points(c), kind: "memory", label: "c" }] });
  }

  return {
    compute,
    draw,
    facts: ({ f }, { c, h, kept }) => [["c after 100 steps", fixed(c[T], 3)],
      ["h after 100 steps", fixed(h[T], 3)], ["f to the power of 100", kept[T].toPrecision(3)],
      ["Steps until half is left", f <= 0 ? "1" : f >= 1 ? "never" : fixed(Math.log(0.5) / Math.log(f), 1)]],
    words: ({ n }, { c, h, kept }) => `The cell writes for ${n} ${n === 1 ? "step" : "steps"} and reaches `
      + `${fixed(c[n], 3)}. After 100 steps c is ${fixed(c[T], 3)} and h is ${fixed(h[T], 3)}; `
      + `the product of the forget gates is ${kept[T].toPrecision(3)}.`,
    table: (_, { c, h, kept }) => [["t", "c", "h", "product of f"],
      ...c.map((v, t) => [String(t), fixed(v, 6), fixed(h[t], 6), kept[t].toPrecision(6)])],
  };
})());
