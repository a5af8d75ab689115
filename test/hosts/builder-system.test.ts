// The host files against the real thing: shellcheck, systemd's own parser, and the kernel's packet filter.

import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { BUILDER, Host } from "./builder-host.ts";
import { missing, PATH, run } from "./commands.ts";

const ENVIRONMENT = { PATH };

let host: Host;

beforeEach(() => {
  host = new Host();
});

afterEach(() => host.remove());

const noShellcheck = missing("the package shellcheck", "shellcheck");
it.skipIf(noShellcheck)(`shellcheck finds nothing in the scripts${noShellcheck}`, async () => {
  const scripts = ["bootstrap", "spot-watcher", "stop-kojid"].map((name) => join(BUILDER, name));
  expect(await run("shellcheck", ["--shell", "sh", ...scripts], ENVIRONMENT)).toMatchObject({ exit: 0, stdout: "" });
});

const noBash = missing("the package bash", "bash");
it.skipIf(noBash)(`the scripts are read by bash as by any sh${noBash}`, async () => {
  for (const name of ["bootstrap", "spot-watcher", "stop-kojid"]) {
    expect(await run("bash", ["--posix", "-n", join(BUILDER, name)], ENVIRONMENT)).toMatchObject({
      exit: 0,
      stderr: "",
    });
  }
});

const noSystemd = missing("the package systemd", "systemd-analyze");
describe.skipIf(noSystemd)(`systemd${noSystemd}`, () => {
  it("understands every unit, and the drop-in on the packaged kojid.service", async () => {
    const units = host.path("units");
    mkdirSync(units);
    await run("cp", ["-r", `${join(BUILDER, "systemd")}/.`, units], ENVIRONMENT);
    // builder/kojid.service of koji 1.35, with a program that this machine has.
    writeFileSync(
      join(units, "kojid.service"),
      "[Unit]\nDescription=Koji build server\nAfter=network.target\n[Service]\nExecStart=/bin/sh -c true\nExecReload=/bin/kill -USR1 $MAINPID\nRestart=on-failure\nRestartSec=60s\n[Install]\nWantedBy=multi-user.target\n",
    );
    const nft = join(units, "toji-imds-guard.service");
    await run("sed", ["-i", "s,/usr/sbin/nft,/bin/sh,", nft], ENVIRONMENT);
    const names = ["kojid.service", "toji-imds-guard.service", "toji-spot-watcher.service", "toji-spot-notice.path"];
    const outcome = await run(
      "systemd-analyze",
      ["verify", "--man=no", "--recursive-errors=no", ...names.map((name) => join(units, name))],
      { ...ENVIRONMENT, SYSTEMD_UNIT_PATH: `${units}:` },
    );
    expect(outcome).toMatchObject({ exit: 0, stderr: "" });
  });
});

const noFilter = missing("the packages nftables, iproute2 and util-linux", "nft", "ip", "unshare", "setpriv");
describe.skipIf(noFilter)(`the metadata guard, in a network of its own${noFilter}`, () => {
  /** Asks from an address of its own: an answer sent to the metadata address itself would meet the rules, too. */
  const PROBE = `
    set -eu
    sed "s/toji-watch/nobody/" ${join(BUILDER, "imds-guard.nft")} >"$work/guard.nft"
    ip link set lo up
    for address in $own $metadata $neighbours; do ip address add "$address"/$bits dev lo $flags; done
    mkfifo "$work/ready"
    "$node" -e 'require("node:http").createServer((q, r) => r.end("hello")).listen(80, () => console.log("ready"))' >"$work/ready" &
    read -r _ <"$work/ready"
    probe() {
      case $2 in *:*) url="http://[$2]/" ;; *) url="http://$2/" ;; esac
      setpriv --reuid="$1" --clear-groups \\
        curl --silent --globoff --interface "$own" --max-time 5 --write-out ' %{http_code}' "$url" || :
      echo
    }
    echo "root, before: $(probe 0 $metadata)"
    nft -f "$work/guard.nft"
    nft -f "$work/guard.nft" # loads again over itself
    echo "root: $(probe 0 $metadata)"
    echo "kojibuilder: $(probe 1000 $metadata)"
    echo "watcher: $(probe 65534 $metadata)"
    for address in $neighbours; do echo "root, $address: $(probe 0 $address)"; done
    kill $!
  `;
  const IPV4 = {
    own: "10.0.0.1",
    metadata: "169.254.169.254",
    neighbours: "169.254.169.253 169.254.169.123", // DNS and time
    bits: "32",
    flags: "",
  };
  const IPV6 = {
    own: "fd00::1",
    metadata: "fd00:ec2::254",
    neighbours: "fd00:ec2::253 fd00:ec2::123",
    bits: "128",
    flags: "nodad",
  };

  const cases: [string, typeof IPV4][] = [["IPv4", IPV4]];
  if (existsSync("/proc/sys/net/ipv6")) cases.push(["IPv6", IPV6]);

  for (const [protocol, addresses] of cases) {
    it(`shuts root and every build out over ${protocol}, lets the watcher in, leaves DNS and time alone`, async (context) => {
      const allowed = await run("unshare", ["--net", "nft", "list", "ruleset"], ENVIRONMENT);
      if (allowed.exit !== 0) context.skip("this user may not make a network namespace");
      const environment = { ...ENVIRONMENT, ...addresses, work: host.directory, node: process.execPath };
      const outcome = await run("unshare", ["--net", "sh", "-c", PROBE], environment);
      expect(outcome).toMatchObject({ exit: 0, stderr: "" });
      expect(outcome.stdout.trim().split("\n")).toEqual([
        "root, before: hello 200",
        "root:  000",
        "kojibuilder:  000",
        "watcher: hello 200",
        ...addresses.neighbours.split(" ").map((address) => `root, ${address}: hello 200`),
      ]);
    });
  }
});
