"""Small files of our own, in the formats that the sources use; every figure in them is invented."""

import io
import zipfile
from datetime import UTC, datetime, timedelta

COUNTIES = (
    "Meldedatum,Landkreis_id,Bevoelkerung,Faelle_gesamt,Faelle_neu,Faelle_7-Tage,Inzidenz_7-Tage\n"
    "2026-11-01,05754,100000,5000,10,400,400\n"
    "2026-11-01,05758,200000,9000,20,500,250.5\n"
    "2026-11-02,05754,100000,5010,10,410,410.5\n"
    "2026-11-02,05758,200000,9020,20,520,260\n"
)
GERMANY = (
    "Meldedatum,Altersgruppe,Bevoelkerung,Faelle_gesamt,Faelle_neu,Faelle_7-Tage,Inzidenz_7-Tage\n"
    "2026-11-01,00+,80000000,100,1,80,0.1\n"
    "2026-11-01,80+,6000000,10,1,60,1\n"
)
GRIPPEWEB = (
    "Meldungen\tSaison\tErkrankung\tAltersgruppe\tRegion\tKalenderwoche\tInzidenz\n"
    "3000\t2026/27\tARE\t00+\tMitte (West)\t2026-W44\t5100\n"
    "3000\t2026/27\tILI\t00+\tMitte (West)\t2026-W44\t700\n"
    "3000\t2026/27\tARE\t0-4\tMitte (West)\t2026-W45\t9000\n"
)
ARE = (
    "Saison\tKalenderwoche\tBundesland\tBundesland_ID\tAltersgruppe\tARE_Konsultationsinzidenz\n"
    "2026/27\t2026-W44\tNordrhein-Westfalen\t5\t00+\t1200\n"
    "2026/27\t2026-W45\tNordrhein-Westfalen\t5\t00+\tNA\n"
)
AMELAG = (
    "datum\tn\tanteil_bev\tviruslast\tviruslast_normalisiert\tvorhersage\tobere_schranke\tuntere_schranke\ttyp\n"
    "2026-10-28\t77\t0.15\t2868.64\t1e5\t2942.5\t3281.6\t2638.4\tInfluenza A+B\n"
    "2026-10-28\t77\t0.15\t900\t950.25\t900\t900\t900\tSARS-CoV-2\n"
)
AMELAG_BEFORE = (
    "datum\tn\tanteil_bev\tviruslast\tloess_vorhersage\tloess_obere_schranke\tloess_untere_schranke\tnormalisierung\ttyp\n"
    "2024-10-02\t146\t0.31\t100654.71\t102866.99\t121182.44\t87319.73\tja\tSARS-CoV-2\n"
)
SARI = "date\tagegroup\tsari_covid19_incidence\n2024-W41\t80+\t14.9\n2024-W41\t00+\t1.9\n"
RECORDED = (
    "Datenstand,Meldedatum,Landkreis_id,Bevoelkerung,Faelle_gesamt,Faelle_neu,Faelle_7-Tage,Inzidenz_7-Tage\n"
    "2026-11-02,2026-11-01,05754,100000,5000,10,400,400\n"
    "2026-11-02,2026-11-02,05754,100000,5000,10,300,300\n"
    "2026-11-01,2026-11-01,05754,100000,5000,10,350,350\n"
)

LFS = (
    "version https://git-lfs.github.com/spec/v1\n"
    "oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 52428800\n"
)
HTML = "<!DOCTYPE html>\n<html><head><title>502 Bad Gateway</title></head><body></body></html>\n"

CELL, COUNTY = "805754008", "105754000"
SENT_AT = datetime(2026, 11, 2, 9, tzinfo=UTC)


def alert(
    identifier: str = "a",
    *,
    status: str = "Actual",
    kind: str = "Alert",
    severity: str = "Severe",
    urgency: str = "Immediate",
    response: str = "Prepare",
    sent_at: datetime = SENT_AT,
    hours: float | None = 6,
    references: str = "",
    cells: tuple[str, ...] = (CELL,),
    language: str = "de-DE",
) -> str:
    """One warning of gales, in two languages, in force from when it was sent."""
    expires = (
        f"<expires>{(sent_at + timedelta(hours=hours)).isoformat()}</expires>" if hours is not None else ""
    )
    areas = "".join(
        f"<area><areaDesc>Ort</areaDesc><geocode><valueName>WARNCELLID</valueName><value>{cell}</value></geocode></area>"
        for cell in cells
    )
    infos = "".join(
        f"<info><language>{code}</language><category>Met</category><event>{event}</event>"
        f"<responseType>{response}</responseType><urgency>{urgency}</urgency><severity>{severity}</severity>"
        f"<certainty>Likely</certainty><eventCode><valueName>II</valueName><value>51</value></eventCode>"
        f"<onset>{sent_at.isoformat()}</onset>{expires}"
        f"<area><areaDesc>polygonal event area</areaDesc><polygon>52.6,12.1 52.7,12.2</polygon></area>{areas}</info>"
        for code, event in (("en", "gusts"), (language, "WINDBÖEN"))
    )
    refers = f"<references>{references}</references>" if references else ""
    return (
        '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
        f'<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"><identifier>{identifier}</identifier>'
        f"<sender>opendata@dwd.de</sender><sent>{sent_at.isoformat()}</sent><status>{status}</status>"
        f"<msgType>{kind}</msgType><source>PVW</source><scope>Public</scope>{refers}{infos}</alert>"
    )


def packed(*alerts: str | bytes, at: datetime = SENT_AT + timedelta(minutes=30)) -> bytes:
    """A status file of these alerts, packed at that time."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, text in enumerate(alerts):
            archive.writestr(zipfile.ZipInfo(f"{number}.xml", at.timetuple()[:6]), text, zipfile.ZIP_DEFLATED)
    return content.getvalue()
