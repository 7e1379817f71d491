/** The present in event time: spans of incidents are measured against it, so that a replay reads as it was. */
import type { Incident, Now } from "../../live/shapes";

export function eventNow(now: Now, incident?: Incident): number {
  const marks = Object.values(now.streams).map((stream) => stream.watermark_us ?? 0);
  const newest = Math.max(0, ...marks, incident?.updated_us ?? 0);
  return newest || now.at_us;
}
