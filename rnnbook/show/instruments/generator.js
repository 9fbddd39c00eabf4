// Chapter 8's character model writes: one LSTM layer, its weights whole
// numbers of one byte.
rnnLive.add("generator", (() => {
  "use strict";
  const { svg, fixed, grouped } = rnnLive;
  const ROUNDING = 1e-6; // as in rnnbook.text.sampling: a sum that misses p by less has reached it
  const BARS = 10;
  let model = null;

  // Unpack what generator.py packed: a matrix is whole numbers times a scale for each row.
  function unpacked({ tokens, arrays, bytes }) {
    const buffer = Uint8Array.from(atob(bytes), (c) => c.charCodeAt(0)).buffer;
    const read = (name) => {
      const [kind, shape, at] = arrays[name];
      const size = shape.reduce((a, b) => a * b, 1);
      if (kind === "f") return new Float32Array(buffer, at, size);
      const scale = read(`${name} scale`);
      const whole = new Int8Array(buffer, at, size);
      return Float32Array.from(whole, (v, k) => v * scale[Math.floor(k / shape[1])]);
    };
    const [W_x, W_h, b, W_hy, b_y] = ["recurrent/W_x", "recurrent/W_h", "recurrent/b", "dense/W_hy",
      "dense/b_y"].map(read);
    const numbers = new Map(tokens.map((token, id) => [token, id]));
    return { tokens, numbers, W_x, W_h, b, W_hy, b_y, H: b.length / 4, V: tokens.length };
  }

  const sigmoid = (a) => 1 / (1 + Math.exp(-a));

  // Row r of a matrix times a vector.
  function dot(W, r, vector) {
    let sum = 0;
    for (let k = 0, at = r * vector.length; k < vector.length; k += 1) sum += W[at + k] * vector[k];
    return sum;
  }

  // Read one token: h and c of the session move on, and so do its logits. The rows of the weights
  // are those of the gates i, f, the candidate, and o, one after another.
  function read(session, id) {
    const { W_x, W_h, b, H, V } = model;
    const before = session.h;
    const h = new Float64Array(H);
    for (let j = 0; j < H; j += 1) {
      // Four sums in one loop: the processor adds them side by side.
      let [i, f, g, o] = [j, H + j, 2 * H + j, 3 * H + j].map((row) => W_x[row * V + id] + b[row]);
      const [ri, rf, rg, ro] = [j * H, (H + j) * H, (2 * H + j) * H, (3 * H + j) * H];
      for (let k = 0; k < H; k += 1) {
        const h_k = before[k];
        i += W_h[ri + k] * h_k;
        f += W_h[rf + k] * h_k;
        g += W_h[rg + k] * h_k;
        o += W_h[ro + k] * h_k;
      }
      session.c[j] = sigmoid(f) * session.c[j] + sigmoid(i) * Math.tanh(g);
      h[j] = sigmoid(o) * Math.tanh(session.c[j]);
    }
    session.h = h;
    session.logits = logits(h);
  }

  const logits = (h) => Float64Array.from(model.b_y, (b, v) => b + dot(model.W_hy, v, h));

  // The distribution that is drawn from, as rnnbook.text.sampling.distribution.
  function distribution(given, { temperature, cut, k, p }) {
    const scaled = given.map((z) => z / temperature);
    const top = Math.max(...scaled);
    const share = (chances) => {
      const sum = chances.reduce((a, b) => a + b, 0);
      return chances.map((c) => c / sum);
    };
    const chances = share(scaled.map((z) => Math.exp(z - top)));
    if (cut === "none" || (cut === "p" && p === 1)) return chances;
    const order = [...chances.keys()].sort((a, b) => scaled[b] - scaled[a] || a - b);
    let [kept, sum] = [0, 0];
    while (kept < order.length && (cut === "k" ? kept < k : sum < p - ROUNDING)) {
      sum += chances[order[kept]];
      kept += 1;
    }
    for (const id of order.slice(Math.max(1, kept))) chances[id] = 0;
    return share(chances);
  }

  // Random numbers from 0 to 1 that a seed gives, in every browser the same: mulberry32.
  function uniforms(seed) {
    let a = seed;
    return () => {
      a = (a + 1831565813) | 0;
      let z = Math.imul(a ^ (a >>> 15), a | 1);
      z ^= z + Math.imul(z ^ (z >>> 7), z | 61);
      return ((z ^ (z >>> 14)) >>> 0) / 4294967296;
    };
  }

  function begun({ prompt, seed }) {
    const session = { prompt, seed, h: new Float64Array(model.H), c: new Float64Array(model.H),
      random: uniforms(seed * 7919 + 1), text: "", count: 0, seconds: 0 };
    session.logits = logits(session.h);
    for (const character of prompt) read(session, model.numbers.get(character) ?? 0);
    return session;
  }

  function write(session, state) {
    const chances = distribution(session.logits, state);
    let [u, id] = [session.random(), 0];
    while (id < chances.length - 1 && (u -= chances[id]) >= 0) id += 1;
    while (chances[id] === 0) id -= 1; // rounding at the very end
    session.text += id ? model.tokens[id] : "�";
    session.count += 1;
    read(session, id);
  }

  // A change of prompt or seed starts anew; the other settings act on the next character.
  function compute(state) {
    if (!model) return null;
    const old = state.session;
    if (!old || old.prompt !== state.prompt || old.seed !== state.seed) state.session = begun(state);
    return { logits: [...state.session.logits], p: [...distribution(state.session.logits, state)] };
  }

  const NAMES = { " ": "space", "\n": "line end", 0: "rare" };
  const named = (id) => (id ? NAMES[model.tokens[id]] || model.tokens[id] : "rare");
  const likely = (p) => [...p.keys()].sort((a, b) => p[b] - p[a] || a - b).slice(0, BARS);

  function draw(width, state, values) {
    if (!values) {
      return svg("svg", { width, height: 40, viewBox: `0 0 ${width} 40` },
        svg("text", { x: width / 2, y: 24, class: "k-quiet" }, "The model is not loaded yet."));
    }
    const room = width - 150;
    const bars = likely(values.p).map((id, k) => {
      const y = 30 + 22 * k;
      return [svg("text", { x: 70, y: y + 4, class: "k-right" }, named(id)),
        svg("rect", { x: 80, y: y - 7, width: Math.max(1, room * values.p[id]).toFixed(1), height: 14,
          class: "k-bar" }),
        svg("text", { x: 86 + room * values.p[id], y: y + 4, class: "k-left k-small" },
          `${fixed(100 * values.p[id], 1)} %`)];
    });
    return svg("svg", { width, height: 250, viewBox: `0 0 ${width} 250` },
      svg("text", { x: 4, y: 13, class: "k-left k-small" }, "Probability of the next character"), bars);
  }

  const WHERE = 'The weights are not beside this page. Here, instruments.show("generator", '
    + "embed=True) brings them along.";

  function fetched(tools, done) {
    const inside = tools.root.querySelector("script.rnn-weights");
    if (inside) return done(JSON.parse(inside.textContent));
    if (!tools.ownPage()) return done(null);
    window.rnnLiveWeights = done;
    const script = document.createElement("script"); // a classic one: it works from a file too
    script.src = `${document.documentElement.dataset.content_root || ""}_static/generator-weights.js`;
    script.addEventListener("error", () => done(null));
    return document.head.append(script);
  }

  // The text and the buttons: load, then write, stop, one step, go on.
  function begin(tools) {
    const { html, state, button } = tools;
    const prompt = html("b", {}, "");
    const text = html("span", {}, "");
    const page = html("div", { class: "rnn-text rnn-scroll", tabindex: 0, role: "group",
      "aria-label": "The text" }, prompt, text);
    let left = 0;
    let since = 0;

    function shown() {
      prompt.textContent = state.prompt;
      text.textContent = state.session ? state.session.text : "";
      buttons[0].hidden = Boolean(model);
      for (const b of buttons.slice(1)) tools.idle(b, !model);
      tools.idle(buttons[2], !left);
    }
    function frame() {
      const start = performance.now();
      let now = start;
      while (left > 0 && now - start < 40) {
        write(state.session, state);
        left -= 1;
        now = performance.now();
      }
      state.session.seconds += (now - since) / 1000; // with the time that drawing takes
      since = now;
      tools.change({}, true);
      page.scrollTop = page.scrollHeight;
      if (left > 0) window.requestAnimationFrame(frame);
    }
    function go(count) {
      const idle = !left;
      left = count;
      if (idle) since = performance.now();
      if (idle && count) window.requestAnimationFrame(frame);
      shown();
    }
    function load() {
      tools.idle(buttons[0], true);
      fetched(tools, (packed) => {
        tools.idle(buttons[0], false);
        if (!packed) {
          text.textContent = WHERE;
          return tools.say(WHERE);
        }
        model = model || unpacked(packed);
        tools.change({}, true);
        return buttons[1].focus();
      });
    }
    const buttons = [button("Load the model (0.5 MB)", load),
      button("Write", () => { state.session = null; tools.change({}); go(state.n); }),
      button("Stop", () => go(0)),
      button("Step", () => { if (!left) { write(state.session, state); tools.change({}); } }),
      button("Continue", () => go(state.n))];
    tools.shown = shown;
    tools.go = go;
    shown();
    return [html("div", { class: "rnn-buttons" }, buttons), page];
  }

  return {
    compute,
    draw,
    begin,
    painted: (tools) => tools.shown(),
    reset: (tools) => { tools.go(0); tools.state.session = null; },
    facts: ({ session }) => [["Characters written", grouped(session ? session.count : 0)],
      ["Characters a second", session && session.seconds
        ? grouped(Math.round(session.count / session.seconds)) : "–"]],
    words({ session }, values) {
      if (!values) return "Load the model, then let it write. Nothing leaves this page.";
      const [first, second] = likely(values.p);
      const left = values.p.filter(Boolean).length;
      return `${grouped(session.count)} characters are written. Next, most probably: `
        + `${named(first)}, ${fixed(100 * values.p[first], 1)} %; then ${named(second)}, `
        + `${fixed(100 * values.p[second], 1)} %. `
        + (left === 1 ? "1 character can follow." : `${left} characters can follow.`);
    },
  };
})());
