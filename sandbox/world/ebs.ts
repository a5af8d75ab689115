// EBS's direct interface: which blocks a snapshot has, and which differ between two of one volume.

import {
  EBSServiceException,
  ListChangedBlocksCommand,
  type ListChangedBlocksRequest,
  type ListChangedBlocksResponse,
  ListSnapshotBlocksCommand,
  type ListSnapshotBlocksRequest,
  type ListSnapshotBlocksResponse,
} from "@aws-sdk/client-ebs";
import { ApiGate, type FaultOptions } from "./api-gate.ts";
import type { VirtualClock } from "./clock.ts";
import type { Storage } from "./ec2/index.ts";

export interface EbsOptions {
  readonly clock: VirtualClock;
  readonly storage: Storage;
  /** Virtual seconds every call takes; default 0. */
  readonly latencySeconds?: number;
}

const BLOCK_BYTES = 524_288;
const TOKEN_SECONDS = 7 * 86_400;
/** Source: SDK typings, MaxResults. */
const LEAST_RESULTS = 100;
const MOST_RESULTS = 10_000;

interface PageRequest {
  readonly NextToken?: string | undefined;
  readonly MaxResults?: number | undefined;
  readonly StartingBlockIndex?: number | undefined;
}

export class EbsModel {
  readonly #clock: VirtualClock;
  readonly #storage: Storage;
  readonly #gate: ApiGate;

  constructor({ clock, storage, latencySeconds = 0 }: EbsOptions) {
    this.#clock = clock;
    this.#storage = storage;
    this.#gate = new ApiGate(clock, latencySeconds);
  }

  async send(command: object): Promise<object> {
    if (command instanceof ListSnapshotBlocksCommand)
      return this.#gate.pass("ListSnapshotBlocks", () => this.#listSnapshot(command.input));
    if (command instanceof ListChangedBlocksCommand)
      return this.#gate.pass("ListChangedBlocks", () => this.#listChanged(command.input));
    throw new Error(`the EBS model does not know ${command.constructor.name}: add it to sandbox/world/ebs.ts`);
  }

  /** `error`: an EBS code (RequestThrottledException, ...) or an error of your own; null = whatever is called next. */
  failNext(operation: string | null, error: string | Error, options: FaultOptions = {}): void {
    const makeError = () => (typeof error === "string" ? ebsError(error, `${error} (injected)`) : error);
    this.#gate.failNext(operation, makeError, options);
  }

  callCounts(): Readonly<Record<string, number>> {
    return this.#gate.callCounts();
  }

  #listSnapshot(input: ListSnapshotBlocksRequest): ListSnapshotBlocksResponse {
    const { blocks, sizeGiB } = this.#complete(input.SnapshotId);
    const { items, next } = onePage([...blocks.keys()], input);
    const Blocks = items.map((BlockIndex) => ({ BlockIndex, BlockToken: token(input.SnapshotId, BlockIndex) }));
    return { Blocks, ...this.#common(sizeGiB), ...next };
  }

  /** Without a first snapshot: all blocks of the second. */
  #listChanged(input: ListChangedBlocksRequest): ListChangedBlocksResponse {
    const second = this.#complete(input.SecondSnapshotId);
    const first = input.FirstSnapshotId === undefined ? null : this.#complete(input.FirstSnapshotId);
    if (first !== null && first.volumeId !== second.volumeId) {
      throw ebsError("ValidationException", "The snapshots are not of the same volume lineage");
    }
    const before: ReadonlyMap<number, string> = first?.blocks ?? new Map();
    const all = new Set([...before.keys(), ...second.blocks.keys()]);
    const changed = [...all].filter((index) => before.get(index) !== second.blocks.get(index));
    const { items, next } = onePage(changed, input);
    const ChangedBlocks = items.map((BlockIndex) => ({
      BlockIndex,
      ...(before.has(BlockIndex) ? { FirstBlockToken: token(input.FirstSnapshotId, BlockIndex) } : {}),
      ...(second.blocks.has(BlockIndex) ? { SecondBlockToken: token(input.SecondSnapshotId, BlockIndex) } : {}),
    }));
    return { ChangedBlocks, ...this.#common(second.sizeGiB), ...next };
  }

  #complete(snapshotId = "") {
    const { snapshots } = this.#storage;
    const found = snapshots.visible().find((each) => each.snapshotId === snapshotId);
    if (found === undefined) {
      throw ebsError("ResourceNotFoundException", `The snapshot '${snapshotId}' does not exist.`);
    }
    if (snapshots.stateOf(found) !== "completed") {
      throw ebsError("ValidationException", `The snapshot '${snapshotId}' is not in the completed state`);
    }
    const blocks: ReadonlyMap<number, string> = found.content?.blocks() ?? new Map();
    return { volumeId: found.volumeId, sizeGiB: found.sizeGiB, blocks };
  }

  #common(sizeGiB: number) {
    const ExpiryTime = new Date((this.#clock.now() + TOKEN_SECONDS) * 1000);
    return { VolumeSize: sizeGiB, BlockSize: BLOCK_BYTES, ExpiryTime, $metadata: { httpStatusCode: 200 } };
  }
}

/** Ascending; a page's token is the index that the next one starts with. */
function onePage(indexes: readonly number[], { NextToken, MaxResults, StartingBlockIndex = 0 }: PageRequest) {
  const size = MaxResults ?? MOST_RESULTS;
  if (size < LEAST_RESULTS || size > MOST_RESULTS) {
    throw ebsError("ValidationException", `MaxResults must be ${LEAST_RESULTS} to ${MOST_RESULTS}`);
  }
  const from = NextToken === undefined ? StartingBlockIndex : Number(NextToken);
  if (!Number.isInteger(from)) throw ebsError("ValidationException", "NextToken is not one that was returned");
  const rest = indexes.filter((index) => index >= from).sort((a, b) => a - b);
  const following = rest[size];
  return {
    items: rest.slice(0, size),
    next: following === undefined ? {} : { NextToken: String(following) },
  };
}

const token = (snapshotId: string | undefined, index: number) =>
  Buffer.from(`${snapshotId} ${index}`).toString("base64url");

function ebsError(name: string, message: string): EBSServiceException {
  return new EBSServiceException({ name, message, $fault: "client", $metadata: { httpStatusCode: 400 } });
}
