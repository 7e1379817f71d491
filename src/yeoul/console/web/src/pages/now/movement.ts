/** A movement such as `up 3`: where to, and by how many places since places were last kept. */

const WAYS = ["new", "up", "down", "same"] as const;

export function movementOf(text: string): { way: (typeof WAYS)[number]; by: number } {
  const [word, by] = text.split(" ");
  return { way: WAYS.find((way) => way === word) ?? "same", by: Number(by ?? 0) || 0 };
}
