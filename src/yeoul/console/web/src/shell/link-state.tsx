/** Whether what is shown is live: a quiet dot, and a sentence as soon as it is not. */
import { useLink } from "../live/hooks";
import { useWords } from "../messages/language";
import { clock } from "../parts/times";

export function LinkState() {
  const { t, locale } = useWords();
  const link = useLink();
  const text =
    link.state === "lost" ? t("link.lost", { time: clock(locale, link.since_ms * 1000, true) }) : t(`link.${link.state}`);
  return (
    <span className={`link-state link-state--${link.state}`} role="status" data-testid="link" data-state={link.state}>
      {text}
    </span>
  );
}
