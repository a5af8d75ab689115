// What stands between Toji and the world at a moment: each fault puts a hook where it acts, and takes it away again.

import type { BootedInstance } from "../../sandbox/world/ec2/index.ts";
import type { WireMishap, WireRequest } from "../../sandbox/world/hub/wire.ts";

/** One call of Toji to AWS. `operation` as AWS names it: CreateFleet, GetObject, ... */
export interface AwsCall {
  readonly service: "ec2" | "s3" | "ssm";
  readonly operation: string;
  readonly input: object;
}

/** Answers a call in the model's place, or lets it through with `next` and changes what comes of it. */
export type AwsHook = (call: AwsCall, next: () => Promise<object>) => Promise<object>;
/** null = nothing happens to this request because of it. */
export type HubHook = (request: WireRequest) => WireMishap | null;
/** What becomes of a machine whose user data would run now. */
export type BootFate = "never-boots" | "never-checks-in" | "disk-full" | { readonly diesAfterSeconds: number };
export type BootHook = (instance: BootedInstance) => BootFate | null;

export interface CloudEvent {
  readonly source: string;
  readonly "detail-type"?: string;
  readonly detail?: object;
}
/** Seconds after which an event comes, once for each number; none = it is lost. */
export type EventHook = (event: CloudEvent) => readonly number[] | null;

/** Hooks in the order in which they came; the first that has something to say decides. */
class Hooks<Hook> {
  readonly #hooks = new Set<Hook>();

  /** Returns how to take it away. */
  add(hook: Hook): () => void {
    this.#hooks.add(hook);
    return () => void this.#hooks.delete(hook);
  }

  all(): readonly Hook[] {
    return [...this.#hooks];
  }

  get isEmpty(): boolean {
    return this.#hooks.size === 0;
  }
}

export class Weather {
  readonly aws = new Hooks<AwsHook>();
  readonly hub = new Hooks<HubHook>();
  readonly boots = new Hooks<BootHook>();
  readonly events = new Hooks<EventHook>();
  /** Added to the true time: what Toji's clock and the hub's clock show. */
  lambdaAheadSeconds = 0;
  hubAheadSeconds = 0;

  passAws(call: AwsCall, act: () => Promise<object>): Promise<object> {
    if (this.aws.isEmpty) return act();
    return this.aws.all().reduce<() => Promise<object>>((next, hook) => () => hook(call, next), act)();
  }

  hubMishap(request: WireRequest): WireMishap | null {
    if (this.hub.isEmpty) return null;
    for (const hook of this.hub.all()) {
      const mishap = hook(request);
      if (mishap !== null) return mishap;
    }
    return null;
  }

  bootFate(instance: BootedInstance): BootFate | null {
    for (const hook of this.boots.all()) {
      const fate = hook(instance);
      if (fate !== null) return fate;
    }
    return null;
  }

  deliveries(event: CloudEvent, usualSeconds: number): readonly number[] {
    for (const hook of this.events.all()) {
      const deliveries = hook(event);
      if (deliveries !== null) return deliveries;
    }
    return [usualSeconds];
  }
}
