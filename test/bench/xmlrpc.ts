// How long the decoder takes for a long listTasks, beside Python's xmlrpc.client on the same bytes in the same run.
// `npm run bench:xmlrpc [rows]`; exit 1 when Node is slower. Needs python3.

import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decodeResponse } from "../../shared/hub/xmlrpc/decode.ts";
import { encodeCall, encodeResponse } from "../../shared/hub/xmlrpc/encode.ts";
import { isArray, isStruct, member, XmlRpcDouble, type XmlRpcValue } from "../../shared/hub/xmlrpc/values.ts";

const ROUNDS = 7;
const rows = Number(process.argv[2] ?? 10_000);

/** A row as listTasks without `decode` gives it (transcript listTasks-active): the request is XML within the XML. */
function taskRow(id: number): XmlRpcValue {
  const created = 1_795_353_220 + id / 7;
  const open = id % 3 === 0;
  const srpm = `tasks/${id % 100}/${id}/pretend-${id % 9}.${id % 5}-1.src.rpm`;
  return {
    arch: ["x86_64", "aarch64", "noarch"][id % 3] ?? "noarch",
    awaited: id % 2 === 0 ? null : true,
    channel_id: 1 + (id % 8),
    completion_time: null,
    completion_ts: null,
    create_time: "2026-11-22 13:13:40.590680+00:00",
    create_ts: new XmlRpcDouble(created),
    host_id: open ? 1 + (id % 50) : null,
    id,
    label: id % 4 === 0 ? null : "x86_64",
    method: "buildArch",
    owner: 5,
    owner_name: "basil-dev",
    owner_type: 0,
    parent: id - 1,
    priority: 19,
    request: encodeCall("buildArch", [srpm, 2, "x86_64", id % 2 === 0, { repo_id: 1 + (id % 1000) }]),
    result: null,
    start_time: open ? "2026-11-22 13:21:11.604876+00:00" : null,
    start_ts: open ? new XmlRpcDouble(created + 60) : null,
    state: open ? 1 : 0,
    waiting: open ? false : null,
    weight: new XmlRpcDouble(open ? 1.5 : 1),
  };
}

const PYTHON = `
import json, sys, time, xmlrpc.client
with open(sys.argv[1], "rb") as file:
    document = file.read()
start = time.perf_counter()
(rows,), _ = xmlrpc.client.loads(document)
print(json.dumps({"ms": (time.perf_counter() - start) * 1000, "rows": len(rows), "last": rows[-1]["request"]}))
`;

function timeNode(document: Uint8Array): { ms: number; value: XmlRpcValue } {
  const start = performance.now();
  const value = decodeResponse(document);
  return { ms: performance.now() - start, value };
}

function timePython(file: string): { ms: number; rows: number; last: string } {
  const run = spawnSync("python3", ["-c", PYTHON, file], { encoding: "utf8", maxBuffer: 2 ** 26 });
  if (run.status !== 0) throw new Error(`python3 is needed and did not run: ${run.error?.message ?? run.stderr}`);
  return JSON.parse(run.stdout);
}

const median = (numbers: readonly number[]): number =>
  numbers.toSorted((a, b) => a - b)[numbers.length >> 1] ?? Number.NaN;
const whole = (numbers: readonly number[]): string => numbers.map((ms) => Math.round(ms)).join(" ");

const expected = Array.from({ length: rows }, (_, index) => taskRow(index + 1));
const document = Buffer.from(encodeResponse(expected));
const folder = mkdtempSync(join(tmpdir(), "toji-bench-"));
const node: number[] = [];
const python: number[] = [];
try {
  const file = join(folder, "listTasks.xml");
  writeFileSync(file, document);
  for (let round = 0; round < ROUNDS; round++) {
    const ours = timeNode(document);
    const theirs = timePython(file);
    const last = isArray(ours.value) && ours.value.length === rows ? ours.value.at(-1) : undefined;
    if (theirs.rows !== rows || !isStruct(last) || member(last, "request") !== theirs.last) {
      throw new Error("The two did not read the same rows.");
    }
    node.push(ours.ms);
    python.push(theirs.ms);
  }
} finally {
  rmSync(folder, { recursive: true });
}

const ratio = median(node) / median(python);
console.log(`${rows} task rows, ${(document.length / 1e6).toFixed(1)} MB, ${ROUNDS} rounds, milliseconds`);
console.log(`node   median ${Math.round(median(node))}   (${whole(node)}; the first is cold)`);
console.log(`python median ${Math.round(median(python))}   (${whole(python)})`);
console.log(`node/python ${ratio.toFixed(2)}`);
if (ratio > 1) {
  console.log("Node is slower than Python's xmlrpc.client, and must not be.");
  process.exitCode = 1;
}
