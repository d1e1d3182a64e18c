"""What an app sends becomes a request like any other; nothing it sends is lost."""

from typing import Any
from urllib.parse import urlencode

import pytest

from ledger.models import CaseRow
from tests.api.conftest import Site
from tests.api.open311.geo_report import App, content, described, form


@pytest.fixture
def app(site: Site) -> App:
    return App(site, site.keys["integration"], ".json")


async def row_of(site: Site, number: str) -> CaseRow:
    async with site.ledger.session() as session:
        return await session.get_one(CaseRow, number)


async def test_a_request_is_numbered_at_once_in_every_format(each_site: Site, suffix: str) -> None:
    app = App(each_site, each_site.keys["integration"], suffix)
    answer = await app.post(form())
    (filed,) = content(answer, "filed", suffix)
    row = await row_of(each_site, filed["service_request_id"])
    assert (answer.status_code, filed["account_id"]) == (201, None)
    assert row.number in filed["service_notice"]
    assert (row.channel, row.opened_role, row.item, row.text) == ("open311", "integration", "street-light", "路灯不亮")


async def test_every_parameter_is_kept(app: App) -> None:
    number = await app.file(
        service_code="water-pressure", lat="34.7900", long="113.6800", address_id="A-7", email="wang@example.com",
        device_id="tt222111", account_id="u-9", first_name="芳", last_name="王", phone="13800000001",
        description="水压小\r\n热水器打不着", media_url="https://example.com/1.jpg",
        **{
            "attribute[pressure]": "very-low", "attribute[hours][0]": "morning",
            "attribute[hours][]": ["evening", "morning"],
            "attribute[floor]": "16", "attribute[since]": "2026-11-20T08:00:00+08:00",
        },
    )  # fmt: skip
    row = await row_of(app.site, number)
    assert (row.name, row.phone, row.address) == ("王芳", "13800000001", "丰庆路3号楼")
    assert (row.latitude, row.longitude) == (34.79, 113.68)
    assert row.text.replace("\r", "").split("\n") == [
        "水压小",
        "热水器打不着",
        "水压：很低，热水器打不着火",
        "出现时段：早上、晚上",
        "楼层：16",
        "开始时间：2026-11-20T08:00:00+08:00",
        "附件：https://example.com/1.jpg",
        "地址编码：A-7",
        "电子邮箱：wang@example.com",
        "账号：u-9",
        "设备：tt222111",
    ]


async def test_the_longest_of_everything_is_kept_whole(app: App) -> None:
    longest = dict.fromkeys(("address_id", "email", "device_id", "account_id"), "x" * 200)
    described, details = "长" * 4000, "详" * 1000
    url = "https://example.com/" + "u" * 1900
    number = await app.file(
        service_code="construction-noise", description=described, media_url=url,
        **longest, **{"attribute[details]": details},
    )  # fmt: skip
    text = (await row_of(app.site, number)).text
    assert all(part in text for part in (described, details, url, *longest.values()))


async def test_what_is_longer_than_a_case_has_room_for_stands_below_the_words(app: App) -> None:
    long = {"address_string": "长" * 201, "first_name": "x" * 200, "last_name": "y", "phone": "1" * 201}
    row = await row_of(app.site, await app.file(**long, media_url=[f"https://example.com/{n}" for n in range(9)]))
    assert (row.name, row.phone, row.address) == (None, None, None)
    assert row.text.split("\n") == [
        "路灯不亮",
        *(f"附件：https://example.com/{n}" for n in range(9)),
        f"姓名：{'x' * 200} y",
        f"电话：{'1' * 201}",
        f"地址：{'长' * 201}",
    ]


async def test_attributes_that_nobody_asked_for_are_kept(app: App) -> None:
    colour = {"attribute[pole]": "杆7", "attribute[colour][]": ["red", "blue"], "attribute[]": "a\0b"}
    assert (
        await row_of(app.site, await app.file(**colour))
    ).text == "路灯不亮\n灯杆编号：杆7\ncolour：red、blue\n附加信息：ab"


async def test_a_name_is_written_as_its_language_does(app: App) -> None:
    assert (await row_of(app.site, await app.file(first_name="Fang", last_name="Wang"))).name == "Fang Wang"
    assert (await row_of(app.site, await app.file(last_name="欧阳", first_name="娜"))).name == "欧阳娜"
    assert (await row_of(app.site, await app.file())).name is None


async def test_text_that_is_not_escaped_is_read_as_utf_8(app: App) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    body = f"api_key={app.key}&service_code=trees&address_string=丰庆路&description=树倒了".encode()
    answer = await app.site.call("POST", "/open311/v2/requests.json", headers=headers, content=body)
    (filed,) = content(answer, "filed", ".json")
    assert (await row_of(app.site, filed["service_request_id"])).text == "树倒了"


async def test_a_request_without_words_says_its_service(app: App) -> None:
    number = await app.file(description=None)
    assert (await row_of(app.site, number)).text == "路灯不亮"


async def test_what_is_in_no_catalog_is_filed_as_other_and_suggested_by_its_words(app: App) -> None:
    row = await row_of(app.site, await app.file(service_code="other", description="下水道堵塞，道路积水"))
    assert row.item == "drainage"
    row = await row_of(app.site, await app.file(service_code="other", description="嗯"))
    assert (row.item, "unclassified" in row.marks) == (None, True)
    view = (await app.get(f"requests/{row.number}", "service_requests"))[0]
    assert (view["service_code"], view["service_name"]) == ("other", "其他诉求")


@pytest.mark.parametrize(
    ("place", "mark"),
    [
        ({"lat": 31.2, "long": 121.5, "address_string": None}, "no_grid"),
        ({"lat": 0, "long": 0, "address_string": None}, "no_location"),
        ({"lat": 91, "long": 181, "address_string": None}, "no_location"),
        ({"address_id": "7", "address_string": None}, "no_location"),
    ],
)
async def test_a_place_outside_the_city_or_the_earth_is_taken_and_marked(app: App, place: Any, mark: str) -> None:
    assert mark in (await row_of(app.site, await app.file(**place))).marks


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"service_code": None}, "service_code"),
        ({"service_code": ""}, "service_code"),
        ({"address_string": None}, "form: one of lat and long, address_string or address_id"),
        ({"address_string": ""}, "lat and long, address_string or address_id"),
        ({"lat": 34.7}, "form: lat and long belong together"),
        ({"lat": "NaN", "long": 113}, "lat"),
        ({"lat": "1e999", "long": 113}, "lat"),
        ({"lat": "9" * 5000, "long": 113}, "lat"),
        ({"lat": "north", "long": 113}, "lat"),
        ({"description": "长" * 4001}, "description"),
        ({"description": "a\0b"}, "U+0000"),
        ({"phone": "1" * 4001}, "phone"),
        ({"attribute[colour]": "x" * 20_000}, "at most 20000 characters"),
        ({"attribute[pole]": "a\nb"}, "attribute[pole]"),
        ({"attribute[pole]": "a\0b"}, "attribute[pole]"),
        ({"attribute[pole][]": ["1", "2"]}, "attribute[pole]"),
        ({"service_code": "manhole"}, "attribute[state]: is required"),
        ({"service_code": "manhole", "attribute[state]": ""}, "attribute[state]: is required"),
        ({"service_code": "manhole", "attribute[state]": "gone"}, "one of missing, broken, loose"),
        ({"service_code": "heat-cold", "attribute[temperature]": "NaN"}, "attribute[temperature]"),
        ({"service_code": "heat-cold", "attribute[rooms]": ["bedroom", "attic"]}, "attribute[rooms]"),
        (
            {"service_code": "water-pressure", "attribute[pressure]": "low", "attribute[since]": "gestern"},
            "attribute[since]",
        ),
    ],
)
async def test_what_cannot_be_understood_is_refused_with_the_reason(
    site: Site, suffix: str, changes: dict[str, Any], said: str
) -> None:
    assert said in await App(site, site.keys["integration"], suffix).refused_to_file(400, **changes)


async def test_a_service_or_jurisdiction_that_there_is_not_is_404(app: App) -> None:
    assert "`other`" in await app.refused_to_file(404, service_code="nothing")
    assert await app.refused_to_file(404, jurisdiction_id="luoyang.gov.cn")
    path = "/open311/v2/requests.json?jurisdiction_id=luoyang.gov.cn"
    assert (await app.site.call("POST", path, data=form(api_key=app.key))).status_code == 404
    assert await app.file(jurisdiction_id="")


async def test_a_refusal_does_not_repeat_what_was_typed(app: App) -> None:
    for changes in ({"attribute[pole]": "王芳" * 150}, {"service_code": "王芳"}, {"lat": "王芳", "long": "1"}):
        status = 404 if "service_code" in changes else 400
        assert "王芳" not in await app.refused_to_file(status, **changes)


async def test_a_form_in_parts_is_read(site: Site, suffix: str) -> None:
    app = App(site, site.keys["integration"], suffix)
    path, fields = f"/open311/v2/requests{suffix}", form(api_key=app.key, **{"attribute[pole]": "杆7"})
    answer = await site.call("POST", path, files={name: (None, value) for name, value in fields.items()})
    (filed,) = content(answer, "filed", suffix)
    assert (await row_of(site, filed["service_request_id"])).text == "路灯不亮\n灯杆编号：杆7"
    assert "文件" not in filed["service_notice"]


@pytest.mark.parametrize("type", ["application/json", "text/plain", "multipart/mixed", "multipart/form-data"])
@pytest.mark.parametrize("by", ["integration", None])
async def test_another_body_than_a_form_is_refused_with_what_is_wanted(
    site: Site, suffix: str, type: str, by: str | None
) -> None:
    path, headers = f"/open311/v2/requests{suffix}", {"Content-Type": type}
    answer = await site.call("POST", path, by, headers=headers, content=b'{"service_code": "trees"}')
    assert answer.status_code == 400
    assert "application/x-www-form-urlencoded" in described(content(answer, "errors", suffix), 400)


@pytest.mark.parametrize(
    ("declared", "charset"),
    [("; charset=GBK", "gbk"), ("; charset=gb2312", "gbk"), ("; charset=big5", "big5"), ("", "gb18030"), ("", "utf-8")],
)
@pytest.mark.parametrize("escaped", [True, False])
async def test_words_are_read_in_the_charset_they_came_in(app: App, declared: str, charset: str, escaped: bool) -> None:
    fields = {"api_key": str(app.key), "service_code": "trees", "address_string": "中山路", "description": "大水"}
    body = urlencode(fields, encoding=charset) if escaped else "&".join(f"{k}={v}" for k, v in fields.items())
    headers = {"Content-Type": f"application/x-www-form-urlencoded{declared}"}
    answer = await app.site.call("POST", "/open311/v2/requests.json", headers=headers, content=body.encode(charset))
    (filed,) = content(answer, "filed", ".json")
    assert (await row_of(app.site, filed["service_request_id"])).text == "大水"


@pytest.mark.parametrize("declared", ["", "; charset=utf-8", "; charset=utf-7", "; charset=rot13", "; charset=none"])
async def test_words_that_cannot_be_read_are_refused(app: App, declared: str) -> None:
    headers = {"Content-Type": f"application/x-www-form-urlencoded{declared}"}
    body = urlencode(form(api_key=app.key)).encode() + b"&first_name=%FF%FE"
    answer = await app.site.call("POST", "/open311/v2/requests.json", headers=headers, content=body)
    assert answer.status_code == 400
    assert "UTF-8" in described(content(answer, "errors", ".json"), 400)


async def test_under_the_same_key_a_request_is_taken_once(each_site: Site) -> None:
    app = App(each_site, each_site.keys["integration"], ".json")
    first, again = [await app.post(form(), **{"Idempotency-Key": "a-1"}) for _ in range(2)]
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    other = await app.post(form(description="别的"), **{"Idempotency-Key": "a-1"})
    assert other.status_code == 400
    assert content(other, "errors", ".json")
    assert await app.file() != await app.file(), "without a key, two are two"


async def test_markup_in_words_stays_words(site: Site, suffix: str) -> None:
    app = App(site, site.keys["integration"], suffix)
    words = "<script>&amp;]]></request>\x01\x0b\ufffe\U0001f600\"'"
    number = await app.file(description=words, address_string="<a>&")
    (request,) = await app.get(f"requests/{number}", "service_requests")
    kept = words if suffix == ".json" else words.translate(dict.fromkeys((0x1, 0xB, 0xFFFE)))
    assert (request["description"], request["address"]) == (kept, "<a>&")
