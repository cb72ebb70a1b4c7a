"use strict";
// One range input per figure with positions to move through: a keyboard and a thumb reach it.
function addSlider(plot, holder, slider) {
  const label = document.createElement("label"), input = document.createElement("input"),
        shown = document.createElement("output"), name = slider.name;
  input.type = "range"; input.min = 0; input.max = slider.steps.length - 1; input.step = 1;
  input.value = slider.active; input.id = holder.id + "-input"; label.htmlFor = input.id;
  label.textContent = name;
  const say = () => {
    shown.textContent = slider.steps[input.value].label;
    input.setAttribute("aria-valuetext", name + " " + shown.textContent);
  };
  input.addEventListener("input", () => {
    const step = slider.steps[input.value];
    say();
    Plotly[step.method].apply(null, [plot].concat(step.args));
  });
  say();
  holder.append(label, input, shown);
  holder.hidden = false;
}
// Where nothing hovers, the tool bar would lie on the names for good.
const bar = window.matchMedia("(hover: hover)").matches ? "hover" : false;
// On a telephone a figure has the layout of a paper's single column, in larger letters.
function fitNarrow(plot, figure) {
  figure.layout = figure.narrow.layout;
  figure.data.forEach((trace, index) => {
    trace.legend = figure.narrow.legend[index];
    const shown = figure.narrow.showlegend[index];
    if (shown !== null) trace.showlegend = shown;
  });
  plot.style.minHeight = figure.layout.height + "px";
}
// The tool bar shows itself to a mouse alone: a keyboard would pass eight unseen buttons in each figure.
function skipToolBar(plot) {
  plot.querySelectorAll(".modebar-btn").forEach(button => { button.tabIndex = -1; });
}
const {figures, config} = JSON.parse(document.getElementById("data").textContent);
figures.forEach((figure, index) => {
  const plot = document.getElementById("plot-" + index);
  const sliders = figure.layout.sliders || [];
  delete figure.layout.sliders;
  if (plot.clientWidth < 480) fitNarrow(plot, figure);
  Plotly.newPlot(plot, figure.data, figure.layout, Object.assign({displayModeBar: bar}, config));
  plot.on("plotly_afterplot", () => skipToolBar(plot));
  skipToolBar(plot);
  sliders.forEach(slider => addSlider(plot, document.getElementById("step-" + index), slider));
});
window.addEventListener("beforeprint", () => {
  document.querySelectorAll("details").forEach(part => { part.open = true; });
  figures.forEach((_, index) => Plotly.Plots.resize("plot-" + index));
});
document.documentElement.dataset.drawn = figures.length;
