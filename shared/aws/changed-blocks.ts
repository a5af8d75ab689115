// How much changed between two snapshots of a volume: what the later one costs, by EBS's own lists of blocks.

import { ListChangedBlocksCommand, ListSnapshotBlocksCommand } from "@aws-sdk/client-ebs";
import type { BackupClients } from "./backup-clients.ts";
import { attempt } from "./errors.ts";

type Ebs = ReturnType<BackupClients["ebs"]>;

/** EBS lists blocks of 512 KiB (EBS direct APIs, "concepts"); each page says so again. */
const BLOCK_BYTES = 512 * 1024;

const BLOCKS_A_PAGE = 10_000;

interface Page {
  readonly blocks: number;
  readonly blockBytes: number;
  readonly next: string | undefined;
}

/** Bytes in blocks that differ from `previous`, an earlier snapshot of the same volume; null = all blocks that hold anything. */
export async function countChangedBytes(ebs: Ebs, previous: string | null, snapshot: string): Promise<number> {
  let bytes = 0;
  let next: string | undefined;
  do {
    const page =
      previous === null ? await allBlocks(ebs, snapshot, next) : await changes(ebs, previous, snapshot, next);
    bytes += page.blocks * page.blockBytes;
    next = page.next;
  } while (next !== undefined && next !== "");
  return bytes;
}

async function allBlocks(ebs: Ebs, SnapshotId: string, NextToken: string | undefined): Promise<Page> {
  const command = new ListSnapshotBlocksCommand({ SnapshotId, MaxResults: BLOCKS_A_PAGE, NextToken });
  const reply = await attempt("ListSnapshotBlocks", () => ebs.send(command));
  return { blocks: reply.Blocks?.length ?? 0, blockBytes: reply.BlockSize ?? BLOCK_BYTES, next: reply.NextToken };
}

async function changes(
  ebs: Ebs,
  FirstSnapshotId: string,
  SecondSnapshotId: string,
  NextToken: string | undefined,
): Promise<Page> {
  const command = new ListChangedBlocksCommand({
    FirstSnapshotId,
    SecondSnapshotId,
    MaxResults: BLOCKS_A_PAGE,
    NextToken,
  });
  const reply = await attempt("ListChangedBlocks", () => ebs.send(command));
  return {
    blocks: reply.ChangedBlocks?.length ?? 0,
    blockBytes: reply.BlockSize ?? BLOCK_BYTES,
    next: reply.NextToken,
  };
}
