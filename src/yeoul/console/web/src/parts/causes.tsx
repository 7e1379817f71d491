/** What keys that became abnormal together share, a sentence each. */
import type { Cause } from "../live/shapes";
import type { Words } from "../messages/language";
import { useWords } from "../messages/language";
import { figure, percent } from "./figures";
import { keyIds, keyName } from "./naming";
import { clock } from "./times";

export function causeText(words: Words, cause: Cause): string {
  const ids = keyIds(cause.key);
  return words.t(cause.direction === "gained" ? "cause.gained" : "cause.lost", {
    keys: figure(words.locale, cause.keys),
    of: figure(words.locale, cause.of),
    part: ids ? `${keyName(words, cause.key)} (${ids})` : keyName(words, cause.key),
    time: clock(words.locale, cause.since_us),
    percent: percent(words.locale, cause.share),
  });
}

export function Causes({ causes, most }: { causes: Cause[] | null | undefined; most?: number }) {
  const words = useWords();
  if (!causes?.length) return null;
  return (
    <ul className="causes" data-testid="causes">
      {causes.slice(0, most).map((cause, at) => (
        <li key={at}>{causeText(words, cause)}</li>
      ))}
    </ul>
  );
}
