// A bucket behind `send`: conditional writes as S3 does them, with its error names.

import { DeleteObjectCommand, GetObjectCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import type { AwsClients } from "../../shared/aws/clients.ts";

export function awsError(name: string, message = name): Error {
  return Object.assign(new Error(message), { name });
}

export class Bucket {
  readonly objects = new Map<string, { readonly text: string; readonly etag: string; readonly type: string }>();
  /** The next call fails with this. */
  failNext: Error | null = null;
  #writes = 0;

  get clients(): Pick<AwsClients, "s3" | "presignGet"> {
    return {
      s3: { send: (command: object) => this.#send(command) } as unknown as AwsClients["s3"],
      presignGet: async (bucket, key, seconds) => `https://${bucket}.test/${key}?expires=${seconds}`,
    };
  }

  async #send(command: object): Promise<object> {
    const failure = this.failNext;
    this.failNext = null;
    if (failure !== null) throw failure;
    if (command instanceof GetObjectCommand) return this.#get(command.input.Key ?? "");
    if (command instanceof PutObjectCommand) {
      const { Key = "", Body, ContentType = "", IfMatch, IfNoneMatch } = command.input;
      return this.#put(Key, String(Body), ContentType, IfMatch, IfNoneMatch);
    }
    if (command instanceof DeleteObjectCommand) this.objects.delete(command.input.Key ?? "");
    return {};
  }

  #get(key: string): object {
    const found = this.objects.get(key);
    if (found === undefined) throw awsError("NoSuchKey");
    return { ETag: found.etag, Body: { transformToString: async () => found.text } };
  }

  #put(key: string, text: string, type: string, ifMatch?: string, ifNoneMatch?: string): object {
    const there = this.objects.get(key);
    if (ifNoneMatch === "*" && there !== undefined) throw awsError("PreconditionFailed");
    if (ifMatch !== undefined && there === undefined) throw awsError("NoSuchKey");
    if (ifMatch !== undefined && there?.etag !== ifMatch) throw awsError("PreconditionFailed");
    this.#writes += 1;
    const etag = `"etag-${this.#writes}"`;
    this.objects.set(key, { text, etag, type });
    return { ETag: etag };
  }
}
