// How strongly the last state depends on the state k steps before, against the bound.
rnnLive.add("gradient-flow", (() => {
  "use strict";
  const { fixed, chart } = rnnLive;
  const LOWEST = -40;
  const SLOPE = { linear: 1, tanh: 1, logistic: 0.25, relu: 1 };
  const PHI = {
    linear: (a) => [a, 1],
    tanh: (a) => [Math.tanh(a), 1 - Math.tanh(a) ** 2],
    logistic: (a) => { const h = 1 / (1 + Math.exp(-a)); return [h, h * (1 - h)]; },
    relu: (a) => (a > 0 ? [a, 1] : [0, 0]),
  };

  // Normal random numbers, the same in every browser: mulberry32, then Box and Muller.
  function normals(seed) {
    let state = seed;
    const uniform = () => {
      state = (state + 1831565813) | 0;
      let z = Math.imul(state ^ (state >>> 15), state | 1);
      z ^= z + Math.imul(z ^ (z >>> 7), z | 61);
      return ((z ^ (z >>> 14)) >>> 0) / 4294967296;
    };
    return () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
  }

  const matrix = (n, entry) => Array.from({ length: n }, (_, i) =>
    Array.from({ length: n }, (__, j) => entry(i, j)));
  function times(A, B) {
    return A.map((row) => {
      const sum = new Array(row.length).fill(0);
      for (let k = 0; k < row.length; k += 1) {
        const [a, other] = [row[k], B[k]];
        for (let j = 0; j < sum.length; j += 1) sum[j] += a * other[j];
      }
      return sum;
    });
  }
  const scaled = (A, factor) => A.map((row) => row.map((a) => a * factor));
  const frobenius = (A) => Math.sqrt(A.reduce((s, row) => row.reduce((r, a) => r + a * a, s), 0));

  // Natural logarithm of the spectral radius: that of |A^n|^(1/n) for n = 2^36, by squaring. Once
  // a single eigenvalue is left, squaring keeps the norm at 1, and nothing is to be added.
  function logRadius(A) {
    let log = 0;
    let power = A;
    for (let k = 0; k <= 36; k += 1) {
      const norm = frobenius(power);
      if (norm === 0) return -Infinity;
      log += Math.log(norm) / 2 ** k;
      if (k > 0 && Math.abs(norm - 1) < 1e-14) break;
      power = scaled(power, 1 / norm);
      power = times(power, power);
    }
    return log;
  }
  // The largest singular value is the root of the largest eigenvalue of A^T A.
  const logNorm = (A) => logRadius(matrix(A.length, (i, j) =>
    A.reduce((s, row) => s + row[i] * row[j], 0))) / 2;

  // Make rows perpendicular and of length 1, one after another (Gram and Schmidt, twice).
  function orthogonal(A) {
    const rows = [];
    for (let row of A) {
      for (const done of [...rows, ...rows]) {
        const along = row.reduce((s, a, k) => s + a * done[k], 0);
        row = row.map((a, k) => a - along * done[k]);
      }
      const length = Math.hypot(...row);
      rows.push(row.map((a) => a / length));
    }
    return rows;
  }

  const H = 16;
  const draw16 = normals(7);
  const random = matrix(H, () => draw16());
  const NETS = { neuron: [[1]], orthogonal: orthogonal(random),
    random: scaled(random, Math.exp(-logRadius(random))) };
  const noise = normals(11);
  const NOISE = Array.from({ length: 100 }, () => Array.from({ length: H }, noise));

  // W, the inputs x, and for each lag 1 to T the log10 of the norm of dh_T / dh_{T-lag}.
  function compute({ net, w, phi, T, s, h0 }) {
    const W = scaled(NETS[net], w);
    const x = NOISE.slice(0, T).map((row) => row.slice(0, W.length));
    let h = W.map(() => h0);
    const jacobians = x.map((x_t) => {
      const both = W.map((row, i) => PHI[phi](row.reduce((a, v, j) => a + v * h[j], s * x_t[i])));
      h = both.map(([value]) => value);
      return W.map((row, i) => row.map((v) => v * both[i][1]));
    });
    let product = matrix(W.length, (i, j) => Number(i === j));
    let log = 0;
    const flow = jacobians.reverse().map((J) => {
      product = times(product, J);
      const norm = frobenius(product);
      if (norm === 0) return -Infinity;
      product = scaled(product, 1 / norm);
      log += Math.log10(norm);
      return log + logNorm(product) / Math.LN10;
    });
    const sigma = Math.exp(logNorm(W));
    const rate = w === 0 ? -Infinity : Math.log10(SLOPE[phi] * sigma);
    return { W, x, flow, sigma, bound: flow.map((_, k) => (k + 1) * rate) };
  }

  function draw(width, { T }, { flow, bound }) {
    const curve = (logs) => [[0, 0], ...logs.map((v, k) => [k + 1, v])]
      .filter(([, v]) => v >= LOWEST);
    const ends = [...curve(flow), ...curve(bound)].map(([, v]) => v);
    const y = [5 * Math.floor(Math.min(...ends, -1) / 5), 5 * Math.ceil(Math.max(...ends, 1) / 5)];
    return chart(width, { x: [0, T], y, xlabel: "lag (steps back)",
      ylabel: "log10 of what is left of the gradient", curves: [
        { points: curve(bound), kind: "muted", dash: true, label: "bound" },
        { points: curve(flow), kind: "gradient", label: "measured" }] });
  }

  const power = (v) => (v === -Infinity ? "nothing" : `10 to the power of ${fixed(v, 1)}`);

  return {
    compute,
    draw,
    words({ T }, { flow, bound, sigma }) {
      const gone = flow.indexOf(-Infinity);
      return `Over ${T} steps ${power(flow.at(-1))} is left; the bound allows `
        + `${power(bound.at(-1))}. Largest singular value: ${fixed(sigma)}.`
        + (gone < 0 ? "" : ` From lag ${gone + 1} on nothing arrives.`);
    },
    table: (_, { flow, bound }) => [["lag", "log10 measured", "log10 bound"],
      ...flow.map((v, k) => [String(k + 1), fixed(v, 4), fixed(bound[k], 4)])],
  };
})());
