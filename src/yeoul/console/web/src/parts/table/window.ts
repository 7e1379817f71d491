/** Which rows of a long table are in sight. */

export type Window = { first: number; last: number; before_px: number; after_px: number };

/** Rows [first, last) to draw, and the empty space that stands for the others. */
export function windowOf(count: number, row_px: number, scroll_px: number, view_px: number, spare = 8): Window {
  const first = Math.max(0, Math.min(count, Math.floor(scroll_px / row_px)) - spare);
  const last = Math.min(count, Math.ceil((scroll_px + view_px) / row_px) + spare);
  return { first, last, before_px: first * row_px, after_px: Math.max(0, count - last) * row_px };
}
