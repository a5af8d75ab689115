import { statSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import {
  BUILDER,
  type FakeServer,
  Host,
  type Identity,
  issueIdentity,
  noScriptTools,
  SLOT,
  serveHttp,
  serveHttps,
} from "./builder-host.ts";
import { type Outcome, run } from "./commands.ts";

const SIGNATURE = "X-Amz-Signature=4b1dc0ffee%2F77";

let serverIdentity: Identity;
let identity: Identity;
let bucket: FakeServer;
/** What the bucket answers, one entry a request; the last one stays. */
let answers: { status: number; body: string }[];
let requests: string[];
let host: Host;

beforeAll(async () => {
  serverIdentity = await issueIdentity("bucket");
  identity = await issueIdentity(SLOT);
  bucket = await serveHttps(serverIdentity, (request, response) => {
    requests.push(request.url ?? "");
    const answer = (answers.length > 1 ? answers.shift() : answers[0]) ?? { status: 500, body: "" };
    response.writeHead(answer.status).end(answer.body);
  });
});

afterAll(() => bucket.close());

beforeEach((context) => {
  context.skip(noScriptTools !== "", noScriptTools);
  host = new Host();
  host.write("bucket.pem", serverIdentity.certificate);
  answers = [{ status: 200, body: identity.pem }];
  requests = [];
});

afterEach(() => host?.remove());

function variables(): Record<string, string> {
  return {
    TOJI_SLOT: SLOT,
    TOJI_HUB_URL: "https://koji.example.org/kojihub",
    TOJI_TOP_URL: "http://cache.example.org/kojifiles https://koji.example.org/kojifiles",
    TOJI_IDENTITY_URL: `${bucket.url}/identities/42.pem?X-Amz-Expires=900&${SIGNATURE}`,
    TOJI_MAX_JOBS: "5",
    TOJI_MIN_SPACE_MB: "8192",
    TOJI_IDENTITY_RETRY_SECONDS: "0",
  };
}

function bootstrap(changes: Record<string, string> = {}): Promise<Outcome> {
  const curlTrust = { CURL_CA_BUNDLE: host.path("bucket.pem") };
  return run("sh", [join(BUILDER, "bootstrap")], { ...host.environment, ...curlTrust, ...variables(), ...changes });
}

/** kojid.conf as kojid reads it: Python's configparser with interpolation (koji read_config_files, raw=False). */
async function kojidConf(): Promise<Record<string, Record<string, string>>> {
  const program =
    "import configparser,json,sys\nc=configparser.ConfigParser()\nc.read(sys.argv[1])\nprint(json.dumps({s:dict(c.items(s)) for s in c.sections()}))";
  const { stdout } = await run("python3", ["-c", program, host.path("etc/kojid/kojid.conf")], host.environment);
  return JSON.parse(stdout);
}

describe("a first boot", () => {
  it("ends with kojid started, and says so in one JSON line", async () => {
    const outcome = await bootstrap();
    expect(outcome.stderr).toBe("");
    expect(outcome.exit).toBe(0);
    expect(JSON.parse(outcome.lastLine)).toEqual({ slot: SLOT, state: "started" });
    expect(host.isActive("kojid.service")).toBe(true);
  });

  it("closes the metadata service and starts the watcher before kojid", async () => {
    await bootstrap();
    expect(host.calls()).toEqual([
      `hostnamectl set-hostname ${SLOT}`,
      "useradd --system --no-create-home --home-dir / --shell /sbin/nologin toji-watch",
      "systemctl daemon-reload",
      "systemctl enable --now toji-imds-guard.service",
      "systemctl enable --now toji-spot-notice.path toji-spot-watcher.service",
      "systemctl enable --now kojid.service",
    ]);
  });

  it("keeps the identity where only root reads it", async () => {
    await bootstrap();
    expect(host.read("etc/kojid/client.crt")).toBe(identity.pem);
    expect(statSync(host.path("etc/kojid/client.crt")).mode & 0o777).toBe(0o600);
  });

  it("writes the kojid.conf that was asked for, and no key more", async () => {
    await bootstrap();
    expect(await kojidConf()).toEqual({
      kojid: {
        server: "https://koji.example.org/kojihub",
        topurl: "http://cache.example.org/kojifiles https://koji.example.org/kojifiles",
        cert: "/etc/kojid/client.crt",
        workdir: "/var/tmp/koji",
        mockdir: "/var/lib/mock",
        minspace: "8192",
        maxjobs: "5",
        sleeptime: "15",
        rpmbuild_timeout: "14400",
        failed_buildroot_lifetime: "600",
        buildroot_basic_cleanup_delay: "60",
        buildroot_final_cleanup_delay: "600",
        allowed_scms_use_config: "false",
        allowed_scms_use_policy: "true",
      },
    });
  });

  it("carries every optional setting into kojid.conf", async () => {
    const hubCa = await issueIdentity("hub CA");
    const outcome = await bootstrap({
      TOJI_SLEEP_TIME: "5",
      TOJI_RPMBUILD_TIMEOUT: "7200",
      TOJI_ALLOWED_SCMS: "github.com:/theforeman/*:no git.example.org:/*:no:sh,-c,make sources",
      TOJI_HUB_CA_PEM_B64: Buffer.from(hubCa.certificate).toString("base64"),
      TOJI_VENDOR: "The Foreman Project; it's ours",
      TOJI_PACKAGER: "Foreman <packaging@example.org>",
      TOJI_DISTRIBUTION: "$(reboot) `reboot`",
      TOJI_MOCKHOST: "redhat-linux-gnu",
      TOJI_PLUGINS: "kiwi save_failed_tree",
    });
    expect(outcome.exit).toBe(0);
    const { kojid } = await kojidConf();
    expect(kojid).toMatchObject({
      sleeptime: "5",
      rpmbuild_timeout: "7200",
      allowed_scms: "github.com:/theforeman/*:no git.example.org:/*:no:sh,-c,make sources",
      serverca: "/etc/kojid/serverca.crt",
      vendor: "The Foreman Project; it's ours",
      packager: "Foreman <packaging@example.org>",
      distribution: "$(reboot) `reboot`",
      mockhost: "redhat-linux-gnu",
      plugins: "kiwi save_failed_tree",
    });
    expect(kojid).not.toHaveProperty("allowed_scms_use_policy");
    expect(host.read("etc/kojid/serverca.crt")).toBe(hubCa.certificate);
  });

  it("gives a slot with an underscore a host name that systemd accepts, and its identity the slot's own name", async () => {
    answers = [{ status: 200, body: (await issueIdentity("builder_01")).pem }];
    const outcome = await bootstrap({ TOJI_SLOT: "builder_01" });
    expect(JSON.parse(outcome.lastLine)).toEqual({ slot: "builder_01", state: "started" });
    expect(host.calls()[0]).toBe("hostnamectl set-hostname builder-01");
  });

  it("installs the units beside kojid's own", async () => {
    await bootstrap();
    const unit = (name: string) => host.read(`etc/systemd/system/${name}`);
    // kojid itself ends its tasks and frees them; it never runs without the guard.
    expect(unit("kojid.service.d/toji.conf")).toMatch(/^KillMode=mixed$/m);
    expect(unit("kojid.service.d/toji.conf")).toMatch(/^Requires=toji-imds-guard.service$/m);
    // The notice outlives the watcher that wrote it, and stops kojid once, not in a loop.
    expect(unit("toji-spot-watcher.service")).toMatch(/^RuntimeDirectoryPreserve=yes$/m);
    expect(unit("toji-spot-notice.path")).toMatch(/^PathExists=\/run\/toji\/spot-notice$/m);
    expect(unit("toji-stop-kojid.service")).toMatch(/^RemainAfterExit=yes$/m);
    expect(host.has("etc/toji/imds-guard.nft")).toBe(true);
  });
});

describe("run again", () => {
  it("changes nothing more, and needs no identity that Toji has deleted meanwhile", async () => {
    host.addDevice("nvme1n1");
    await bootstrap({ TOJI_DATA_DEVICE: "/dev/nvme1n1" });
    const before = host.read("etc/kojid/kojid.conf") + host.read("etc/fstab");
    answers = [{ status: 404, body: "" }];

    const outcome = await bootstrap({ TOJI_DATA_DEVICE: "/dev/nvme1n1" });

    expect(JSON.parse(outcome.lastLine)).toEqual({ slot: SLOT, state: "started" });
    expect(requests).toHaveLength(1);
    expect(host.read("etc/kojid/kojid.conf") + host.read("etc/fstab")).toBe(before);
    expect(host.calls().filter((call) => /^(useradd|mkfs|mount) ?/.test(call))).toHaveLength(5);
  });

  it("fetches again when the identity on the host has expired or is another slot's", async () => {
    for (const old of [await issueIdentity(SLOT, -1), await issueIdentity("builder-x86-02.example.org")]) {
      host.write("etc/kojid/client.crt", old.pem);
      expect((await bootstrap()).exit).toBe(0);
      expect(host.read("etc/kojid/client.crt")).toBe(identity.pem);
    }
    expect(requests).toHaveLength(2);
  });
});

describe("the variables", () => {
  const REQUIRED = [
    "TOJI_SLOT",
    "TOJI_HUB_URL",
    "TOJI_TOP_URL",
    "TOJI_IDENTITY_URL",
    "TOJI_MAX_JOBS",
    "TOJI_MIN_SPACE_MB",
  ];
  it.each(REQUIRED)("stops when %s is missing", async (name) => {
    const outcome = await bootstrap({ [name]: "" });
    expect(outcome.exit).toBe(2);
    expect(outcome.stderr).toMatch(new RegExp(`^bootstrap: ${name} is missing: it must hold .+\\.\n$`));
    expect(host.calls()).toEqual([]);
  });

  const ILL_FORMED: [string, string][] = [
    ["TOJI_SLOT", "builder 01"],
    ["TOJI_SLOT", "../builder"],
    ["TOJI_SLOT", "b".repeat(65)],
    ["TOJI_HUB_URL", "http://koji.example.org/kojihub"],
    ["TOJI_HUB_URL", "https://koji.example.org/kojihub\nuser = root"],
    ["TOJI_HUB_URL", "https://koji.example.org/%(server)s"],
    ["TOJI_HUB_URL", "https://"],
    ["TOJI_TOP_URL", "https://koji.example.org/kojifiles ftp://koji.example.org"],
    ["TOJI_TOP_URL", "/mnt/koji"],
    ["TOJI_IDENTITY_URL", "http://bucket.example.org/42.pem"],
    ["TOJI_IDENTITY_URL", 'https://bucket.example.org/"\\'],
    ["TOJI_MAX_JOBS", "0"],
    ["TOJI_MAX_JOBS", "5.5"],
    ["TOJI_MAX_JOBS", "99999999999999999999"],
    ["TOJI_MIN_SPACE_MB", "8GB"],
    ["TOJI_SLEEP_TIME", "-1"],
    ["TOJI_RPMBUILD_TIMEOUT", "4h"],
    ["TOJI_IDENTITY_ATTEMPTS", "0"],
    ["TOJI_IDENTITY_RETRY_SECONDS", "soon"],
    ["TOJI_DATA_DEVICE", "nvme1n1"],
    ["TOJI_DATA_DEVICE", "/dev/../etc/passwd"],
    ["TOJI_DATA_DEVICE", "/dev/"],
    ["TOJI_HUB_CA_PEM_B64", "-----BEGIN CERTIFICATE-----"],
    ["TOJI_HUB_CA_PEM_B64", "bm90IGEgY2VydGlmaWNhdGU="],
    ["TOJI_ALLOWED_SCMS", "github.com:/*\ntopdir = /"],
    ["TOJI_VENDOR", "100%"],
    ["TOJI_PLUGINS", "kiwi\r"],
  ];
  it.each(ILL_FORMED)("stops when %s holds %j, before it touches anything", async (name, value) => {
    const outcome = await bootstrap({ [name]: value });
    expect(outcome.exit).toBe(2);
    expect(outcome.stderr).toMatch(new RegExp(`^bootstrap: ${name} is ill-formed: it must hold .+\\.\n$`));
    expect(host.calls()).toEqual([]);
    expect(host.has("etc/kojid")).toBe(false);
  });
});

describe("the identity", () => {
  it("is asked for again while the bucket is busy", async () => {
    answers = [
      { status: 503, body: "" },
      { status: 429, body: "" },
      { status: 200, body: identity.pem },
    ];
    expect((await bootstrap()).exit).toBe(0);
    expect(requests).toHaveLength(3);
  });

  it.each([
    ["a busy bucket", 503, 3],
    ["an expired address", 403, 1],
    ["a deleted object", 404, 1],
  ])("stops after %s: HTTP %i, asked %i times", async (_, status, times) => {
    answers = [{ status, body: identity.pem }];
    const outcome = await bootstrap({ TOJI_IDENTITY_ATTEMPTS: "3" });
    expect(outcome.exit).toBe(1);
    expect(outcome.stderr).toMatch(/^bootstrap: cannot fetch the identity by TOJI_IDENTITY_URL: .+\.\n$/);
    expect(outcome.stderr).toContain(`HTTP ${status}`);
    expect(requests).toHaveLength(times);
    expectNothingLeft();
  });

  it("stops when nobody answers", async () => {
    const outcome = await bootstrap({ TOJI_IDENTITY_URL: "https://127.0.0.1:1/42.pem", TOJI_IDENTITY_ATTEMPTS: "2" });
    expect(outcome.exit).toBe(1);
    expect(outcome.stderr).toContain("2 attempts on 127.0.0.1:1 failed");
    expectNothingLeft();
  });

  it("is not taken from a server with an unknown certificate", async () => {
    host.write("bucket.pem", (await issueIdentity("another server")).certificate);
    expect((await bootstrap({ TOJI_IDENTITY_ATTEMPTS: "1" })).exit).toBe(1);
    expect(requests).toEqual([]);
    expectNothingLeft();
  });

  it.each<[string, () => Promise<string>, RegExp]>([
    ["for another slot", async () => (await issueIdentity("builder-x86-02")).pem, /its CN is builder-x86-02/],
    ["expired", async () => (await issueIdentity(SLOT, -1)).pem, /it has expired/],
    ["without a key", async () => identity.certificate, /it holds no private key/],
    ["without a certificate", async () => identity.key, /it holds no certificate/],
    ["of two halves", async () => identity.key + (await issueIdentity(SLOT)).certificate, /its key does not belong/],
    ["garbage", async () => "<Error><Code>Slow</Code></Error>", /it holds no private key/],
    ["empty", async () => "", /it holds no private key/],
  ])("is refused when it is %s", async (_, body, reason) => {
    answers = [{ status: 200, body: await body() }];
    const outcome = await bootstrap();
    expect(outcome.exit).toBe(1);
    expect(outcome.stderr).toMatch(reason);
    expectNothingLeft();
  });

  it.each([200, 403, 503])(
    "is never shown, nor the query of its address, when the bucket answers %i",
    async (status) => {
      answers = [{ status, body: identity.pem }];
      const outcome = await bootstrap({ TOJI_IDENTITY_ATTEMPTS: "1" });
      expect(requests).toEqual([expect.stringContaining(SIGNATURE)]);
      const keyLine = identity.key.split("\n")[1] ?? "no key";
      for (const secret of ["X-Amz", "4b1dc0ffee", keyLine, "PRIVATE KEY-"]) {
        expect(outcome.stdout + outcome.stderr + host.calls().join("\n") + host.curlArguments()).not.toContain(secret);
      }
    },
  );

  function expectNothingLeft(): void {
    expect(host.has("etc/kojid/client.crt")).toBe(false);
    expect(host.isActive("kojid.service")).toBe(false);
  }
});

describe("the data volume", () => {
  it("is formatted, mounted for mock and kojid, and found again after a reboot", async () => {
    host.addDevice("nvme1n1");
    expect((await bootstrap({ TOJI_DATA_DEVICE: "/dev/nvme1n1" })).exit).toBe(0);
    expect(host.calls().slice(1, 6)).toEqual([
      "mkfs.xfs -q -L toji-data /dev/nvme1n1",
      "mount --fstab fstab /var/lib/toji",
      `chown root:mock ${host.path("var/lib/toji/mock")}`,
      "mount --fstab fstab /var/lib/mock",
      "mount --fstab fstab /var/tmp/koji",
    ]);
    expect(host.read("etc/fstab")).toMatch(/^LABEL=toji-data \/var\/lib\/toji xfs /);
    expect(statSync(host.path("var/lib/toji/mock")).mode & 0o7777).toBe(0o2775);
  });

  it("is never made of a device that holds something", async () => {
    host.addDevice("nvme0n1p4", "xfs:root");
    const outcome = await bootstrap({ TOJI_DATA_DEVICE: "/dev/nvme0n1p4" });
    expect(outcome.exit).toBe(1);
    expect(outcome.stderr).toContain("TOJI_DATA_DEVICE names /dev/nvme0n1p4, which is not empty");
    expect(host.calls().join("\n")).not.toMatch(/mkfs|mount/);
  });

  it("stops when the instance has no such device", async () => {
    const outcome = await bootstrap({ TOJI_DATA_DEVICE: "/dev/nvme9n1" });
    expect(outcome.exit).toBe(1);
    expect(outcome.stderr).toContain("TOJI_DATA_DEVICE names /dev/nvme9n1, which this instance does not have");
  });
});

it("does not start kojid while root still reaches the metadata service", async () => {
  const metadata = await serveHttp((_, response) => response.writeHead(401).end());
  try {
    const outcome = await bootstrap({ TOJI_IMDS_URL: metadata.url });
    expect(outcome.exit).toBe(1);
    expect(outcome.stderr).toContain("root still reaches the instance metadata service");
    expect(host.isActive("kojid.service")).toBe(false);
    expect(host.has("etc/kojid/client.crt")).toBe(false);
  } finally {
    metadata.close();
  }
});

it("names the step that failed when systemd refuses a unit", async () => {
  host.refuse("enable");
  const outcome = await bootstrap();
  expect(outcome.exit).toBe(1);
  expect(outcome.stderr).toBe(
    "bootstrap: failed while closing the instance metadata service to every user but toji-watch.\n",
  );
});

it("says what the image lacks before it touches anything", async () => {
  const onlyStandIns = host.environment.PATH?.split(":")[0] ?? "";
  const outcome = await bootstrap({ PATH: onlyStandIns });
  expect(outcome.exit).toBe(1);
  expect(outcome.stderr).toBe("bootstrap: this image lacks openssl: build the builder image again.\n");
  expect(host.calls()).toEqual([]);
});
