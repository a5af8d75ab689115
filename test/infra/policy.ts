// Reads the IAM policies of a compiled template and answers what they allow, for the operators they use.

import * as z from "zod";
import { resourcesOf, type Template } from "./project.ts";

const list = z.union([z.unknown().array(), z.unknown()]).transform((value) => (Array.isArray(value) ? value : [value]));
const texts = list.transform((values) => values.map(resolve));

const statementSchema = z.object({
  Sid: z.string().optional(),
  Effect: z.enum(["Allow", "Deny"]),
  Action: texts,
  Resource: texts,
  Condition: z.record(z.string(), z.record(z.string(), texts)).default({}),
});
export type Statement = z.infer<typeof statementSchema>;

const documentSchema = z.object({ Statement: z.array(statementSchema) });

/** Every statement that says what a role may do; `role` is a logical id. */
export function statementsOf(template: Template, role: string): Statement[] {
  const inline = z.object({ Policies: z.array(z.object({ PolicyDocument: documentSchema })) });
  const { Policies } = inline.parse(resourcesOf(template, "AWS::IAM::Role")[role]);
  const attached = Object.values(resourcesOf(template, "AWS::IAM::RolePolicy"))
    .filter(({ RoleName }) => resolve(RoleName) === role)
    .map(({ PolicyDocument }) => documentSchema.parse(PolicyDocument));
  return [...Policies.map(({ PolicyDocument }) => PolicyDocument), ...attached].flatMap((each) => each.Statement);
}

const PSEUDO: Readonly<Record<string, string>> = {
  "AWS::Partition": "aws",
  "AWS::Region": "us-east-1",
  "AWS::AccountId": "123456789012",
  "AWS::URLSuffix": "amazonaws.com",
};

/** Ref, GetAtt and Sub as CloudFormation would put them, with the logical id standing for whatever is made. */
function resolve(value: unknown): string {
  if (typeof value === "string") return value;
  const fragment = z
    .union([
      z.object({ Ref: z.string() }).transform(({ Ref }) => PSEUDO[Ref] ?? Ref),
      z.object({ "Fn::GetAtt": z.array(z.string()) }).transform((found) => found["Fn::GetAtt"].join(".")),
      z.object({ "Fn::Sub": z.string() }).transform((found) => substitute(found["Fn::Sub"])),
    ])
    .safeParse(value);
  if (!fragment.success) throw new Error(`not known in a policy: ${JSON.stringify(value)}`);
  return fragment.data;
}

function substitute(text: string): string {
  return text.replace(/\$\{([\w:.]+)\}/g, (_, name: string) => PSEUDO[name] ?? name);
}

/** The actions that statements allow, each once, in order. */
export const allowedBy = (statements: readonly Statement[]): string[] =>
  [...new Set(statements.filter(({ Effect }) => Effect === "Allow").flatMap(({ Action }) => Action))].sort();

export type Context = Readonly<Record<string, string | readonly string[]>>;

/** Whether the statements allow the action on the resource. Source: IAM user guide, policy evaluation logic. */
export function allows(statements: readonly Statement[], action: string, resource: string, context: Context = {}) {
  const meant = statements.filter(
    (each) =>
      each.Action.some((pattern) => matches(pattern, action)) &&
      each.Resource.some((pattern) => matches(pattern, resource)) &&
      Object.entries(each.Condition).every(([operator, keys]) => holds(operator, keys, context)),
  );
  return meant.some(({ Effect }) => Effect === "Allow") && meant.every(({ Effect }) => Effect === "Allow");
}

function matches(pattern: string, text: string): boolean {
  const source = pattern.split("*").map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${source.join(".*")}$`).test(text);
}

function holds(operator: string, keys: Readonly<Record<string, readonly string[]>>, context: Context): boolean {
  return Object.entries(keys).every(([key, wanted]) => {
    const given = context[key];
    const values = given === undefined ? [] : [given].flat();
    switch (operator) {
      case "StringEquals":
      case "ArnEquals":
      case "Bool":
        return values.length > 0 && values.every((value) => wanted.includes(value));
      case "ForAnyValue:StringEquals":
        return values.some((value) => wanted.includes(value));
      case "ForAllValues:StringEquals":
        return values.every((value) => wanted.includes(value));
      case "Null":
        return String(values.length === 0) === wanted[0];
      default:
        throw new Error(`the condition operator ${operator} is not known here`);
    }
  });
}
