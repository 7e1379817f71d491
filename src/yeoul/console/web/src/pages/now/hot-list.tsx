/** What is hot: places that move as they change. */
import { useMemo, useRef } from "react";
import type { Place } from "../../live/shapes";
import { useWords } from "../../messages/language";
import { change, short } from "../../parts/figures";
import { keyIds, keyName, keyText } from "../../parts/naming";
import { Sparkline } from "../../parts/sparkline";
import { Tabs } from "../../parts/tabs";
import { useQuery } from "../../shell/route";
import { movementOf } from "./movement";
import { remember } from "./score-history";
import { useGlide } from "./glide";

export function HotList({ rankings, updates }: { rankings: Record<string, Place[]>; updates: number }) {
  const { t } = useWords();
  const [chosen] = useQuery("ranking");
  const names = Object.keys(rankings);
  const name = names.find((each) => each === chosen) ?? names[0];
  const places = name === undefined ? [] : (rankings[name] ?? []);
  const list = useRef<HTMLOListElement>(null);
  useGlide(list, places);
  const top = places[0]?.score ?? 1;
  return (
    <section className="section" aria-labelledby="hot-head">
      <div className="section__head">
        <h2 id="hot-head">{t("now.hot")}</h2>
        {places.length > 0 && <span className="note">{t("now.hot.trend")}</span>}
      </div>
      {names.length > 1 && name && <Tabs label={t("now.hot")} query="ranking" options={names} chosen={name} />}
      {places.length === 0 && <p className="note">{t(name === undefined ? "now.hot.no_block" : "now.hot.none")}</p>}
      <ol className="hot" ref={list} data-testid="hot" data-updated={updates}>
        {places.map((place) => (
          <Row key={keyText(place.key)} ranking={name ?? ""} place={place} part={top > 0 ? place.score / top : 0} />
        ))}
      </ol>
    </section>
  );
}

function Row({ ranking, place, part }: { ranking: string; place: Place; part: number }) {
  const words = useWords();
  const { t, locale } = words;
  const id = keyText(place.key);
  const history = useMemo(() => remember(`${ranking}/${id}`, place.score), [ranking, id, place.score]);
  const ids = keyIds(place.key);
  const { way, by } = movementOf(place.movement);
  const movement = [t(`move.${way}`), by || ""].join(" ").trim();
  return (
    <li className="hot__row" data-key={id} data-testid="hot-row">
      <span className="hot__place">
        <span className="visually-hidden">{t("now.place", { n: place.place })}</span>
        <span aria-hidden="true">{place.place}</span>
      </span>
      <span className="hot__move" title={movement}>
        <span className={`move move--${way}`} aria-hidden="true" />
        {by > 0 && <span aria-hidden="true">{by}</span>}
        <span className="visually-hidden">{movement}</span>
      </span>
      <span className="hot__name">
        <span className="hot__title">{keyName(words, place.key)}</span>
        <span className="note hot__ids">{ids}</span>
        <span className="hot__bar" aria-hidden="true">
          <span style={{ width: `${(part * 100).toFixed(1)}%` }} />
        </span>
      </span>
      <Sparkline values={history} />
      <span className="hot__numbers">
        <b className={place.trend >= 0.5 ? "is-rising" : ""}>{change(locale, place.trend)}</b>
        <span className="note">{t("now.hot.count", { n: short(locale, place.count) })}</span>
      </span>
    </li>
  );
}
