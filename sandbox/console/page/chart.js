// How the last minutes went: free tasks, running tasks and builders as lines, with their numbers next to it.

import { formatDuration, formatNumber, formatTime } from "/format.js";
import htm from "/modules/htm.js";
import { Component, h } from "/modules/preact.js";
import uPlot from "/modules/uplot.js";

const html = htm.bind(h);
const HEIGHT = 190;
/** Told apart by colour and by line: solid, dashed, stepped and thin. */
const SERIES = [
  { name: "free", color: "--free", width: 2, dash: [] },
  { name: "running", color: "--running", width: 2, dash: [7, 4] },
  { name: "builders", color: "--builders", width: 1.5, dash: [2, 3] },
];

export class Chart extends Component {
  state = { hovered: null };
  place = null;
  plot = null;
  scheme = matchMedia("(prefers-color-scheme: dark)");
  resized = new ResizeObserver(() => this.plot?.setSize({ width: this.place.clientWidth, height: HEIGHT }));

  componentDidMount() {
    this.resized.observe(this.place);
    this.scheme.addEventListener("change", this.drawAnew);
    this.drawAnew();
  }

  componentWillUnmount() {
    this.resized.disconnect();
    this.scheme.removeEventListener("change", this.drawAnew);
    this.plot?.destroy();
  }

  componentDidUpdate(before) {
    if (before.history !== this.props.history) this.plot?.setData(columns(this.props.history));
  }

  /** A canvas does not follow style sheets: the colours are read again. */
  drawAnew = () => {
    this.plot?.destroy();
    const style = getComputedStyle(document.documentElement);
    const options = plotOptions((name) => style.getPropertyValue(name).trim(), this.place.clientWidth, this.hover);
    this.plot = new uPlot(options, columns(this.props.history), this.place);
  };

  hover = (index) => {
    if (index !== this.state.hovered) this.setState({ hovered: index });
  };

  render({ history }, { hovered }) {
    const shown = history[hovered ?? history.length - 1];
    const span = history.length < 2 ? "" : `last ${formatDuration(history.at(-1).at - history[0].at)}`;
    return html`
      <section class="trend" aria-labelledby="trend">
        <h2 id="trend">Trend <span class="dim">${span}</span></h2>
        <p class="legend">
          ${shown === undefined && "It starts with the first pass."}
          ${
            shown !== undefined &&
            html`
              <span class="dim">${hovered === null ? "now" : formatTime(shown.at)}</span>
              ${SERIES.map(({ name }) => html`<span class=${`series ${name}`}>${name} <b>${formatNumber(shown[name])}</b></span>`)}
            `
          }
        </p>
        <div class="plot" aria-hidden="true" ref=${(element) => (this.place = element)}></div>
      </section>
    `;
  }
}

function columns(history) {
  return [history.map(({ at }) => at), ...SERIES.map(({ name }) => history.map((each) => each[name]))];
}

function plotOptions(colorOf, width, hover) {
  const axis = {
    stroke: colorOf("--dim"),
    font: "11px system-ui, sans-serif",
    grid: { stroke: colorOf("--line"), width: 1 },
  };
  return {
    width,
    height: HEIGHT,
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false } },
    scales: { y: { range: (_plot, _least, most) => [0, Math.max(2, most * 1.08)] } },
    series: [
      {},
      ...SERIES.map(({ name, color, width, dash }) => ({
        label: name,
        stroke: colorOf(color),
        width,
        dash,
        points: { show: false },
        ...(name === "builders" ? { paths: uPlot.paths.stepped({ align: 1 }) } : {}),
      })),
    ],
    axes: [
      { ...axis, ticks: { show: false }, size: 28, values: sayTimes },
      {
        ...axis,
        ticks: { show: false },
        size: 34,
        incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000],
      },
    ],
    hooks: { setCursor: [(plot) => hover(plot.cursor.idx ?? null)] },
  };
}

/** The sandbox's clock is UTC. Seconds only where minutes would repeat. */
function sayTimes(_plot, splits, _axis, _space, increment) {
  return splits.map((at) => (increment < 60 ? formatTime(at) : formatTime(at).slice(0, 5)));
}
