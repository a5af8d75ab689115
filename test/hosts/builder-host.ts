// A builder for the host scripts to run on: a root directory, stand-ins for the system's own commands that keep state
// (never the ones under test: sh, curl, openssl), and an identity server with real TLS.

import "reflect-metadata";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer as createHttpServer, type RequestListener, type Server } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as x509 from "@peculiar/x509";
import { missing, PATH } from "./commands.ts";

export const REPOSITORY = new URL("../..", import.meta.url).pathname.replace(/\/$/, "");
export const BUILDER = join(REPOSITORY, "infra/hosts/builder");
export const SLOT = "builder-x86-01.example.org";

/** State: users, a file system per device, mounts, units. A line of `calls` for every change that was asked for. */
const STAND_IN = `#!/bin/sh
state=$TOJI_TEST_STATE
command=\${0##*/}
record() { echo "$command $*" >>"$state/calls"; }
[ -z "\${TOJI_IDENTITY_URL-}" ] || echo "$command was given the address of the identity" >>"$state/calls"
case $command in
  id) [ -e "$state/user.$2" ] && echo 992 ;;
  useradd) record "$@"; for name; do :; done; touch "$state/user.$name" ;;
  hostnamectl) record "$@" ;;
  lsblk) for device; do :; done; [ -e "$state/device\${device##*/}" ] ;;
  blkid)
    for device; do :; done
    content=$(cat "$state/device\${device##*/}")
    [ -n "$content" ] || exit 2
    case "$*" in *LABEL*) echo "\${content#*:}" ;; *) echo "TYPE=\${content%%:*}" ;; esac ;;
  mkfs.xfs) record "$@"; for device; do :; done; echo "xfs:$3" >"$state/device\${device##*/}" ;;
  mountpoint) echo " $(cat "$state/mounts" 2>/dev/null | tr '\\n' ' ') " | grep -qF " $2 " ;;
  mount) record "$1" fstab "$3"; grep -q " $3 " "$2" && echo "\${2%/etc/fstab}$3" >>"$state/mounts" ;;
  chown) record "$@" ;;
  nft) record "$@" ;;
  curl) echo "$*" >>"$state/curl"; PATH=$TOJI_TEST_PATH exec curl "$@" ;;
  systemctl)
    record "$@"
    [ ! -e "$state/refuses.$1" ] || exit 1
    case $1 in
      enable) shift 2; for unit; do touch "$state/active.$unit"; done ;;
      stop) rm -f "$state/active.$2" ;;
    esac ;;
esac
`;

const STAND_INS = "id useradd hostnamectl lsblk blkid mkfs.xfs mountpoint mount chown nft systemctl curl".split(" ");

export class Host {
  readonly directory = mkdtempSync(join(tmpdir(), "toji-host-"));
  readonly root = join(this.directory, "root");
  readonly #state = join(this.directory, "state");
  readonly #bin = join(this.directory, "bin");

  constructor() {
    for (const path of [this.root, this.#state, this.#bin]) mkdirSync(path);
    writeFileSync(join(this.#bin, ".stand-in"), STAND_IN);
    chmodSync(join(this.#bin, ".stand-in"), 0o755);
    for (const name of STAND_INS) symlinkSync(".stand-in", join(this.#bin, name));
    // A builder's sh is bash. What starts by "#!/bin/sh" gets this machine's own, often dash: both are tested.
    if (existsSync("/bin/bash")) symlinkSync("/bin/bash", join(this.#bin, "sh"));
  }

  get environment(): Record<string, string> {
    return {
      PATH: `${this.#bin}:${PATH}`,
      TOJI_TEST_PATH: PATH,
      TOJI_ROOT: this.root,
      TOJI_TEST_STATE: this.#state,
      // Nobody listens on port 1: the metadata service is out of reach, as the guard leaves it.
      TOJI_IMDS_URL: "http://127.0.0.1:1",
    };
  }

  addDevice(name: string, content = ""): void {
    writeFileSync(join(this.#state, `device${name}`), content);
  }

  addUnit(unit: string): void {
    writeFileSync(join(this.#state, `active.${unit}`), "");
  }

  refuse(systemctlVerb: string): void {
    writeFileSync(join(this.#state, `refuses.${systemctlVerb}`), "");
  }

  isActive(unit: string): boolean {
    return existsSync(join(this.#state, `active.${unit}`));
  }

  /** What the stand-ins were asked to change, in order. */
  calls(): string[] {
    const path = join(this.#state, "calls");
    return existsSync(path) ? readFileSync(path, "utf8").trimEnd().split("\n") : [];
  }

  path(path: string): string {
    return join(this.root, path);
  }

  /** The argument lists that curl was started with: any process of the host can read those. */
  curlArguments(): string {
    return readFileSync(join(this.#state, "curl"), "utf8");
  }

  has(path: string): boolean {
    return existsSync(this.path(path));
  }

  read(path: string): string {
    return readFileSync(this.path(path), "utf8");
  }

  write(path: string, text: string): void {
    mkdirSync(join(this.path(path), ".."), { recursive: true });
    writeFileSync(this.path(path), text);
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}

export interface FakeServer {
  readonly url: string;
  close(): void;
}

function listen(server: Server, scheme: string): Promise<FakeServer> {
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      const close = () => {
        server.closeAllConnections();
        server.close();
      };
      resolve({ url: `${scheme}://127.0.0.1:${port}`, close });
    });
  });
}

export function serveHttp(listener: RequestListener): Promise<FakeServer> {
  return listen(createHttpServer(listener), "http");
}

export async function serveHttps(identity: Identity, listener: RequestListener): Promise<FakeServer> {
  return listen(createHttpsServer({ key: identity.key, cert: identity.certificate }, listener) as Server, "https");
}

export interface Identity {
  readonly key: string;
  readonly certificate: string;
  /** Key and certificate in one PEM, as kojid reads it. */
  readonly pem: string;
}

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const HOUR = 3_600_000;

/** A self-signed key pair. `expiresInHours` may be negative. */
export async function issueIdentity(commonName: string, expiresInHours = 24): Promise<Identity> {
  const keys = await crypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: [{ O: ["Toji"] }, { CN: [commonName] }],
    notBefore: new Date(Date.now() - 48 * HOUR),
    notAfter: new Date(Date.now() + expiresInHours * HOUR),
    keys,
    signingAlgorithm: ALGORITHM,
    extensions: [
      new x509.BasicConstraintsExtension(true),
      new x509.SubjectAlternativeNameExtension([{ type: "ip", value: "127.0.0.1" }]),
    ],
  });
  const key = x509.PemConverter.encode(await crypto.subtle.exportKey("pkcs8", keys.privateKey), "PRIVATE KEY");
  const pem = certificate.toString("pem");
  return { key: `${key}\n`, certificate: `${pem}\n`, pem: `${key}\n${pem}\n` };
}

/** What the builder scripts themselves call; every builder image has them, a machine that only runs the tests may not. */
export const noScriptTools = missing("the packages curl, openssl and python3", "curl", "openssl", "python3");
