// The best path through the casino: two states, one survivor into each, step by step.
rnnLive.add("viterbi", (() => {
  "use strict";
  const { svg, fixed, grouped } = rnnLive;
  const STATES = ["fair", "loaded"];
  const COLUMN = 54;
  const ROWS = [44, 124];

  // The casino's logarithms: of the first state, of the next one, of each face.
  function logs({ fair, loaded, six }) {
    const faces = (last) => [...Array(5).fill((1 - last) / 5), last].map(Math.log);
    return {
      start: [0.5, 0.5].map(Math.log),
      next: [[fair, 1 - fair], [1 - loaded, loaded]].map((row) => row.map(Math.log)),
      face: [faces(1 / 6), faces(six)],
    };
  }

  const larger = ([a, b]) => (b > a ? 1 : 0); // of equals the first, fair

  // best[t][j]: log-probability of the best path that ends in j; from[t][j]: where it came from.
  function compute(state) {
    const { start, next, face } = logs(state);
    const rolls = [...state.rolls].map(Number);
    const best = [];
    const from = [];
    rolls.forEach((roll, t) => {
      const ways = STATES.map((_, j) => STATES.map((__, i) => best[t - 1]?.[i] + next[i][j]));
      from.push(t ? ways.map(larger) : [0, 0]);
      best.push(STATES.map((_, j) => (t ? ways[j][from[t][j]] : start[j]) + face[j][roll - 1]));
    });
    return { rolls, best, from, path: traced(best, from, rolls.length) };
  }

  // The best path through the first t steps, from its end backwards.
  function traced(best, from, t) {
    const path = t ? [larger(best[t - 1])] : [];
    for (let k = t - 1; k > 0; k -= 1) path.unshift(from[k][path[0]]);
    return path;
  }

  function draw(width, { t: now }, { rolls, best, from }) {
    const path = traced(best, from, now);
    const at = (t) => 82 + COLUMN * t;
    const parts = STATES.map((name, j) =>
      svg("text", { class: "k-left k-small", x: 2, y: ROWS[j] + 4 }, name));
    for (let t = 1; t < rolls.length; t += 1) {
      for (const i of [0, 1]) for (const j of [0, 1]) {
        const known = t < now && from[t][j] === i;
        const won = known && path[t - 1] === i && path[t] === j;
        const kind = won ? "k-memory k-thick" : known ? "k-hidden" : "k-later k-dash";
        if (known || t >= now) parts.push(svg("path", { class: `k-line ${kind}`,
          d: `M${at(t - 1) + 21} ${ROWS[i]}L${at(t) - 21} ${ROWS[j]}` }));
      }
    }
    rolls.forEach((roll, t) => {
      for (const j of [0, 1]) {
        const won = path[t] === j;
        const kind = `${won ? "k-memory k-now" : "k-hidden"}${t < now ? "" : " k-later"}`;
        parts.push(svg("circle", { cx: at(t), cy: ROWS[j], r: 21, class: `k-node ${kind}` }));
        parts.push(svg("text", { class: "k-small", x: at(t), y: ROWS[j] + 4 },
          t < now ? fixed(best[t][j] / Math.LN10, 1) : "?"));
      }
      parts.push(svg("rect", { x: at(t) - 14, y: 164, width: 28, height: 28,
        class: `k-node k-input${t < now ? "" : " k-later"}` }));
      parts.push(svg("text", { x: at(t), y: 183 }, String(roll)));
    });
    parts.push(svg("text", { class: "k-left k-small", x: 2, y: 183 }, "roll"));
    const wide = Math.max(260, at(rolls.length) - 24);
    return svg("svg", { width: wide, height: 200, viewBox: `0 0 ${wide} 200` }, parts);
  }

  const named = (path) => path.map((j) => STATES[j][0].toUpperCase()).join("");

  return {
    compute,
    draw,
    steps: ({ rolls }) => rolls.length,
    facts: ({ t }, { rolls: { length: T } }) => [
      ["Viterbi: N² T sums", `${4 * t} of ${4 * T}`],
      ["Without it: paths, N to the power of T", `${grouped(t ? 2 ** t : 0)} of ${grouped(2 ** T)}`]],
    words({ t }, { rolls, best, from }) {
      if (!rolls.length) return "Type some rolls: digits from 1 to 6.";
      if (!t) return `No roll is read yet. ${rolls.length} wait.`;
      const path = traced(best, from, t);
      return `After ${t} of ${rolls.length} rolls the best path is ${named(path)} (F fair, L loaded), `
        + `with log10 probability ${fixed(best[t - 1][path[t - 1]] / Math.LN10, 2)}.`;
    },
    table: (_, { rolls, best, from, path }) => [
      ["t", "roll", "log10 fair", "log10 loaded", "fair from", "loaded from", "best path"],
      ...rolls.map((roll, t) => [String(t + 1), String(roll),
        ...best[t].map((v) => fixed(v / Math.LN10, 4)),
        ...from[t].map((i) => (t ? STATES[i] : "start")), STATES[path[t]]])],
  };
})());
