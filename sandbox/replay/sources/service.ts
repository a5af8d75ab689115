// What a trace says of itself when its service times were changed, for a test of sensitivity.

export function serviceSentences(factor: number): readonly string[] {
  return factor === 1 ? [] : [`All service times are multiplied by ${factor}.`];
}
