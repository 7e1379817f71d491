/** What a chart is told to draw: one shape for the picture, the sentence and the table. */

export type Line = { label: string; values: (number | null)[]; look: "area" | "line" | "dashed" };
export type Band = { label: string; lower: (number | null)[]; upper: (number | null)[] };
export type Span = { from_us: number; to_us: number };

export type Drawing = {
  title: string;
  at_us: number[];
  lines: Line[];
  band?: Band;
  /** Stretches of time to mark as abnormal. */
  spans?: Span[];
};

/** Whether the first line lies outside the band at this place. */
export function outside(drawing: Drawing, at: number): boolean {
  const value = drawing.lines[0]?.values[at];
  const lower = drawing.band?.lower[at];
  const upper = drawing.band?.upper[at];
  if (value === null || value === undefined || lower === null || upper === null) return false;
  return lower !== undefined && upper !== undefined && (value < lower || value > upper);
}
