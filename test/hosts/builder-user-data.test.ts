import { randomBytes } from "node:crypto";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  BUILDER_FILES,
  type BuilderLaunch,
  type BuilderScripts,
  parseUserData,
  readBuilderScripts,
  renderUserData,
  USER_DATA_LIMIT_BYTES,
  UserDataError,
} from "../../shared/fleet/user-data.ts";
import { BUILDER, Host, issueIdentity, noScriptTools, REPOSITORY, SLOT, serveHttps } from "./builder-host.ts";
import { run } from "./commands.ts";

const SEED = Number(process.env.FC_SEED ?? Date.now() % 2 ** 31);

const LAUNCH: BuilderLaunch = {
  slot: SLOT,
  hubUrl: "https://koji.example.org/kojihub",
  topUrl: "https://koji.example.org/kojifiles",
  identityUrl: "https://bucket.example.org/42.pem?X-Amz-Signature=4b1d",
  maxJobs: 5,
  minSpaceMb: 8192,
  sleepSeconds: 15,
};

const scripts = readBuilderScripts(REPOSITORY);
let host: Host;

beforeEach((context) => {
  context.skip(noScriptTools !== "", noScriptTools);
  host = new Host();
});

afterEach(() => host?.remove());

/** Runs user data as cloud-init would: unpacked, as a program. */
async function boot(userData: string, env: Record<string, string> = {}) {
  host.write("part-001", gunzipSync(Buffer.from(userData, "base64")).toString("utf8"));
  return run("sh", [host.path("part-001")], { ...host.environment, ...env });
}

describe("on the instance", () => {
  it("boots a builder from nothing but the user data", async () => {
    const server = await issueIdentity("bucket");
    const identity = await issueIdentity(SLOT);
    const bucket = await serveHttps(server, (_, response) => response.end(identity.pem));
    try {
      host.write("bucket.pem", server.certificate);
      const userData = renderUserData({ ...LAUNCH, identityUrl: `${bucket.url}/42.pem?X-Amz-Signature=4b1d` }, scripts);
      const outcome = await boot(userData, { CURL_CA_BUNDLE: host.path("bucket.pem") });
      expect(outcome.stderr).toBe("");
      expect(JSON.parse(outcome.lastLine)).toEqual({ slot: SLOT, state: "started" });
      expect(host.isActive("kojid.service")).toBe(true);
    } finally {
      bucket.close();
    }
  });

  it("unpacks every file byte for byte", async () => {
    await boot(renderUserData(LAUNCH, { ...scripts, bootstrap: "#!/bin/sh\nexit 0\n" }));
    for (const path of BUILDER_FILES.filter((each) => each !== "bootstrap")) {
      expect(host.read(join("opt/toji", path))).toBe(scripts[path]);
    }
  });

  it(`hands on every value exactly as it was given, whatever is in it (seed ${SEED})`, async () => {
    const printVariables: BuilderScripts = {
      bootstrap: '#!/bin/sh\nprintf \'%s\\n\' "$TOJI_SLOT" "$TOJI_ALLOWED_SCMS" "$TOJI_VENDOR"\n',
      "spot-watcher": "\n",
      "stop-kojid": "\n",
    };
    await fc.assert(
      fc.asyncProperty(oneLine, oneLine, oneLine, async (slot, allowedScms, vendor) => {
        const outcome = await boot(renderUserData({ ...LAUNCH, slot, allowedScms, vendor }, printVariables));
        expect(outcome).toMatchObject({ exit: 0, stderr: "", stdout: `${slot}\n${allowedScms}\n${vendor}\n` });
        expect(readdirSync(host.root).sort()).toEqual(["opt", "part-001"]);
      }),
      { seed: SEED, numRuns: 40 },
    );
  });
});

/** Text of one line, rich in what a shell would act on. */
const oneLine = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        "'",
        "''",
        "'\\''",
        '"',
        "\\",
        "$(touch $TOJI_ROOT/a)",
        "`touch $TOJI_ROOT/b`",
        "; exit 9;",
        "$HOME",
      ),
      fc.constantFrom(
        "TOJI_END_OF_FILE",
        "' <<'TOJI_END_OF_FILE'",
        "#",
        "!",
        "*",
        "~",
        "&",
        "|",
        ">x",
        " ",
        "\u2028",
        "é",
      ),
      fc.string({ unit: "grapheme" }),
    ),
    { maxLength: 6 },
  )
  .map((parts) => parts.join("").replaceAll(/\p{Cc}/gu, ""));

describe("read back", () => {
  it("gives every variable of the launch", async () => {
    const hubCaPem = (await issueIdentity("hub CA")).certificate;
    const everything: Required<BuilderLaunch> = {
      ...LAUNCH,
      hubCaPem,
      dataDevice: "/dev/nvme1n1",
      allowedScms: "github.com:/*:no",
      rpmbuildTimeoutSeconds: 7200,
      vendor: "Foreman",
      packager: "Foreman <p@example.org>",
      distribution: "el9",
      mockHost: "redhat-linux-gnu",
      plugins: "kiwi",
    };
    expect(parseUserData(renderUserData(everything, scripts))).toEqual({
      TOJI_SLOT: SLOT,
      TOJI_HUB_URL: LAUNCH.hubUrl,
      TOJI_TOP_URL: LAUNCH.topUrl,
      TOJI_IDENTITY_URL: LAUNCH.identityUrl,
      TOJI_MAX_JOBS: "5",
      TOJI_MIN_SPACE_MB: "8192",
      TOJI_SLEEP_TIME: "15",
      TOJI_HUB_CA_PEM_B64: Buffer.from(hubCaPem).toString("base64"),
      TOJI_DATA_DEVICE: "/dev/nvme1n1",
      TOJI_ALLOWED_SCMS: "github.com:/*:no",
      TOJI_RPMBUILD_TIMEOUT: "7200",
      TOJI_VENDOR: "Foreman",
      TOJI_PACKAGER: "Foreman <p@example.org>",
      TOJI_DISTRIBUTION: "el9",
      TOJI_MOCKHOST: "redhat-linux-gnu",
      TOJI_PLUGINS: "kiwi",
    });
  });

  it("exports nothing for what was left out", () => {
    expect(Object.keys(parseUserData(renderUserData(LAUNCH, scripts)))).toHaveLength(7);
  });

  it(`gives any value back as it was (seed ${SEED})`, () => {
    fc.assert(
      fc.property(oneLine, (vendor) => {
        expect(parseUserData(renderUserData({ ...LAUNCH, vendor }, {})).TOJI_VENDOR).toBe(vendor);
      }),
      { seed: SEED },
    );
  });

  it.each([
    ["not base64 of gzip", "aGVsbG8="],
    ["another program", gzipSync("#!/bin/sh\nreboot\n").toString("base64")],
  ])("refuses %s", (_, userData) => {
    expect(() => parseUserData(userData)).toThrow(UserDataError);
  });
});

describe("what must not get in", () => {
  const TEXT_FIELDS =
    "slot hubUrl topUrl identityUrl hubCaPem dataDevice allowedScms vendor packager distribution mockHost plugins";

  it.each(TEXT_FIELDS.split(" "))("a private key in %s", async (field) => {
    const { key } = await issueIdentity(SLOT);
    expect(() => renderUserData({ ...LAUNCH, [field]: key }, scripts)).toThrow(/^TOJI_\w+ holds a private key/);
    expect(() => renderUserData({ ...LAUNCH, [field]: key.replaceAll("\n", " ") }, scripts)).toThrow(/private key/);
  });

  it.each(TEXT_FIELDS.split(" ").filter((field) => field !== "hubCaPem"))("a second line in %s", (field) => {
    expect(() => renderUserData({ ...LAUNCH, [field]: "one\ntwo" }, scripts)).toThrow(
      /^TOJI_\w+ holds a control character/,
    );
  });

  it.each(["maxJobs", "minSpaceMb", "sleepSeconds", "rpmbuildTimeoutSeconds"])(
    "a number in %s that is none",
    (field) => {
      for (const value of [0, -1, 2.5, Number.NaN]) {
        expect(() => renderUserData({ ...LAUNCH, [field]: value }, scripts)).toThrow(
          /^TOJI_\w+ must be a whole number/,
        );
      }
    },
  );

  it("a file that the instance could not unpack", () => {
    expect(() => renderUserData(LAUNCH, { bootstrap: "no line break" })).toThrow(
      /bootstrap must end with a line break/,
    );
    expect(() => renderUserData(LAUNCH, { bootstrap: "a\nTOJI_END_OF_FILE\nb\n" })).toThrow(/hold no line/);
    expect(() => renderUserData(LAUNCH, { "../../etc/shadow": "\n" })).toThrow(/is not a file of a builder/);
  });
});

describe("the size", () => {
  it("leaves room for a long presigned address and a CA certificate", () => {
    const identityUrl = `https://bucket.example.org/42.pem?X-Amz-Security-Token=${randomBytes(900).toString("hex")}`;
    const hubCaPem = `-----BEGIN CERTIFICATE-----\n${randomBytes(1500).toString("base64")}\n-----END CERTIFICATE-----\n`;
    const size = Buffer.from(renderUserData({ ...LAUNCH, identityUrl, hubCaPem }, scripts), "base64").length;
    expect(size).toBeLessThan(USER_DATA_LIMIT_BYTES * 0.85);
  });

  it("over EC2's limit is an error that says by how much and what to do", () => {
    const hubCaPem = randomBytes(12_000).toString("base64");
    expect(() => renderUserData({ ...LAUNCH, hubCaPem }, scripts)).toThrow(
      /^the user data of builder-x86-01\.example\.org has \d{5} bytes and EC2 takes 16384: put the hub's CA/,
    );
  });
});

it("carries every file of infra/hosts/builder", () => {
  const present = readdirSync(BUILDER, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(BUILDER.length + 1));
  expect(present.sort()).toEqual([...BUILDER_FILES].sort());
});
