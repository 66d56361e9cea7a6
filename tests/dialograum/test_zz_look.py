import shutil
from datetime import UTC, datetime, timedelta, date
import pytest
from pathlib import Path
from playwright.async_api import async_playwright
from events.tables import Event
from hybrid.tables import ModeRule, ModeSwitch, Report
from tests.hybrid.town import RULE, publish, COUNTY
AXE = Path(__file__).parents[2] / "templates" / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
TODAY = datetime.now(UTC).date()
UP=[262,255,258,250,249,252,255,248,243,240,231,228,240,245,244,240,250,243,300,310,332.7]
async def come(values):
    for age, value in zip(range(len(values)-1,-1,-1), values):
        now=datetime.now(UTC)-timedelta(days=age)
        await publish(TODAY-timedelta(days=age), value, now=now, more=[value*0.97,value*0.95,value*0.9])
async def shots(town, paths, looks=((1280,"light"),(390,"light"),(390,"dark"),(1280,"dark")), cookies=None, visitor=None):
    visitor = visitor or await town.visitor()
    exe = next(filter(None, map(shutil.which, ("chromium-headless-shell","chromium"))), None)
    async with async_playwright() as p:
        b = await p.chromium.launch(executable_path=exe, args=["--no-sandbox","--disable-gpu"])
        for w,s in looks:
            c = await b.new_context(viewport={"width":w,"height":900}, color_scheme=s, locale="de-DE", bypass_csp=True)
            page = await c.new_page()
            async def fulfil(route):
                r = await visitor.get(route.request.url, headers={"Accept-Language":"de"})
                h={k:v for k,v in r.headers.items() if k not in("content-encoding","content-length","content-security-policy")}
                await route.fulfill(status=r.status_code, headers=h, body=r.content)
            await page.route("**/*", fulfil)
            for name,path in paths:
                await page.goto(str(visitor.base_url).rstrip("/")+path)
                await page.screenshot(path=f"/tmp/look/{name}-{w}-{s}.png", full_page=True)
                await page.add_script_tag(content=AXE.read_text())
                f = await page.evaluate("(tags)=>axe.run(document,{runOnly:tags})", RULES)
                print(name,w,s,[(v["id"],[n["html"][:120] for n in v["nodes"]]) for v in f["violations"]], await page.evaluate("document.documentElement.scrollWidth"))
        await b.close()
CONTACT={"role":{"de":"Integrationsbeauftragte der Stadt"},"phone":"+49 5241 000000","email":"office@example.org"}
RULE3 = RULE | {"enter_after":3,"leave_after":5,"settle_days":3}
@pytest.fixture(autouse=True)
async def _x(town):
    await town.event(mode_rules=[RULE3], contact=CONTACT, registration={"capacity":120,"digital_capacity":300})
    await ModeRule.update({ModeRule.created_at: datetime(2020,1,1,tzinfo=UTC)}, force=True)
async def test_look_plan(town):
    await come(UP)
    await shots(town,[("plan","/events/forum"),("form","/events/forum/register")])
    await shots(town,[("plan-ar","/ar/events/forum")],looks=((390,"light"),(1280,"light")))
async def test_look_online(town):
    await come([*UP,413.8/0.95,445.2,401.8,420])
    e = await Event.objects().first()
    r = (await Report.objects().order_by(Report.dated_at, ascending=False))[0]
    await ModeSwitch(event=e.id, at=datetime.now(UTC), from_mode="in_person", to_mode="digital", evidence={"rule":f"rki-incidence/{COUNTY}/digital","indicator":"rki-incidence","region":COUNTY,"is_on":True,"reading":{"value":413.8/0.95*0.9,"row_on":"2022-10-01"},"report":{"id":r.id,"report_on":str(r.report_on),"read_at":"x"},"in_a_row":3,"threshold":400}).save()
    await Event.update({Event.mode:"digital"},force=True)
    await ModeRule.update({ModeRule.is_on:True},force=True)
    await shots(town,[("online","/events/forum"),("home","/"),("oform","/events/forum/register")])
    await shots(town,[("online-ar","/ar/events/forum")],looks=((390,"light"),))
    await ModeSwitch(event=e.id, at=datetime.now(UTC), from_mode="digital", to_mode="in_person", reason="Die Halle ist wieder frei.").save()
    await Event.update({Event.mode:"in_person"},force=True)
    await shots(town,[("back","/events/forum")],looks=((1280,"light"),))
