// Curves over a grid, as the gradient and the gates are shown.
rnnLive.chart = rnnLive.chart || ((width, { x, y, xlabel, ylabel, curves }) => {
  const { svg, fixed, place } = rnnLive;
  const box = { left: 50, right: width - 14, top: 46, bottom: 236 };
  const across = (v) => box.left + ((v - x[0]) / (x[1] - x[0])) * (box.right - box.left);
  const up = (v) => box.bottom - ((v - y[0]) / (y[1] - y[0])) * (box.bottom - box.top);
  const point = ([a, b]) => `${across(a).toFixed(1)} ${up(b).toFixed(1)}`;

  // Round marks: at most six, at 1, 2 or 5 times a power of ten.
  function marks([low, high]) {
    const raw = (high - low) / 5;
    const unit = 10 ** Math.floor(Math.log10(raw));
    const step = [1, 2, 5, 10].map((m) => m * unit).find((m) => m >= raw * 0.999);
    const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
    const found = [];
    for (let v = Math.ceil(low / step - 1e-9) * step; v <= high + step * 1e-6; v += step) {
      found.push([v, fixed(v, digits)]);
    }
    return found;
  }

  return svg("svg", { width, height: 282, viewBox: `0 0 ${width} 282` },
    marks(y).map(([v, label]) => [
      svg("path", { class: "k-grid", d: `M${box.left} ${place(up(v))}H${box.right}` }),
      svg("text", { class: "k-small k-right k-quiet", x: box.left - 6, y: up(v) + 4 }, label)]),
    marks(x).map(([v, label]) => [
      svg("path", { class: "k-grid", d: `M${place(across(v))} ${box.bottom}v5` }),
      svg("text", { class: "k-small k-quiet", x: across(v), y: box.bottom + 19 }, label)]),
    svg("text", { class: "k-small", x: (box.left + box.right) / 2, y: 277 }, xlabel),
    svg("text", { class: "k-small k-left", x: 4, y: 14 }, ylabel),
    curves.map(({ points, kind, dash, label }, i) => {
      const look = `k-line k-${kind}${dash ? " k-dash" : ""}`;
      return [svg("path", { class: look, d: points.length ? `M${points.map(point).join("L")}` : "" }),
        svg("path", { class: look, d: `M${box.left + 108 * i} 31h22` }),
        svg("text", { class: "k-small k-left", x: box.left + 108 * i + 28, y: 35 }, label)];
    }));
});
