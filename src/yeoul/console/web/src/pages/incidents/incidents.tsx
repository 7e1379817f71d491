/** All incidents, newest first: filtered by what the address says. */
import { useMemo } from "react";
import { useWords } from "../../messages/language";
import type { Incident } from "../../live/shapes";
import { causeText } from "../../parts/causes";
import { deviationOf, surenessOf } from "../../parts/deviation";
import { Moment } from "../../parts/moment";
import { who } from "../../parts/naming";
import { type Column, Table } from "../../parts/table/table";
import { Tabs } from "../../parts/tabs";
import { Link } from "../../shell/link";
import { useQuery } from "../../shell/route";
import { fits, STATES } from "./filter";
import { Policy } from "./policy";
import { useIncidents } from "./use-incidents";

export default function IncidentsPage() {
  const words = useWords();
  const { t } = words;
  const { incidents, more, older, failed } = useIncidents();
  const [state] = useQuery("state");
  const [search, setSearch] = useQuery("q");
  const shown = useMemo(
    () => incidents?.filter((each) => fits(each, state, search ?? "")) ?? [],
    [incidents, state, search],
  );
  const columns = useColumns();
  return (
    <div data-testid="incidents">
      <h1 className="headline">{t("incidents.title")}</h1>
      <div className="section section__head">
        <Tabs
          label={t("incidents.filter")}
          query="state"
          options={[...STATES]}
          chosen={STATES.find((each) => each === state) ?? "all"}
          names={{ all: t("incidents.all"), open: t("incidents.open"), closed: t("incidents.closed") }}
        />
        <label className="field">
          {t("incidents.search")}
          <input
            type="search"
            value={search ?? ""}
            data-testid="search"
            onChange={(event) => setSearch(event.target.value)}
          />
        </label>
      </div>
      {failed && <p role="alert">{failed}</p>}
      {!incidents && !failed && <p className="note">{t("app.loading")}</p>}
      {incidents && shown.length === 0 && (
        <p className="note">{t(incidents.length ? "incidents.no_match" : "incidents.none")}</p>
      )}
      {shown.length > 0 && (
        <Table
          label={t("incidents.title")}
          columns={columns}
          rows={shown}
          rowId={(each) => each.id}
          testId="incident-table"
        />
      )}
      {more && (
        <p>
          <button type="button" className="button" onClick={older}>
            {t("incidents.older")}
          </button>
        </p>
      )}
      <Policy />
    </div>
  );
}

function useColumns(): Column<Incident>[] {
  const words = useWords();
  return useMemo(() => {
    const { t } = words;
    return [
      {
        id: "who",
        head: t("incidents.who"),
        cell: (each) => <Link to={`/incidents/${each.id}`}>{who(words, each)}</Link>,
        sort: (each) => who(words, each),
      },
      {
        id: "what",
        head: t("incidents.what"),
        wide: true,
        cell: (each) => (
          <>
            <span className={each.closed_us ? "" : "is-alarm"}>{deviationOf(words, each)}</span>
            {each.causes?.[0] && <span className="note"> {causeText(words, each.causes[0])}</span>}
          </>
        ),
      },
      {
        id: "since",
        head: t("incidents.since"),
        cell: (each) => <Moment us={each.since_us} />,
        sort: (each) => each.since_us,
      },
      {
        id: "until",
        head: t("incidents.until"),
        cell: (each) => (each.closed_us ? <Moment us={each.closed_us} /> : t("incidents.still")),
        sort: (each) => each.closed_us ?? Number.POSITIVE_INFINITY,
      },
      {
        id: "sure",
        head: t("incident.sure"),
        cell: (each) => surenessOf(words, each.confidence),
        sort: (each) => each.confidence,
      },
      { id: "block", head: t("incident.block"), cell: (each) => each.block, sort: (each) => each.block },
      { id: "found", head: t("incident.found_by"), cell: (each) => each.detectors.join(", ") },
    ];
  }, [words]);
}
