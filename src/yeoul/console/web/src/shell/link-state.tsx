/** Whether what is shown is live: a quiet dot, and a sentence as soon as it is not. */
import { useLink, useTopic } from "../live/hooks";
import type { Now } from "../live/shapes";
import { useWords } from "../messages/language";
import { clock } from "../parts/times";

export function LinkState() {
  const { t, locale } = useWords();
  const link = useLink();
  const engine = useTopic<Now>("now").data?.engine;
  // A link to a console whose engine rests brings nothing new.
  const state = link.state === "open" && engine && engine.status !== "running" ? "stalled" : link.state;
  const text = state === "lost" ? t("link.lost", { time: clock(locale, link.since_ms * 1000, true) }) : t(`link.${state}`);
  return (
    <span className={`link-state link-state--${state}`} role="status" data-testid="link" data-state={state}>
      {text}
    </span>
  );
}
