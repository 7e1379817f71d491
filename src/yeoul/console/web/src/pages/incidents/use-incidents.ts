/** Pages of incidents by REST, with the open ones kept fresh by the feed. */
import { useCallback, useEffect, useMemo, useState } from "react";
import { useTopic } from "../../live/hooks";
import { ask } from "../../live/rest";
import type { Incident, IncidentPage, Now } from "../../live/shapes";
import { useWords } from "../../messages/language";
import { refusal } from "../../parts/refusal";

export function useIncidents() {
  const words = useWords();
  const [pages, setPages] = useState<IncidentPage[]>([]);
  const [failed, setFailed] = useState("");
  const now = useTopic<Now>("now").data;

  const load = useCallback((before_us?: number) => {
    const query = before_us === undefined ? "" : `?before_us=${before_us}`;
    ask<IncidentPage>(`/api/incidents${query}`).then(
      (page) => setPages((known) => (before_us === undefined ? [page] : [...known, page])),
      (error: unknown) => setFailed(refusal(words, error)),
    );
  }, [words]);
  // One that opens or closes changes the first page.
  const changes = now && `${Object.keys(now.incidents).join()}|${now.recent[0]?.id}`;
  useEffect(() => load(), [load, changes]);

  const incidents = useMemo(() => {
    if (pages.length === 0) return undefined;
    const byId = new Map<string, Incident>();
    for (const page of pages) for (const each of page.incidents) byId.set(each.id, each);
    for (const each of Object.values(now?.incidents ?? {})) byId.set(each.id, each);
    return [...byId.values()].sort((a, b) => b.since_us - a.since_us);
  }, [pages, now?.incidents]);
  const next = pages.at(-1)?.next_before_us;
  return { incidents, failed, more: Boolean(next), older: () => next && load(next) };
}
