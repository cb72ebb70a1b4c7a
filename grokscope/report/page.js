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
// On a telephone a figure takes the proportions that it has in a paper's single column.
function fitNarrow(plot, layout) {
  layout.height = Math.round(1.22 * layout.meta.heights.single);
  plot.style.minHeight = layout.height + "px";
  (layout.annotations || []).forEach(note => { note.font = {size: 10}; });
}
const {figures, config} = JSON.parse(document.getElementById("data").textContent);
figures.forEach((figure, index) => {
  const plot = document.getElementById("plot-" + index);
  const sliders = figure.layout.sliders || [];
  delete figure.layout.sliders;
  if (plot.clientWidth < 480) fitNarrow(plot, figure.layout);
  Plotly.newPlot(plot, figure.data, figure.layout, Object.assign({displayModeBar: bar}, config));
  sliders.forEach(slider => addSlider(plot, document.getElementById("step-" + index), slider));
});
window.addEventListener("beforeprint", () => {
  document.querySelectorAll("details").forEach(part => { part.open = true; });
  figures.forEach((_, index) => Plotly.Plots.resize("plot-" + index));
});
document.documentElement.dataset.drawn = figures.length;
