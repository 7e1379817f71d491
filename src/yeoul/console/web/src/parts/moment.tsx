/** A point in time: the local clock, with UTC on hover and for machines. */
import { useWords } from "../messages/language";
import { clock, utcText } from "./times";

export function Moment({ us, seconds = false }: { us: number | null | undefined; seconds?: boolean }) {
  const { locale, t } = useWords();
  if (us === null || us === undefined) return <>–</>;
  return (
    <time dateTime={new Date(us / 1000).toISOString()} title={t("time.utc", { time: utcText(us) })}>
      {clock(locale, us, seconds)}
    </time>
  );
}
