/** The head of every page: name, sections, the link to the server, language and theme. */
import { useTopic } from "../live/hooks";
import { post, useSession } from "../live/rest";
import type { Now } from "../live/shapes";
import { LANGUAGE_NAMES, LANGUAGES } from "../messages/catalogue";
import { useWords } from "../messages/language";
import { Link } from "./link";
import { LinkState } from "./link-state";
import { ADDRESSES, SECTIONS, type Section } from "./pages";
import { ThemeChoice } from "./theme-choice";

export function Head({ section }: { section: Section | null }) {
  const { t } = useWords();
  const { session } = useSession();
  return (
    <header className="head">
      <Link to="/" className="head__name" aria-label="Yeoul 여울">
        <Mark />
        <span aria-hidden="true">Yeoul</span>
      </Link>
      {session.signed_in && (
        <nav aria-label={t("app.sections")} className="head__nav">
          {SECTIONS.filter((each) => each !== "demo" || session.demo).map((each) => (
            <Link key={each} to={ADDRESSES[each]} aria-current={each === section ? "page" : undefined}>
              {t(`nav.${each}`)}
              {each === "incidents" && <OpenCount />}
            </Link>
          ))}
        </nav>
      )}
      <div className="head__tools">
        {session.signed_in && <LinkState />}
        <LanguageChoice />
        <ThemeChoice />
        {session.signed_in && session.password && <SignOut />}
      </div>
    </header>
  );
}

function Mark() {
  return (
    <svg viewBox="0 0 28 20" width="28" height="20" aria-hidden="true" className="head__mark">
      <path d="M2 5c4-4 8-4 12 0s8 4 12 0M2 11c4-4 8-4 12 0s8 4 12 0M8 17c2-2 4-2 6 0s4 2 6 0" />
    </svg>
  );
}

function OpenCount() {
  const open = useTopic<Now>("now").data?.incidents_open ?? 0;
  return open > 0 ? <span className="head__count">{open}</span> : null;
}

function SignOut() {
  const { t } = useWords();
  const { session, refresh } = useSession();
  const leave = () => post("/api/logout", {}, session.csrf).finally(refresh);
  return (
    <button type="button" className="button button--quiet" onClick={leave}>
      {t("login.out")}
    </button>
  );
}

function LanguageChoice() {
  const { language, choose } = useWords();
  const other = LANGUAGES.find((each) => each !== language) ?? "en";
  return (
    <button
      type="button"
      className="button button--quiet"
      lang={other}
      data-testid="language"
      onClick={() => choose(other)}
    >
      {LANGUAGE_NAMES[other]}
    </button>
  );
}
