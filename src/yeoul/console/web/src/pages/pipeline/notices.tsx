/** What happened to the sources, newest first. */
import type { Notice } from "../../live/shapes";
import { useWords } from "../../messages/language";
import { Moment } from "../../parts/moment";

const SHOWN = 12;

export function Notices({ notices }: { notices: Notice[] }) {
  const words = useWords();
  return (
    <section className="section" aria-labelledby="notices-head" data-testid="notices">
      <h2 id="notices-head">{words.t("pipeline.notices")}</h2>
      {notices.length === 0 && <p className="note">{words.t("pipeline.notices.none")}</p>}
      <ul className="notices">
        {notices.slice(0, SHOWN).map((notice) => (
          <li key={notice.id}>
            <span className="note">
              <Moment us={notice.at_us} seconds />
            </span>
            <span>
              <b>{words.coded("notice", notice.kind) ?? notice.kind}</b> {notice.source.split("/").at(-1)}
              {notice.detail && <span className="note"> {notice.detail}</span>}
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}
