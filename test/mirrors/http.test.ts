// What is had from a mirror over HTTP and HTTPS, and what each refusal is called.

import { beforeAll, describe, expect, it } from "vitest";
import type { Hop, TlsFacts } from "../../shared/mirrors/types.ts";
import { makeCertificates, type TestCertificates } from "./web-certificates.ts";
import { asked, bytesOf, folder, kindOf, large, open, problemIn, read, serve } from "./web-scene.ts";
import type { WebRule } from "./web-server.ts";

let certificates: TestCertificates;
beforeAll(async () => {
  certificates = await makeCertificates(folder);
});

describe("An answer", () => {
  it("has the bytes, the declared length and the time until its head", async () => {
    const { url } = await serve();
    const answer = await open().get(`${url}/primary.xml.gz?x=1#part`, asked());
    expect(answer).toMatchObject({ status: 200, url: `${url}/primary.xml.gz?x=1`, hops: [], tls: null });
    expect(answer.contentLength).toBe(large.length);
    expect(answer.milliseconds).toBeGreaterThan(0);
    expect(await bytesOf(answer)).toEqual(large);
  });

  it("to HEAD has a length and no body, and may be of something larger than maxBytes", async () => {
    const { url, requests } = await serve();
    const answer = await open().head(`${url}/primary.xml.gz`, asked({ maxBytes: 10 }));
    expect(answer.contentLength).toBe(large.length);
    expect(await bytesOf(answer)).toHaveLength(0);
    expect(requests).toEqual([{ method: "HEAD", path: "/primary.xml.gz" }]);
  });

  it("may say nothing of its length", async () => {
    const chunked: WebRule = (_, response) => {
      response.write("so");
      response.end("me");
    };
    const { url } = await serve({ "/chunked": chunked });
    const answer = await open().get(`${url}/chunked`, asked());
    expect(answer.contentLength).toBeNull();
    expect(String(await bytesOf(answer))).toBe("some");
  });

  it("is asked for without any content coding, by our name", async () => {
    let headers: unknown;
    const rule: WebRule = (request, response) => {
      headers = request.headers;
      response.end();
    };
    const { url } = await serve({ "/": rule });
    await read(open({ userAgent: "toji-test" }), url);
    expect(headers).toMatchObject({ "accept-encoding": "identity", "user-agent": "toji-test" });
  });

  it.each(["gzip", "x-gzip", "identity", "none"])(
    "with content-encoding %s of a .gz is taken as it is",
    async (coding) => {
      const { url } = await serve({ "/primary.xml.gz": { headers: { "content-encoding": coding } } });
      expect(await read(open(), `${url}/primary.xml.gz`)).toEqual(large);
    },
  );

  it.each([
    ["/repomd.xml", "gzip"],
    ["/primary.xml.gz", "br"],
    ["/primary.xml.gz", "gzip, gzip"],
  ])("for %s with content-encoding %s is of an unknown form", async (path, coding) => {
    const { url } = await serve({ [path]: { headers: { "content-encoding": coding } } });
    expect(await problemIn(read(open(), url + path))).toEqual({
      kind: "unknown-form",
      detail: `content-encoding ${coding}, which was not asked for`,
    });
  });

  it.each([204, 206, 304, 305, 404, 500, 503])("with status %i is a problem of that status", async (status) => {
    const { url } = await serve({ "/": { status } });
    const fetcher = open();
    const problem = { kind: "status", detail: `HTTP ${status}`, status };
    expect(await problemIn(read(fetcher, url))).toEqual(problem);
    expect(await problemIn(fetcher.head(url, asked()))).toEqual(problem);
  });

  it("of exactly maxBytes is read, of one more is not, declared or not", async () => {
    const undeclared: WebRule = (_, response) => {
      response.write("12345");
      response.end("6789");
    };
    const { url } = await serve({ "/chunked": undeclared });
    const fetcher = open();
    expect(await read(fetcher, `${url}/repomd.xml`, { maxBytes: 9 })).toHaveLength(9);
    expect(await read(fetcher, `${url}/chunked`, { maxBytes: 9 })).toHaveLength(9);
    const declared = await problemIn(fetcher.get(`${url}/repomd.xml`, asked({ maxBytes: 8 })));
    expect(declared).toEqual({ kind: "too-large", detail: "9 bytes declared, 8 allowed" });
    expect(await kindOf(read(fetcher, `${url}/chunked`, { maxBytes: 8 }))).toBe("too-large");
  });

  it("that ends too soon says how much of it came", async () => {
    const { url } = await serve({ "/primary.xml.gz": { truncate: 1000 } });
    const problem = await problemIn(read(open(), `${url}/primary.xml.gz`));
    expect(problem).toEqual({ kind: "reset", detail: `1000 of ${large.length} bytes came` });
  });
});

describe("A redirect", () => {
  it.each([301, 302, 303, 307, 308] as const)("with status %i is followed and told", async (status) => {
    const target = await serve();
    const { url } = await serve({
      "/a/b": { redirect: "../c", status },
      "/c": { redirect: `${target.url}/repomd.xml`, status },
    });
    const told: Hop[] = [];
    const answer = await open().get(`${url}/a/b`, asked({ onHop: (hop) => told.push(hop) }));
    expect(String(await bytesOf(answer))).toBe("<repomd/>");
    expect(answer.url).toBe(`${target.url}/repomd.xml`);
    expect(answer.hops).toEqual([
      { from: `${url}/a/b`, to: `${url}/c`, status },
      { from: `${url}/c`, to: `${target.url}/repomd.xml`, status },
    ]);
    expect(told).toEqual(answer.hops);
  });

  it("is followed six times and not seven", async () => {
    const steps = (count: number) =>
      Object.fromEntries(
        Array.from({ length: count }, (_, i) => [`/${i}`, { redirect: i + 1 < count ? `/${i + 1}` : "/repomd.xml" }]),
      );
    const six = await serve(steps(6));
    expect((await open().head(`${six.url}/0`, asked())).hops).toHaveLength(6);
    const seven = await serve(steps(7));
    expect(await kindOf(open().head(`${seven.url}/0`, asked()))).toBe("redirect-loop");
    expect(seven.requests).toHaveLength(7);
  });

  it("that leads back is a loop at once", async () => {
    const { url, requests } = await serve({ "/a": { redirect: "/b" }, "/b": { redirect: "/a#again" } });
    expect(await kindOf(open().get(`${url}/a`, asked()))).toBe("redirect-loop");
    expect(requests).toHaveLength(2);
  });

  it("from https to http is refused, told, and not followed", async () => {
    const plain = await serve();
    const { url } = await serve({ "/": { redirect: `${plain.url}/repomd.xml` } }, { tls: certificates.good });
    const told: Hop[] = [];
    const get = open({ ca: certificates.ca }).get(url, asked({ onHop: (hop) => told.push(hop) }));
    expect(await kindOf(get)).toBe("downgrade");
    expect(told).toEqual([{ from: `${url}/`, to: `${plain.url}/repomd.xml`, status: 302 }]);
    expect(plain.requests).toEqual([]);
  });

  it("to another scheme, to a user's address or to no address is refused", async () => {
    const { url } = await serve({
      "/ftp": { redirect: "ftp://127.0.0.1/" },
      "/file": { redirect: "file:///etc/hostname" },
      "/user": { redirect: "http://me:secret@127.0.0.1/" },
      "/broken": { redirect: "http://[" },
      "/none": { status: 302 },
    });
    const fetcher = open();
    for (const path of ["/ftp", "/file", "/user", "/broken"])
      expect(await kindOf(fetcher.get(url + path, asked()))).toBe("address");
    expect((await problemIn(fetcher.get(`${url}/user`, asked()))).detail).not.toContain("secret");
    expect(await problemIn(fetcher.get(`${url}/none`, asked()))).toMatchObject({ kind: "status", status: 302 });
  });
});

describe("An address", () => {
  it.each(["ftp://mirror.example.org/", "file:///srv/repo/", "http://me:secret@127.0.0.1/", "mirror", ""])(
    "like %j is refused before anything is asked",
    async (address) => expect(await kindOf(open().get(address, asked()))).toBe("address"),
  );

  it("where nothing listens is refused, and a name that is none is unknown", async () => {
    const server = await serve();
    await server.close();
    expect(await kindOf(open().get(server.url, asked()))).toBe("refused");
    expect(await kindOf(open().get("http://nothing.invalid/", asked()))).toBe("dns");
  });
});

describe("TLS", () => {
  it("is told with its version and the end of the certificate, also when the answer is none", async () => {
    const { url } = await serve({}, { tls: certificates.good });
    const told: (readonly [TlsFacts, string])[] = [];
    const fetcher = open({ ca: certificates.ca });
    const more = { onTls: (facts: TlsFacts, at: string) => told.push([facts, at]) };
    const answer = await fetcher.head(`${url}/repomd.xml`, asked(more));
    expect(answer.tls?.protocol).toBe("TLSv1.3");
    // The test's CA gives its certificates a year.
    expect((answer.tls?.validTo ?? 0) - Date.now() / 1000).toBeGreaterThan(360 * 86_400);
    expect(await kindOf(fetcher.get(`${url}/missing`, asked(more)))).toBe("status");
    expect(told).toEqual([
      [answer.tls, `${url}/repomd.xml`],
      [answer.tls, `${url}/missing`],
    ]);
  });

  it("is verified by name too", async () => {
    const { port } = await serve({}, { tls: certificates.good });
    const fetcher = open({ ca: certificates.ca });
    expect(await read(fetcher, `https://localhost:${port}/primary.xml.gz`)).toEqual(large);
  });

  it.each(["expired", "otherName", "otherCa"] as const)("with a certificate that is %s is refused", async (which) => {
    const { url, requests } = await serve({}, { tls: certificates[which] });
    expect(await kindOf(open({ ca: certificates.ca }).get(`${url}/repomd.xml`, asked()))).toBe("certificate");
    expect(requests).toEqual([]);
  });

  it("with a certificate by a CA that was not given is refused", async () => {
    const { url } = await serve({}, { tls: certificates.good });
    expect(await kindOf(open().get(`${url}/repomd.xml`, asked()))).toBe("certificate");
  });

  it("cannot be turned off from outside", async () => {
    const before = process.env.NODE_TLS_REJECT_UNAUTHORIZED;
    process.env.NODE_TLS_REJECT_UNAUTHORIZED = "0";
    try {
      const { url } = await serve({}, { tls: certificates.expired });
      expect(await kindOf(open({ ca: certificates.ca }).get(url, asked()))).toBe("certificate");
    } finally {
      if (before === undefined) delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
      else process.env.NODE_TLS_REJECT_UNAUTHORIZED = before;
    }
  });

  it("older than 1.2, or none at all, is no TLS", async () => {
    const old = await serve({}, { tls: { ...certificates.good, maxVersion: "TLSv1.1" } });
    expect(await kindOf(open({ ca: certificates.ca }).get(old.url, asked()))).toBe("tls");
    const plain = await serve();
    expect(await kindOf(open().get(`https://127.0.0.1:${plain.port}/`, asked()))).toBe("tls");
  });

  it("1.2 is enough", async () => {
    const { url } = await serve({}, { tls: { ...certificates.good, maxVersion: "TLSv1.2" } });
    expect((await open({ ca: certificates.ca }).head(`${url}/repomd.xml`, asked())).tls?.protocol).toBe("TLSv1.2");
  });
});
