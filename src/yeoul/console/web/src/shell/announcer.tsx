/** Reads new alarms to screen readers: only new ones, at most one sentence in ten seconds. */
import { useEffect, useRef, useState } from "react";
import { useTopic } from "../live/hooks";
import type { Incident, Now } from "../live/shapes";
import { useWords } from "../messages/language";
import { sentenceOf, worstFirst } from "../parts/deviation";

const REST_MS = 10_000;

export function Announcer() {
  const words = useWords();
  const { data } = useTopic<Now>("now");
  const known = useRef<Set<string> | null>(null);
  const waiting = useRef<Map<string, Incident>>(new Map());
  const spoken_ms = useRef(0);
  const [text, setText] = useState("");
  const open = data?.incidents;

  useEffect(() => {
    if (!open) return;
    // What was open when the page came is on the page; it is no news.
    known.current ??= new Set(Object.keys(open));
    for (const [id, incident] of Object.entries(open)) {
      if (known.current.has(id)) continue;
      known.current.add(id);
      waiting.current.set(id, incident);
    }
    if (waiting.current.size === 0) return;
    const timer = setTimeout(
      () => {
        const news = worstFirst([...waiting.current.values()]);
        const worst = news[0];
        waiting.current.clear();
        spoken_ms.current = Date.now();
        if (!worst) return;
        const { text: sentence } = sentenceOf(words, worst);
        const key = news.length > 1 ? "announce.many" : "announce.one";
        setText(words.t(key, { n: news.length, sentence }));
      },
      Math.max(0, spoken_ms.current + REST_MS - Date.now()),
    );
    return () => clearTimeout(timer);
  }, [open, words]);

  return (
    <p className="visually-hidden" aria-live="polite" data-testid="announcer">
      {text}
    </p>
  );
}
