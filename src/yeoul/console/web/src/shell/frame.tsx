/** The frame around every page: head, sections, the place for the page, and the word for screen readers. */
import { Suspense } from "react";
import { useSession } from "../live/rest";
import { useWords } from "../messages/language";
import { zone } from "../parts/times";
import { Announcer } from "./announcer";
import { Boundary } from "./boundary";
import { Head } from "./head";
import { pageAt, SignIn } from "./pages";
import { usePath } from "./route";
import { PageTitle } from "./title";
import "./frame.css";

export function Frame() {
  const { t } = useWords();
  const { session } = useSession();
  const path = usePath();
  const page = session.signed_in ? pageAt(path) : { section: null, view: <SignIn /> };
  return (
    <>
      <a className="skip" href="#content">
        {t("app.skip")}
      </a>
      <Head section={page.section} />
      <main id="content" tabIndex={-1}>
        <Boundary key={path}>
          <Suspense fallback={<p className="note">{t("app.loading")}</p>}>{page.view}</Suspense>
        </Boundary>
      </main>
      {session.signed_in && (
        <>
          <Announcer />
          <PageTitle section={page.section} />
        </>
      )}
      <footer className="foot note">
        <span>{t("app.version", { version: session.version })}</span>
        <span>{t("time.zone", zone())}</span>
      </footer>
    </>
  );
}
