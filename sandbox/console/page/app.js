// Keeps the page in step with the sandbox: listens to its events, and tries again when they stop.

import htm from "/modules/htm.js";
import { h, render } from "/modules/preact.js";
import { Page } from "/view.js";

const html = htm.bind(h);
const RETRY_MILLISECONDS = 2000;
/** Events come once a second: after so long without one the connection is dead, whatever the browser thinks. */
const SILENCE_MILLISECONDS = 8000;

const root = document.getElementById("console");
let state = null;
/** What is wrong, as a sentence; null = connected. */
let trouble = null;

function show() {
  document.getElementById("waiting")?.remove();
  render(html`<${Page} state=${state} trouble=${trouble} />`, root);
}

function connect() {
  const events = new EventSource("/events");
  let silence = expectEvent();

  function expectEvent() {
    return setTimeout(lost, SILENCE_MILLISECONDS);
  }

  function heard() {
    clearTimeout(silence);
    silence = expectEvent();
  }

  // The browser gives up for good after an answer like 503, so the trying is done here.
  function lost() {
    clearTimeout(silence);
    events.close();
    trouble = "Not connected, trying again.";
    show();
    setTimeout(connect, RETRY_MILLISECONDS);
  }

  events.addEventListener("message", (event) => {
    heard();
    state = JSON.parse(event.data);
    trouble = null;
    show();
  });
  events.addEventListener("trouble", (event) => {
    heard();
    trouble = `The sandbox cannot say how it stands: ${JSON.parse(event.data)}`;
    show();
  });
  events.addEventListener("error", lost);
}

connect();
