const film = JSON.parse(document.getElementById("data").textContent);
const at = (id) => document.getElementById(id);
const slider = at("epoch");
const play = at("play");
const calm = matchMedia("(prefers-reduced-motion: reduce)");
let timer = 0;

/** A number in 4 significant digits; null stands for one that is not finite. */
function shown(x) {
  return x === null ? "not finite" : String(Number(x.toPrecision(4)));
}

/** The colours and widths of what shows a parameter. */
function paint(element, parameter, numbers, largest) {
  const x = numbers === null ? 0 : numbers[parameter];
  const share = x === null ? 1 : Math.sqrt(Math.min(1, Math.abs(x) / (largest || 1)));
  const colour = x === null || x === 0 ? "--line" : x > 0 ? "--positive" : "--negative";
  if (element.tagName === "line") {
    element.style.stroke = `var(${colour})`;
    element.style.strokeWidth = 0.4 + 3.6 * share;
    element.style.strokeOpacity = 0.15 + 0.85 * share;
  } else {
    element.style.fill = `color-mix(in srgb, var(${colour}) ${Math.round(90 * share)}%, var(--node))`;
  }
  const text = numbers === null ? "no gradient yet" : shown(x);
  element.firstChild.textContent = `${film.names[parameter]}: ${text}`;
}

function drawPlane(frame) {
  const bytes = Uint8Array.from(atob(frame.plane), (c) => c.charCodeAt(0));
  const side = film.plane.side;
  const small = new OffscreenCanvas(side, side);
  const image = new ImageData(side, side);
  const ramp = film.plane.colours;
  bytes.forEach((byte, i) => {
    image.data.set([...ramp[byte], 255], 4 * i);
  });
  small.getContext("2d").putImageData(image, 0, 0);
  const canvas = at("plane");
  const context = canvas.getContext("2d");
  context.imageSmoothingEnabled = film.plane.smooth;
  context.drawImage(small, 0, 0, canvas.width, canvas.height);
}

function show() {
  const index = Number(slider.value);
  const frame = film.frames[index];
  const gradients = document.querySelector("input[name=show]:checked").value === "gradients";
  const numbers = gradients ? frame.gradients : frame.weights;
  const largest = gradients ? film.largest.gradients : film.largest.weights;
  for (const element of document.querySelectorAll("[data-parameter]")) {
    paint(element, Number(element.dataset.parameter), numbers, largest);
  }
  for (const bar of document.querySelectorAll("[data-layer]")) {
    const sizes = gradients ? frame.sizes.gradients : frame.sizes.weights;
    const x = sizes === null ? 0 : sizes[Number(bar.dataset.layer)];
    const most = gradients ? film.largest.gradientSizes : film.largest.weightSizes;
    bar.setAttribute("width", x === null ? 300 : (300 * x) / (most || 1));
    bar.nextElementSibling.textContent = sizes === null ? "no gradient yet" : shown(x);
  }
  at("legend").textContent =
    `${gradients ? "Gradients of the epoch's last batch" : "Weights"}: orange positive, blue negative; full width is ${shown(largest)}`;
  at("cursor").setAttribute("cx", frame.x);
  at("cursor").setAttribute("cy", frame.y);
  at("cursor").style.visibility = frame.y === null ? "hidden" : "visible";
  if (film.plane) {
    drawPlane(frame);
  }
  const parts = [`epoch ${frame.epoch} of ${film.frames.at(-1).epoch}`];
  if (frame.loss !== undefined) {
    parts.push(`loss ${shown(frame.loss)}`);
  }
  if (frame.accuracy !== undefined) {
    parts.push(`accuracy ${(100 * frame.accuracy).toFixed(1)} %`);
  }
  at("now").textContent = parts.join(" · ");
  slider.setAttribute("aria-valuetext", parts[0]);
}

function stop() {
  clearInterval(timer);
  timer = 0;
  play.textContent = "Play";
}

function start() {
  if (slider.value === slider.max) {
    slider.value = 0;
  }
  play.textContent = "Pause";
  show();
  timer = setInterval(
    () => {
      if (slider.value === slider.max) {
        stop();
        return;
      }
      slider.value = Number(slider.value) + 1;
      show();
    },
    calm.matches ? 600 : Math.max(60, Math.min(400, 8000 / film.frames.length)),
  );
}

play.addEventListener("click", () => (timer ? stop() : start()));
slider.addEventListener("input", () => {
  stop();
  show();
});
for (const choice of document.querySelectorAll("input[name=show]")) {
  choice.addEventListener("change", show);
}
show();
