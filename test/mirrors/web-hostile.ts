// Servers that mean ill, or are broken as no sane server is.

import type { Socket } from "node:net";
import { serveRaw } from "./web-server.ts";

type Raw = Awaited<ReturnType<typeof serveRaw>>;

const HEAD = "HTTP/1.1 200 OK\r\ncontent-type: application/xml\r\n";

/** Writes the same again and again as fast as it is taken, until the connection ends. */
function pour(socket: Socket, text: string): void {
  const more = () => {
    while (!socket.destroyed && socket.write(text));
  };
  socket.on("drain", more);
  more();
}

function drip(socket: Socket, text: string, milliseconds: number): void {
  const timer = setInterval(() => void socket.write(text), milliseconds);
  socket.once("close", () => clearInterval(timer));
}

/** Speaks when the first request has come. */
const onceAsked = (speak: (socket: Socket) => void) =>
  serveRaw((socket) => void socket.once("data", () => speak(socket)));

const chunk = `10000\r\n${"x".repeat(65_536)}\r\n`;

export const hostile = {
  /** A chunked body without an end. */
  endlessBody: (): Promise<Raw> =>
    onceAsked((socket) => {
      socket.write(`${HEAD}transfer-encoding: chunked\r\n\r\n`);
      pour(socket, chunk);
    }),
  /** Chunks without a byte in them but for their extensions. */
  endlessExtensions: (): Promise<Raw> =>
    onceAsked((socket) => {
      socket.write(`${HEAD}transfer-encoding: chunked\r\n\r\n1;`);
      pour(socket, "x".repeat(65_536));
    }),
  /** A byte now and then. */
  slowDrip: (milliseconds: number): Promise<Raw> =>
    onceAsked((socket) => {
      socket.write(`${HEAD}content-length: 1000000\r\n\r\n`);
      drip(socket, "x", milliseconds);
    }),
  /** 10 GB, of which none comes. */
  declaredHuge: (): Promise<Raw> =>
    onceAsked((socket) => void socket.write(`${HEAD}content-length: 10000000000\r\n\r\n`)),
  /** Each redirect leads to another one that was never asked. */
  endlessRedirects: (status = 302): Promise<Raw> => {
    let step = 0;
    return serveRaw(
      (socket) =>
        void socket.on("data", () => {
          step += 1;
          socket.write(`HTTP/1.1 ${status} Found\r\nlocation: /step/${step}\r\ncontent-length: 0\r\n\r\n`);
        }),
    );
  },
  /** A redirect or an error whose body has no end. */
  endlessErrorBody: (status: number): Promise<Raw> =>
    onceAsked((socket) => {
      socket.write(`HTTP/1.1 ${status} No\r\ntransfer-encoding: chunked\r\n\r\n`);
      pour(socket, chunk);
    }),
  endlessHeaders: (): Promise<Raw> =>
    onceAsked((socket) => {
      socket.write(HEAD);
      pour(socket, `x-more: ${"y".repeat(1000)}\r\n`);
    }),
  /** "103 Early Hints" for ever: each is a whole head, and none the answer. */
  endlessHints: (milliseconds: number): Promise<Raw> =>
    onceAsked((socket) => drip(socket, "HTTP/1.1 103 Early Hints\r\n\r\n", milliseconds)),
  slowHeaders: (milliseconds: number): Promise<Raw> =>
    onceAsked((socket) => {
      socket.write(HEAD);
      drip(socket, "x", milliseconds);
    }),
  /** Says so many bytes, sends fewer and ends. */
  closedMidBody: (said: number, sent: number): Promise<Raw> =>
    onceAsked((socket) => void socket.end(`${HEAD}content-length: ${said}\r\n\r\n${"x".repeat(sent)}`)),
  garbage: (): Promise<Raw> => onceAsked((socket) => void socket.end("SSH-2.0-NotAMirror_1.0\r\n\r\n")),
  neverAnswers: (): Promise<Raw> => serveRaw((socket) => void socket.resume()),
  neverReads: (): Promise<Raw> => serveRaw((socket) => void socket.pause()),
  closesAtOnce: (): Promise<Raw> => serveRaw((socket) => void socket.end()),
  resetsWhenAsked: (): Promise<Raw> => onceAsked((socket) => void socket.resetAndDestroy()),
} as const;
