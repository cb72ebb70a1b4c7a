// The browser's side of the slider: asks the kernel for plotly.js once a page and for each figure once, draws it.

const HOME = "__grokscope_plotly__"; // one plotly.js for all sliders of a page

function load(model) {
  if (!globalThis[HOME]) {
    globalThis[HOME] = new Promise((resolve, reject) => {
      const hear = (said) => {
        if (!said || !said.plotly) return;
        model.off("msg:custom", hear);
        try {
          // plotly.js gives itself to `module` where there is one: no global name is taken.
          const module = { exports: {} };
          new Function("module", "define", said.plotly)(module, undefined);
          resolve(module.exports);
        } catch (error) {
          globalThis[HOME] = undefined;
          reject(error);
        }
      };
      model.on("msg:custom", hear);
      model.send({ ask: "plotly" });
    });
  }
  return globalThis[HOME];
}

function element(kind, parent, attributes = {}) {
  const made = document.createElement(kind);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  parent.appendChild(made);
  return made;
}

function render({ model, el }) {
  const words = model.get("words");
  const last = words.length - 1;
  const kept = new Map(); // position -> figure
  let asked = null; // the position that the kernel works on
  let shown = null;
  let plotly = null;
  let gone = false;

  el.classList.add("grokscope-explorer");
  const bar = element("div", el, { class: "bar" });
  const back = element("button", bar, { type: "button", "aria-label": "one step back" });
  back.textContent = "◀";
  const slider = element("input", bar, {
    type: "range", min: 0, max: last, step: 1, "aria-label": `training step of ${model.get("name")}`,
  });
  const on = element("button", bar, { type: "button", "aria-label": "one step on" });
  on.textContent = "▶";
  const said = element("output", bar, { "aria-live": "polite" });
  const figure = element("div", el, { class: "figure", role: "img" });
  const wrong = element("div", el, { class: "wrong", role: "alert" });

  function show() {
    if (gone) return;
    const position = model.get("position");
    slider.value = position;
    slider.setAttribute("aria-valuetext", words[position]);
    said.textContent = words[position];
    figure.setAttribute("aria-label", `${model.get("name")}, ${words[position]}`);
    if (!plotly || shown === position) return;
    if (kept.has(position)) {
      draw(position);
      return;
    }
    figure.classList.add("waiting");
    if (asked !== null) return; // one at a time: a quick hand passes by what it does not stop at
    asked = position;
    model.send({ ask: "figure", position });
  }

  function draw(position) {
    const drawn = JSON.parse(kept.get(position));
    shown = position;
    wrong.textContent = "";
    const config = { responsive: true, displaylogo: false, plotlyServerURL: "" };
    plotly.react(figure, drawn.data, drawn.layout, config).then(() => {
      figure.classList.remove("waiting");
      el.dataset.drawn = position;
    });
  }

  function hear(answer) {
    if (gone || answer.position === undefined) return;
    if (answer.figure) kept.set(answer.position, answer.figure);
    if (asked === answer.position) asked = null;
    if (answer.error && answer.position === model.get("position")) {
      figure.classList.remove("waiting");
      wrong.textContent = answer.error;
      shown = null;
      return;
    }
    show();
  }

  function go(position) {
    model.set("position", Math.min(Math.max(position, 0), last));
    model.save_changes();
    show();
  }

  // JupyterLab takes keys at the document before they come here (the left arrow folds a heading): so at the window.
  function press(event) {
    if (event.target !== slider || event.altKey || event.ctrlKey || event.metaKey) return;
    const leap = Math.max(1, Math.round(last / 10));
    const moves = {
      ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1,
      PageDown: -leap, PageUp: leap, Home: -last, End: last,
    };
    if (!(event.key in moves)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    go(model.get("position") + moves[event.key]);
  }

  globalThis.addEventListener("keydown", press, true);
  slider.addEventListener("input", () => go(Number(slider.value)));
  back.addEventListener("click", () => go(model.get("position") - 1));
  on.addEventListener("click", () => go(model.get("position") + 1));
  model.on("change:position", show);
  model.on("msg:custom", hear);
  show();
  load(model).then(
    (found) => { plotly = found; show(); },
    (error) => { wrong.textContent = `plotly.js could not be loaded: ${error}`; },
  );
  return () => {
    gone = true;
    globalThis.removeEventListener("keydown", press, true);
    model.off("change:position", show);
    model.off("msg:custom", hear);
    if (plotly) plotly.purge(figure);
  };
}

export default { render };
