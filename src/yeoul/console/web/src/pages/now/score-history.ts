/** The last scores that this page saw of each ranked key, for the small lines; bounded. */

const KEPT = 40;
const KEYS = 400;
const seen = new Map<string, number[]>();

export function remember(key: string, score: number): number[] {
  const before = seen.get(key) ?? [];
  const values = before.at(-1) === score ? before : [...before, score].slice(-KEPT);
  seen.delete(key);
  seen.set(key, values);
  if (seen.size > KEYS) seen.delete(seen.keys().next().value ?? "");
  return values;
}
