// A builder's identity: a certificate issued for one launch, its CN the slot, short-lived, with a key of its own.

import "reflect-metadata";
import { createPrivateKey, X509Certificate as NodeCertificate, randomBytes } from "node:crypto";
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from "@peculiar/x509";

/** The CA parameter's content cannot sign identities. */
export class IdentityCaUnusable extends Error {
  override readonly name = "IdentityCaUnusable";
  readonly retryable = false;
}

/** Clocks of builder and hub may differ a little. */
const BACKDATE_SECONDS = 300;

const SIGNING = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;

/** `caPem`: certificate and private key in one text. Returns key and certificate as one PEM, as kojid wants it. */
export async function issueIdentity(caPem: string, slot: string, hours: number, now: number): Promise<string> {
  const ca = await readCa(caPem);
  const keys = await crypto.subtle.generateKey(SIGNING, true, ["sign", "verify"]);
  const certificate = await X509CertificateGenerator.create({
    serialNumber: randomBytes(16).toString("hex"),
    subject: [{ CN: [slot] }],
    issuer: ca.certificate.subjectName,
    notBefore: new Date((now - BACKDATE_SECONDS) * 1000),
    notAfter: new Date((now + hours * 3600) * 1000),
    signingAlgorithm: ca.algorithm,
    publicKey: keys.publicKey,
    signingKey: ca.key,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.clientAuth]),
      // Strict verifiers want it (openssl verify -x509_strict); it repeats what the CA's certificate calls its key.
      ...(ca.keyId === undefined ? [] : [new AuthorityKeyIdentifierExtension(ca.keyId)]),
    ],
  });
  const key = PemConverter.encode(await crypto.subtle.exportKey("pkcs8", keys.privateKey), "PRIVATE KEY");
  return `${key}\n${certificate.toString("pem")}\n`;
}

type Ca = Awaited<ReturnType<typeof parseCa>>;

let last: { readonly pem: string; readonly ca: Promise<Ca> } | undefined;

/** The parameter's text is the same for launch after launch, and reading it takes longer than all else here. */
function readCa(pem: string): Promise<Ca> {
  if (last?.pem !== pem) last = { pem, ca: parseCa(pem) };
  return last.ca;
}

async function parseCa(pem: string) {
  try {
    const certificatePem = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/.exec(pem)?.[0];
    if (certificatePem === undefined) throw new Error("no certificate in it");
    const certificate = new X509Certificate(certificatePem);
    const privateKey = createPrivateKey(pem);
    // Signed with another key, or by no CA, an identity is refused by the hub only when the builder is up.
    const seen = new NodeCertificate(certificatePem);
    if (!seen.checkPrivateKey(privateKey)) throw new Error("the key is not the certificate's");
    if (!seen.ca) throw new Error("the certificate is not a CA's");
    const keyId = certificate.getExtension(SubjectKeyIdentifierExtension)?.keyId;
    const algorithm = signingAlgorithm(privateKey.asymmetricKeyType, privateKey.asymmetricKeyDetails?.namedCurve);
    const der = privateKey.export({ type: "pkcs8", format: "der" });
    const key = await crypto.subtle.importKey("pkcs8", der, algorithm, false, ["sign"]);
    return { certificate, key, keyId, algorithm };
  } catch (error) {
    const text = "the builder CA parameter must hold a CA's PEM certificate and its unencrypted private key";
    throw new IdentityCaUnusable(`${text}: make it as \`npx toji config init\` says`, { cause: error });
  }
}

function signingAlgorithm(type: string | undefined, curve: string | undefined) {
  if (type === "rsa") return { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" };
  if (type === "ec" && curve === "secp384r1") return { name: "ECDSA", namedCurve: "P-384", hash: "SHA-384" };
  if (type === "ec" && curve === "prime256v1") return SIGNING;
  throw new Error(`keys of kind ${type} ${curve ?? ""} are not supported: use RSA, P-256 or P-384`);
}
