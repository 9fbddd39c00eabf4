// How far each character of a passage moves the predictions after it, in three trained models.
rnnLive.add("memory", (() => {
  "use strict";
  const { svg, fixed, chart } = rnnLive;
  const { text, models, likely, numbers } = rnnLive.memory;
  const characters = [...text];
  const T = characters.length - 1;
  const KINDS = ["hidden", "input", "memory"];
  const [LEAST, MOST, REACH, LAGS] = [-4, 1, 0.01, 80];
  const [CELL, LEFT, ROW] = [7.3, 36, 20];

  // Numbers of two bytes: five bits of exponent, ten of fraction; none here is negative.
  function halves(packed) {
    const bytes = window.atob(packed.replaceAll("-", "+").replaceAll("_", "/"));
    return Array.from({ length: bytes.length / 2 }, (_, k) => {
      const bits = bytes.charCodeAt(2 * k) + 256 * bytes.charCodeAt(2 * k + 1);
      const exponent = bits >> 10;
      return exponent ? 2 ** (exponent - 25) * (1024 + (bits & 1023)) : 2 ** -24 * bits;
    });
  }

  // For each model: row t - 1 holds the influence of the characters 1 to t, in bits.
  const all = halves(numbers);
  const size = all.length / models.length;
  const measured = models.map((name, m) => {
    const own = all.slice(m * size, (m + 1) * size);
    const moved = characters.slice(1).map((_, k) => own.slice((k * (k + 1)) / 2, ((k + 1) * (k + 2)) / 2));
    const mean = Array.from({ length: LAGS + 1 }, (_, lag) =>
      moved.slice(lag).reduce((sum, row) => sum + row[row.length - 1 - lag], 0) / (T - lag));
    return { name, moved, mean, p: own.slice(-2 * T, -T), most: own.slice(-T), likely: [...likely[m]] };
  });

  const compute = ({ t }) => measured.map(({ name, moved, mean, p, most, likely: best }) => {
    const row = moved[t - 1];
    const far = row.findIndex((bits) => bits >= REACH);
    return { name, row, mean, p: p[t - 1], best: best[t - 1], most: most[t - 1],
      reach: far < 0 ? 0 : t - 1 - far };
  });

  // A curve ends where it leaves the drawing.
  const end = (mean) => [...mean, 0].findIndex((bits) => bits < 10 ** LEAST);
  const height = (bits) => (ROW - 4) * Math.max(0, (Math.log10(bits) - LEAST) / (MOST - LEAST));
  const kept = (string) => string.replaceAll(" ", "\u00a0"); // spaces at an end keep their width

  // Lines of whole words: where each begins and ends.
  function lines(columns) {
    const found = [];
    for (let begin = 0; begin <= T;) {
      let end = Math.min(begin + columns, T + 1);
      if (end <= T && text.lastIndexOf(" ", end - 1) > begin) end = text.lastIndexOf(" ", end - 1) + 1;
      found.push([begin, end]);
      begin = end;
    }
    return found;
  }

  function draw(width, { t }, values) {
    const found = lines(Math.floor((width - LEFT - 4) / CELL));
    const tall = 3 * ROW + 30;
    const x = (k, begin) => LEFT + (k - begin) * CELL;
    const words = (part, at, y, look) => (part ? svg("text", { class: look, x: at, y,
      style: "font-family:ui-monospace,monospace",
      textLength: (part.length * CELL).toFixed(1) }, kept(part)) : []);

    function line([begin, end], number) {
      const top = 20 + number * tall;
      const base = top + 3 * ROW + 15;
      const split = Math.min(Math.max(t, begin), end);
      return [
        values.map(({ name, row }, m) => {
          const y = top + (m + 1) * ROW;
          const bars = row.slice(begin, end).map((bits, k) => [k + begin, height(bits)])
            .filter(([, h]) => h >= 0.5)
            .map(([k, h]) => `M${(x(k, begin) + CELL / 2).toFixed(1)} ${y}v-${h.toFixed(1)}`);
          return [svg("text", { class: "k-small k-left k-quiet", x: 0, y }, name),
            svg("path", { class: "k-grid", d: `M${LEFT} ${y}.5H${x(end, begin).toFixed(1)}` }),
            svg("path", { class: `k-line k-thick k-${KINDS[m]}`, d: bars.join("") })];
        }),
        t > begin && t <= end ? svg("rect", { class: "k-node k-output k-now",
          x: (x(t - 1, begin) - 0.5).toFixed(1), y: base - 13, width: CELL + 1, height: 18, rx: 2 }) : [],
        words(text.slice(begin, split), LEFT, base, "k-left k-mono"),
        words(text.slice(split, end), x(split, begin), base, "k-left k-mono k-later"),
      ];
    }

    // The character under the pointer, or the last one of its line.
    function point(event) {
      const drawing = event.currentTarget;
      const frame = drawing.getBoundingClientRect();
      const span = found[Math.floor((event.clientY - frame.top - 20) / tall)];
      if (!span) return;
      const column = Math.floor((event.clientX - frame.left - LEFT) / CELL);
      const at = span[0] + Math.min(Math.max(column, 0), span[1] - span[0] - 1);
      drawing.closest(".rnn-live").rnn.tools.change({ t: Math.min(at + 1, T) });
    }

    const below = 30 + found.length * tall;
    const curves = chart(Math.max(width, 350), { x: [0, LAGS], y: [LEAST, MOST],
      xlabel: "lag (characters back)", ylabel: "log10 of the mean influence in bits, whole passage",
      curves: values.map(({ name, mean }, m) => ({ label: name, kind: KINDS[m],
        points: mean.slice(0, end(mean)).map((bits, lag) => [lag, Math.log10(bits)]) })) });
    curves.setAttribute("y", below);
    curves.setAttribute("width", width); // on a phone it is drawn a little smaller
    return svg("svg", { width, height: below + 282, viewBox: `0 0 ${width} ${below + 282}`,
      style: "cursor:pointer", click: point, pointermove: (e) => { if (e.buttons === 1) point(e); } },
    svg("text", { class: "k-small k-left k-quiet", x: LEFT, y: 12 },
      "bars: 0.0001 to 10 bits, logarithmic"),
    found.map(line), curves);
  }

  // A slider for the character, as wide as the text: base.js makes none for "t".
  let made = 0;
  function begin({ html, state, change }) {
    const id = `rnn-memory-character-${(made += 1)}`;
    const input = html("input", { id, type: "range", min: 1, max: T, step: 1,
      input: () => change({ t: Number(input.value) }) });
    return html("div", { class: "rnn-field rnn-wide" },
      html("label", { for: id }, `Character, of ${T}`,
        html("span", { class: "rnn-value", "aria-hidden": "true" }, String(state.t))), input);
  }
  function painted({ root, state }) {
    const field = root.querySelector(".rnn-wide");
    field.querySelector("input").value = state.t;
    field.querySelector(".rnn-value").textContent = String(state.t);
  }

  const said = (c) => ({ " ": "a space", "\n": "a new line", '"': "a quotation mark" }[c] || `“${c}”`);
  const listed = (parts) => `${parts.slice(0, -1).join(", ")} and ${parts.at(-1)}`;

  return {
    compute,
    begin,
    painted,
    draw,
    facts: (_, values) => values.map(({ name, best, most }) =>
      [`${name} expects`, `${said(best)}, ${fixed(most)}`]),
    words: ({ t }, values) => `After character ${t}, ${said(characters[t - 1])}, comes `
      + `${said(characters[t])}; its probability is ${listed(values.map(({ name, p }) => `${name} ${fixed(p)}`))}. `
      + "An influence of 0.01 bits or more reaches back "
      + `${listed(values.map(({ name, reach }) => `${reach} (${name})`))} characters.`,
    table: ({ t }, values) => [["lag", "character", ...values.map(({ name }) => `${name}, bits`)],
      ...values[0].row.map((_, k) => t - 1 - k).map((j, lag) =>
        [String(lag), said(characters[j]), ...values.map(({ row }) => fixed(row[j], 5))])],
  };
})());
