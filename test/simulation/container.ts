// One Lambda container: the production handler with ports of its own, which can be killed after any of its side effects.

import { fleetHandler } from "../../functions/fleet/pass.ts";
import { sweepHandler } from "../../functions/fleet/sweep.ts";
import { lambdaContext } from "../../sandbox/lambda-context.ts";
import { membersOf } from "../../sandbox/world/hub/wire.ts";
import type { AwsClients } from "../../shared/aws/clients.ts";
import type { Clock } from "../../shared/clock.ts";
import type { Site } from "../../shared/config/index.ts";
import { openFleetPorts, openSweepPorts, readBuilderScripts } from "../../shared/fleet/index.ts";
import { onlyReads } from "../../shared/hub/delivery.ts";
import type { OpenHubWire } from "../../shared/hub/index.ts";
import type { Telemetry } from "../../shared/telemetry.ts";
import { BUCKET, LAUNCH_TEMPLATE, ROOT } from "./constants.ts";
import type { AwsCall } from "./weather.ts";
import type { World } from "./world.ts";

// The handler's own log of a failed invocation: the trace has it.
process.env.TOJI_STAGE ??= "simulation";
process.env.POWERTOOLS_LOG_LEVEL = "SILENT";

/** The process is gone: nothing that it was about to do happens, and nothing that it asked is answered. */
export class Killed extends Error {
  override readonly name = "Killed";
  constructor() {
    super("the invocation was killed here");
  }
}

const MUTATIONS: ReadonlySet<string> = new Set([
  "CreateFleet",
  "TerminateInstances",
  "CreateTags",
  "DeleteTags",
  "CreateLaunchTemplateVersion",
  "DeleteLaunchTemplateVersions",
  "DeleteVolume",
  "DeleteNetworkInterface",
  "PutObject",
  "DeleteObject",
]);

const SCRIPTS = readBuilderScripts(ROOT);

/** The handler asks for one and never looks at it. */
const NEVER_ABORTED = new AbortController().signal;

/** What the last look of a pass came to. */
export interface View {
  ec2: boolean;
  hub: boolean;
}

export class Container {
  readonly name: string;
  /** The config that it was deployed with. */
  readonly site: Site;
  readonly view: View = { ec2: false, hub: false };
  readonly #world: World;
  readonly #handler: ReturnType<typeof fleetHandler> | ReturnType<typeof sweepHandler>;
  #dead = false;
  #effectsLeft = Number.POSITIVE_INFINITY;

  /** `name`: a pass's begins with "c", a sweep's with "s". */
  constructor(world: World, name: string, kind: "pass" | "sweep") {
    this.#world = world;
    this.name = name;
    this.site = world.site;
    const setting = {
      site: world.site,
      clients: this.#clients(),
      clock: this.#clock(),
      telemetry: this.#telemetry(),
      bucket: BUCKET,
      launchTemplateId: LAUNCH_TEMPLATE,
    };
    this.#handler =
      kind === "sweep"
        ? sweepHandler(() => openSweepPorts(setting))
        : fleetHandler(() => openFleetPorts({ ...setting, scripts: SCRIPTS, openHubWire: this.#wire() }));
  }

  get isDead(): boolean {
    return this.#dead;
  }

  kill(): void {
    this.#dead = true;
  }

  /** The n-th side effect from now is done, and nothing comes after it. */
  killAfter(effects: number): void {
    this.#effectsLeft = effects;
  }

  spare(): void {
    this.#effectsLeft = Number.POSITIVE_INFINITY;
  }

  async run(event: unknown, requestId: string): Promise<void> {
    await this.#handler(event, lambdaContext(requestId), { signal: NEVER_ABORTED });
  }

  #did(what: string): void {
    this.#effectsLeft -= 1;
    if (this.#effectsLeft > 0) return;
    this.#dead = true;
    this.#world.onKilled(this.name, what);
  }

  #alive(): void {
    if (this.#dead) throw new Killed();
  }

  #clock(): Clock {
    const { clock, weather } = this.#world;
    return {
      now: () => clock.now() + weather.lambdaAheadSeconds,
      sleep: async (seconds) => {
        await clock.sleep(seconds);
        this.#alive();
      },
    };
  }

  #clients(): AwsClients {
    const { ec2, s3, ssm } = this.#world.aws;
    // As in sandbox/world/aws.ts: `send` is overloaded beyond what can be said.
    const send = (service: AwsCall["service"], model: { send(command: object): Promise<object> }) =>
      ((command: { readonly input: object }) => this.#send(service, model, command)) as unknown;
    return {
      ec2: { send: send("ec2", ec2) as AwsClients["ec2"]["send"] },
      s3: { send: send("s3", s3) as AwsClients["s3"]["send"] },
      ssm: { send: send("ssm", ssm) as AwsClients["ssm"]["send"] },
      presignGet: async (bucket, key, expiresInSeconds) => {
        this.#alive();
        return s3.presignGet(bucket, key, expiresInSeconds);
      },
    };
  }

  async #send(
    service: AwsCall["service"],
    model: { send(command: object): Promise<object> },
    command: { readonly input: object },
  ): Promise<object> {
    this.#alive();
    const operation = command.constructor.name.replace(/Command$/, "");
    const call = { service, operation, input: command.input };
    if (operation === "DescribeInstances") this.view.ec2 = false;
    const answer = await this.#world.weather.passAws(call, async () => {
      const made = await model.send(command);
      if (MUTATIONS.has(operation)) {
        this.#world.onEffect(call, made, this);
        this.#did(operation);
      }
      return made;
    });
    this.#alive();
    if (operation === "DescribeInstances") this.view.ec2 = true;
    return answer;
  }

  #wire(): OpenHubWire {
    const open = this.#world.openWire;
    return (endpoint, certificate) => {
      const wire = open(endpoint, certificate);
      return {
        prepare: (path, method, params) => {
          const send = wire.prepare(path, method, params);
          const members = membersOf(method, params);
          const looks = method === "multiCall" && members.includes("scheduler.getTaskRuns");
          const reads = members.every(onlyReads);
          return async (options) => {
            this.#alive();
            if (looks) this.view.hub = false;
            const answer = await send(options).finally(() => {
              // Whatever became of the reply.
              if (!reads) this.#world.invariants.noteServing();
              this.#alive();
            });
            if (looks) this.view.hub = true;
            if (!reads) {
              const enabled = enabledBy(method, params);
              for (const slot of enabled) {
                this.#world.invariants.hand.onEnable(slot);
                this.#world.invariants.enable.onEnable(slot);
              }
              this.#world.invariants.noteServing(enabled);
              this.#did(method);
            }
            this.#alive();
            return answer;
          };
        },
        close: () => wire.close(),
      };
    };
  }

  #telemetry(): Telemetry {
    const world = this.#world;
    let sawAll = false;
    return {
      info: (sentence, fields) => {
        if (sentence === "decision") world.onDecision(this, fields ?? {});
        else if (!sentence.startsWith("no pass:")) world.trace.add(`  ${this.name}: ${sentence}`);
      },
      warn: (sentence) => world.trace.add(`  ${this.name}: ! ${sentence}`),
      metric: (name, _unit, value, dimensions) => {
        // The metrics of a pass come in this order, after all that it did.
        if (name === "TerminationStopped") world.onAlarm("terminationStopped", value === 1);
        // The alarm's own threshold: serverless.yml, oldestFreeSeconds.
        if (name === "OldestFreeSeconds" && dimensions === undefined) world.onAlarm("oldestFree", value > 900);
        if (name === "StuckTasks") world.onAlarm("stuckTasks", value > 0);
        if (name === "PassSucceeded") sawAll = value === 1;
        if (name === "ChangesFailed" && sawAll && value === 0) world.onGoodPass();
      },
    };
  }
}

/** Names of the hosts that a call enables. */
function enabledBy(method: string, params: readonly unknown[]): string[] {
  const [first] = params;
  if (method === "enableHost") return [String(first)];
  if (method !== "multiCall" || !Array.isArray(first)) return [];
  return first.flatMap((call: { readonly methodName?: unknown; readonly params?: unknown }) =>
    call.methodName === "enableHost" && Array.isArray(call.params) ? [String(call.params[0])] : [],
  );
}
