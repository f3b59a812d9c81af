// Turns, cuts and sorts the clouds of points of a report.  It reads only what stands in the page, writes
// text as text, and asks nothing of the network.
"use strict";
for (const figure of document.querySelectorAll("figure.cloud")) {
  const holder = figure.querySelector(".turn");
  const about = JSON.parse(holder.dataset.about);
  const bytes = Uint8Array.from(atob(holder.dataset.points), (c) => c.charCodeAt(0));
  const steps = new DataView(bytes.buffer);
  const count = bytes.length / 6;
  const points = new Float32Array(3 * count);
  const extent = about.high.map((h, k) => (h - about.low[k]) / about.span);
  for (let i = 0; i < 3 * count; i++)
    points[i] = steps.getUint16(2 * i, true) / 65535 - extent[i % 3] / 2;
  const canvas = document.createElement("canvas");
  const ratio = Math.min(window.devicePixelRatio || 1, 2);
  canvas.width = 640 * ratio;
  canvas.height = 480 * ratio;
  canvas.tabIndex = 0;
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", figure.querySelector("img").alt + " Turn it with the arrow keys or by dragging.");
  const context = canvas.getContext("2d");
  const image = context.createImageData(canvas.width, canvas.height);
  const depths = new Float32Array(canvas.width * canvas.height);
  const shown = about.groups.map((g) => ({ on: true, size: g.size, rgb: [1, 3, 5].map((k) => parseInt(g.colour.slice(k, k + 2), 16)) }));
  let azimuth = 0.6, tilt = 0.25, zoom = 0.92, axis = 2, low = 0, high = 1, waiting = false;

  function paint() {
    waiting = false;
    const pixels = image.data, width = canvas.width, height = canvas.height;
    pixels.fill(255);
    depths.fill(-9);
    const ca = Math.cos(azimuth), sa = Math.sin(azimuth), ct = Math.cos(tilt), st = Math.sin(tilt);
    const scale = zoom * Math.min(width, height);
    const from = (low - 0.5) * extent[axis], to = (high - 0.5) * extent[axis];
    let i = 0;
    about.groups.forEach((group, g) => {
      const look = shown[g], side = Math.max(1, Math.round(look.size * ratio));
      for (const end = i + group.count; i < end; i++) {
        if (!look.on) continue;
        const x = points[3 * i], y = points[3 * i + 1], z = points[3 * i + 2];
        const along = points[3 * i + axis];
        if (along < from - 1e-6 || along > to + 1e-6) continue;
        const right = Math.round(width / 2 + scale * (ca * x + sa * y) - side / 2);
        const down = Math.round(height / 2 - scale * (sa * st * x - ca * st * y + ct * z) - side / 2);
        const near = sa * ct * x - ca * ct * y - st * z;
        const fade = Math.min(1, 0.45 + 0.55 * (near + 0.6) / 1.2);
        for (let v = Math.max(0, down); v < Math.min(height, down + side); v++)
          for (let u = Math.max(0, right); u < Math.min(width, right + side); u++) {
            const at = v * width + u;
            if (depths[at] >= near) continue;
            depths[at] = near;
            for (let k = 0; k < 3; k++) pixels[4 * at + k] = 255 - (255 - look.rgb[k]) * fade;
          }
      }
    });
    context.putImageData(image, 0, 0);
    bar(scale);
  }
  function bar(scale) {
    // the view has no perspective, so that one bar holds for all depths
    const most = about.span / zoom / 4, power = 10 ** Math.floor(Math.log10(most));
    const length = power * [5, 2, 1].find((m) => m * power <= most);
    const left = 12 * ratio, bottom = canvas.height - 24 * ratio;
    context.fillStyle = "#000000";
    context.fillRect(left, bottom, length / about.span * scale, 3 * ratio);
    context.font = 13 * ratio + "px sans-serif";
    context.fillText(Number(length.toPrecision(6)) + " " + about.unit, left, bottom + 18 * ratio);
  }
  function soon() {
    if (!waiting) { waiting = true; requestAnimationFrame(paint); }
  }
  function turn(right, up) {
    azimuth += right;
    tilt = Math.max(-1.57, Math.min(1.57, tilt + up));
    soon();
  }
  let held = null;
  canvas.addEventListener("pointerdown", (e) => { held = [e.clientX, e.clientY]; canvas.setPointerCapture(e.pointerId); });
  canvas.addEventListener("pointermove", (e) => {
    if (!held) return;
    turn((e.clientX - held[0]) / 120, (e.clientY - held[1]) / 120);
    held = [e.clientX, e.clientY];
  });
  canvas.addEventListener("pointerup", () => { held = null; });
  canvas.addEventListener("pointercancel", () => { held = null; });
  canvas.addEventListener("keydown", (e) => {
    const step = { ArrowLeft: [-0.1, 0], ArrowRight: [0.1, 0], ArrowUp: [0, -0.1], ArrowDown: [0, 0.1] }[e.key];
    if (step) { e.preventDefault(); turn(...step); }
    else if (e.key === "+" || e.key === "-") { zoom *= e.key === "+" ? 1.1 : 1 / 1.1; soon(); }
  });

  const controls = document.createElement("div");
  controls.className = "controls";
  function control(text, input, place) {
    const label = document.createElement("label");
    const words = document.createElement("span");
    words.textContent = text;
    label.append(...(place === "before" ? [input, words] : [words, input]));
    controls.append(label);
    return words;
  }
  function range(min, max, step, value, changed) {
    const input = document.createElement("input");
    Object.assign(input, { type: "range", min, max, step, value });
    input.addEventListener("input", () => { changed(Number(input.value)); soon(); });
    return input;
  }
  about.groups.forEach((group, g) => {
    const box = document.createElement("input");
    Object.assign(box, { type: "checkbox", checked: true });
    box.addEventListener("change", () => { shown[g].on = box.checked; soon(); });
    const words = control(group.label + " (" + group.count + ")", box, "before");
    words.className = "swatch";
    const patch = document.createElement("canvas");
    patch.width = patch.height = 10;
    patch.getContext("2d").fillStyle = group.colour;
    patch.getContext("2d").fillRect(0, 0, 10, 10);
    patch.setAttribute("aria-hidden", "true");
    words.prepend(patch);
    const size = range(1, 8, 0.5, group.size, (v) => { shown[g].size = v; });
    size.setAttribute("aria-label", "size of " + group.label);
    controls.lastChild.after(size);
  });
  const which = document.createElement("select");
  ["x", "y", "z"].forEach((name, k) => which.append(new Option(name, k, k === 2, k === 2)));
  which.addEventListener("change", () => { axis = Number(which.value); says(); soon(); });
  control("slice along ", which, "after");
  const first = range(0, 1, 0.01, 0, (v) => { low = Math.min(v, high); says(); });
  const last = range(0, 1, 0.01, 1, (v) => { high = Math.max(v, low); says(); });
  const fromWords = control("", first, "after"), toWords = control("", last, "after");
  function says() {
    const at = (share) => (about.low[axis] + share * (about.high[axis] - about.low[axis])).toPrecision(3);
    fromWords.textContent = "from " + at(low) + " " + about.unit;
    toWords.textContent = "to " + at(high) + " " + about.unit;
  }
  says();
  holder.append(canvas, controls);
  figure.classList.add("live");
  paint();
}
