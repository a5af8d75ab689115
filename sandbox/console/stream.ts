// The state as server-sent events, once a second to everybody who looks.

import type { ServerResponse } from "node:http";

export const EVENTS_TYPE = "text/event-stream";
/** Each open page is one; a browser opens at most six to one address. */
const MAX_CLIENTS = 16;
const PERIOD_MILLISECONDS = 1000;
/** A client that has not read for so many events is gone without saying so. */
const MAX_SKIPPED = 30;

export interface EventStream {
  /** Takes the response over and answers it; false when there is no room for one more. */
  add(response: ServerResponse): boolean;
  close(): void;
}

/** `readText` is called once a second at most, and only while somebody looks. */
export function createEventStream(readText: () => string): EventStream {
  const skipped = new Map<ServerResponse, number>();
  let timer: NodeJS.Timeout | null = null;

  function remove(response: ServerResponse): void {
    skipped.delete(response);
    if (skipped.size === 0 && timer !== null) {
      clearInterval(timer);
      timer = null;
    }
  }

  /** Every event is the whole state, so a client that is still reading the last one loses nothing by missing this. */
  function push(response: ServerResponse, event: string): void {
    if (!response.writableNeedDrain) {
      skipped.set(response, 0);
      response.write(event);
      return;
    }
    const count = (skipped.get(response) ?? 0) + 1;
    skipped.set(response, count);
    if (count > MAX_SKIPPED) response.destroy();
  }

  function pushAll(): void {
    const event = nextEvent(readText);
    for (const response of skipped.keys()) push(response, event);
  }

  return {
    add(response) {
      if (skipped.size >= MAX_CLIENTS) return false;
      skipped.set(response, 0);
      response.writeHead(200, { "content-type": EVENTS_TYPE });
      response.on("close", () => remove(response));
      push(response, nextEvent(readText));
      timer ??= setInterval(pushAll, PERIOD_MILLISECONDS);
      return true;
    },
    close() {
      for (const response of [...skipped.keys()]) {
        remove(response);
        response.end();
      }
    },
  };
}

/** A state that cannot be read is told to the page, and does not stop the sandbox. */
function nextEvent(readText: () => string): string {
  try {
    return `data: ${readText()}\n\n`;
  } catch (error) {
    return `event: trouble\ndata: ${JSON.stringify(error instanceof Error ? error.message : String(error))}\n\n`;
  }
}
