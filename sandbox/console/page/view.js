// What the page shows: a state as elements. No element holds anything that the state does not say.

import { Chart } from "/chart.js";
import {
  countPhases,
  foldChanges,
  formatClock,
  formatDollars,
  formatDuration,
  formatLoad,
  formatNumber,
  formatTime,
  shortNames,
} from "/format.js";
import htm from "/modules/htm.js";
import { h } from "/modules/preact.js";

const html = htm.bind(h);

export function Page({ state, trouble }) {
  return html`
    <${Header} state=${state} trouble=${trouble} />
    ${trouble !== null && html`<p class="trouble" id="trouble">${trouble}</p>`}
    ${
      state !== null &&
      html`
      <main>
        <${Totals} totals=${state.totals} />
        <${Queue} queue=${state.queue} />
        <${Chart} history=${state.history} />
        <${Builders} builders=${state.builders} capacities=${state.capacities ?? {}} />
        <${Decisions} decisions=${state.decisions} />
        ${state.backups !== undefined && html`<${Backups} backups=${state.backups} />`}
        ${state.mirrors !== undefined && html`<${Mirrors} mirrors=${state.mirrors} />`}
        <${Tasks} tasks=${state.tasks} />
      </main>
    `
    }
  `;
}

function Header({ state, trouble }) {
  return html`
    <header>
      <h1><img src="/icon.svg" alt="" width="28" height="28" /> Toji</h1>
      ${
        state !== null &&
        html`
        <p class="clock">
          <time datetime=${new Date(state.now * 1000).toISOString()}>${formatClock(state.now)}</time>
          <span class="dim"> at ${formatNumber(state.speed)}x</span>
        </p>
        <p class="dim">hub <code>${state.hubUrl}</code></p>
      `
      }
      <p class=${trouble === null ? "connection" : "connection broken"}>
        ${trouble === null ? "connected" : "not connected"}
      </p>
    </header>
  `;
}

function Totals({ totals }) {
  const shown = [
    ["Tasks done", formatNumber(totals.tasksDone)],
    ["Wait, median", formatDuration(totals.waitP50Seconds ?? Number.NaN)],
    ["Wait, p95", formatDuration(totals.waitP95Seconds ?? Number.NaN)],
    ["Launches", formatNumber(totals.launches)],
    ["Instance-hours", formatNumber(totals.instanceHours)],
    ["Spent", formatDollars(totals.dollars)],
    ["Now, per hour", formatDollars(totals.pricePerHour)],
  ];
  return html`
    <section class="totals" aria-label="Totals">
      <dl>
        ${shown.map(([name, value]) => html`<div key=${name}><dt>${name}</dt><dd>${value}</dd></div>`)}
      </dl>
    </section>
  `;
}

function Backups({ backups }) {
  return html`
    <section class="backups" aria-labelledby="backups">
      <h2 id="backups">Backups <span class="dim">${backups.running.join(", ")}</span></h2>
      <p>${backups.summary}</p>
      <p class="dim"><code>${backups.command}</code></p>
    </section>
  `;
}

function Mirrors({ mirrors }) {
  return html`
    <section class="mirrors" aria-labelledby="mirrors">
      <h2 id="mirrors">Mirrors <span class="dim">${mirrors.running.join(", ")}</span></h2>
      <p>${mirrors.summary}</p>
      ${mirrors.news !== null && html`<p class="note">${mirrors.news}</p>`}
      <p class="dim"><code>${mirrors.command}</code></p>
    </section>
  `;
}

function Queue({ queue }) {
  const heaviest = Math.max(1, ...queue.map((bin) => bin.weight));
  const free = queue.reduce((sum, bin) => sum + bin.free, 0);
  return html`
    <section class="queue" aria-labelledby="queue">
      <h2 id="queue">Queue <span class="dim">${formatNumber(free)} free</span></h2>
      ${
        queue.length === 0
          ? html`<p class="dim">No task is free: each has a builder.</p>`
          : html`
            <table>
              <thead>
                <tr>
                  <th scope="col">Channel</th><th scope="col">Arch</th><th scope="col" class="number">Free</th>
                  <th scope="col" class="number">Oldest</th><th scope="col" class="number">Weight</th>
                  <td class="wide"></td>
                </tr>
              </thead>
              <tbody>${queue.map((bin) => html`<${Bin} key=${`${bin.channel}:${bin.arch}`} bin=${bin} heaviest=${heaviest} />`)}</tbody>
            </table>
          `
      }
    </section>
  `;
}

function Bin({ bin, heaviest }) {
  return html`
    <tr>
      <th scope="row">${bin.channel}</th>
      <td>${bin.arch}</td>
      <td class="number">${formatNumber(bin.free)}</td>
      <td class="number">${formatDuration(bin.oldestSeconds)}</td>
      <td class="number">${formatNumber(bin.weight)}</td>
      <td class="wide"><${Bar} share=${bin.weight / heaviest} kind="weight" /></td>
    </tr>
  `;
}

/** The number always stands next to it, so it is not read out. */
function Bar({ share, kind }) {
  const width = `${(Math.min(1, Math.max(0, share)) * 100).toFixed(1)}%`;
  return html`<div class="bar" aria-hidden="true"><div class=${kind} style=${{ width }}></div></div>`;
}

function Builders({ builders, capacities }) {
  const names = shortNames(builders.map(({ slot }) => slot));
  const profiles = [...Map.groupBy(builders, ({ profile }) => profile)];
  return html`
    <section class="builders" aria-labelledby="builders">
      <h2 id="builders">Builders <span class="dim">${sayPhases(builders)}</span></h2>
      ${builders.length === 0 && html`<p class="dim">None runs.</p>`}
      ${profiles.map(
        ([profile, members]) => html`
          <${ProfileTable} key=${profile} profile=${profile} members=${members} names=${names} capacity=${capacities[profile]} />
        `,
      )}
    </section>
  `;
}

function sayPhases(builders) {
  return countPhases(builders)
    .map(([phase, count]) => `${count} ${phase}`)
    .join(", ");
}

function ProfileTable({ profile, members, names, capacity }) {
  return html`
    <table>
      <caption>${profile}</caption>
      <thead>
        <tr>
          <th scope="col">Builder</th><th scope="col">Phase</th><th scope="col">Load</th>
          <th scope="col" class="number">$/h</th>
        </tr>
      </thead>
      <tbody>
        ${members.map((each) => html`<${Builder} key=${each.slot} builder=${each} name=${names.get(each.slot)} capacity=${capacity} />`)}
      </tbody>
    </table>
  `;
}

function Builder({ builder, name, capacity }) {
  const { phase, instanceType, market, tasks, load, pricePerHour } = builder;
  const share = capacity > 0 ? load / capacity : null;
  const kind = share > 1 ? "over" : share > 0.8 ? "high" : "normal";
  return html`
    <tr data-phase=${phase}>
      <th scope="row" title=${builder.slot}>
        ${name}<span class="below">${instanceType === null ? "no instance" : `${instanceType} ${market ?? ""}`}</span>
      </th>
      <td><span class=${`phase ${phase}`}>${phase}</span></td>
      <td class="load">
        ${share !== null && html`<${Bar} share=${share} kind=${kind} />`}
        <span class="below">${sayTasks(tasks)}, ${formatLoad(load, capacity)}</span>
      </td>
      <td class="number">${pricePerHour.toFixed(3)}</td>
    </tr>
  `;
}

function sayTasks(tasks) {
  return tasks === 1 ? "1 task" : `${tasks === 0 ? "no" : tasks} tasks`;
}

function Decisions({ decisions }) {
  const newest = decisions.find(({ changes }) => changes.length > 0);
  const folds = newest === undefined ? [] : foldChanges(newest.changes);
  return html`
    <section class="decisions" aria-labelledby="decisions">
      <h2 id="decisions">Decisions <span class="dim">newest first</span></h2>
      <p class="unseen" aria-live="polite">${folds.map(({ verb, rest }) => `${verb} ${rest}`).join(". ")}</p>
      ${decisions.length === 0 && html`<p class="dim">No pass has been made yet.</p>`}
      <ol>
        ${decisions.map((each, index) => html`<${Decision} key=${index === 0 ? "newest" : each.at} decision=${each} newest=${index === 0} />`)}
      </ol>
    </section>
  `;
}

function Decision({ decision, newest }) {
  const { at, changes, notes, keep } = decision;
  return html`
    <li>
      <time datetime=${new Date(at * 1000).toISOString()}>${formatTime(at)}</time>
      <div>
        ${foldChanges(changes).map(({ verb, rest }) => html`<p><strong class=${`verb ${verb}`}>${verb}</strong> ${rest}</p>`)}
        ${notes.map((note) => html`<p class="note">${note}</p>`)}
        ${changes.length + notes.length === 0 && html`<p class="dim">no change</p>`}
        ${
          keep.length > 0 &&
          html`
            <details open=${newest && keep.length <= 4}>
              <summary>${keep.length} ${keep.length === 1 ? "builder stays" : "builders stay"}</summary>
              ${keep.map((sentence) => html`<p class="dim">${sentence}</p>`)}
            </details>
          `
        }
      </div>
    </li>
  `;
}

function Tasks({ tasks }) {
  return html`
    <section class="tasks" aria-label="Tasks">
      <details>
        <summary><h2>Tasks <span class="dim">${tasks.length} free, assigned or open</span></h2></summary>
        <div class="scroll">
          <table>
            <thead>
              <tr>
                <th scope="col" class="number">Task</th><th scope="col">Method</th><th scope="col">Bin</th>
                <th scope="col">State</th><th scope="col">Host</th><th scope="col" class="number">Age</th>
              </tr>
            </thead>
            <tbody>
              ${tasks.map(
                (task) => html`
                  <tr key=${task.id}>
                    <th scope="row" class="number">${task.id}</th><td>${task.method}</td>
                    <td>${task.channel}:${task.arch}</td><td>${task.state}</td><td>${task.host ?? "–"}</td>
                    <td class="number">${formatDuration(task.ageSeconds)}</td>
                  </tr>
                `,
              )}
            </tbody>
          </table>
        </div>
      </details>
    </section>
  `;
}
