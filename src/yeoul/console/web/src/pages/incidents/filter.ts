/** Which incidents fit what the address asks for. */
import type { Incident } from "../../live/shapes";

export const STATES = ["all", "open", "closed"] as const;

export function fits(incident: Incident, state: string | null, search: string): boolean {
  if (state === "open" && incident.closed_us) return false;
  if (state === "closed" && !incident.closed_us) return false;
  const wanted = search.trim().toLowerCase();
  if (!wanted) return true;
  const texts = incident.keys.flat().flatMap((part) => [part.value, part.name ?? ""]);
  return [...texts, incident.id, incident.block].some((text) => text.toLowerCase().includes(wanted));
}
