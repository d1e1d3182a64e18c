"""Requests that go as they should."""

from sandbox.demo.driver import Case, Driver
from sandbox.demo.story import Expected, Story

ORDINARY = "received dispatched signed_in result_submitted called_back closed:resolved"


async def _low_pressure(city: Driver, case: Case) -> None:
    await city.wait(case, minutes=8)
    await city.dispatch(case)
    await city.wait(case, minutes=5)
    await city.unit(case, "zz-water", "sign-in")
    await city.wait(case, hours=3)
    await city.unit(case, "zz-water", "submit-result", text="入户查明室内阀门没有开到底，打开后水压恢复正常。")
    await city.wait(case, days=1)
    await city.step(case, "callback", "call-back", reached=True, rating=5, solved=True, contacted=True)


async def _leak(city: Driver, case: Case) -> None:
    await city.dispatch(case)
    await city.report(case, "zz-water", "sign-in")
    await city.wait(case, hours=2)
    await city.report(case, "zz-water", "report-progress", text="漏点已定位，正在开挖。")
    await city.wait(case, hours=5)
    await city.report(case, "zz-water", "submit-result", text="管道已修复，路面恢复通行，共用时7小时。")
    await city.wait(case, hours=3)
    await city.step(case, "callback", "call-back", reached=True, rating=4, solved=True, contacted=True)


async def _drug_approval(city: Driver, case: Case) -> None:
    await city.dispatch(case)
    await city.wait(case, minutes=20)
    await city.unit(case, "zz-yibao", "sign-in")
    await city.wait(case, hours=4)
    await city.step(case, "agent", "hurry", text="市民来电催办，药只够吃三天。")
    await city.wait(case, hours=16)
    await city.unit(case, "zz-yibao", "submit-result", text="已查明审批超时原因并完成加急核查，申请今日通过。")
    await city.wait(case, hours=2)
    await city.step(case, "citizen", "rate", rating=5, solved=True, contacted=True)


async def _guard_rail(city: Driver, case: Case) -> None:
    await city.dispatch(case)
    await city.unit(case, "zz-shangdulu", "sign-in")
    await city.unit(case, "zz-shizheng", "sign-in")
    await city.wait(case, hours=4)
    await city.unit(case, "zz-shizheng", "report-progress", text="所辖路段底座已全部补装。")
    await city.wait(case, hours=2)
    await city.unit(case, "zz-shangdulu", "submit-result", text="与养护单位现场核查，全部底座当日加固完毕。")
    await city.wait(case, days=1)
    await city.step(case, "callback", "call-back", reached=True, rating=5, solved=True, contacted=True)


async def _old_resident(city: Driver, case: Case) -> None:
    await city.dispatch(case)
    await city.unit(case, "zz-water", "sign-in")
    await city.step(case, "agent", "supplement", text="老人腿脚不便，请上门前先打电话。")
    await city.wait(case, hours=6)
    await city.unit(case, "zz-water", "submit-result", text="表后管锈蚀，已免费更换并清洗滤网，水质复检达标。")
    await city.wait(case, days=1)
    await city.step(case, "callback", "call-back", reached=False)
    await city.wait(case, hours=5)
    await city.step(case, "callback", "call-back", reached=True, rating=5, solved=True, contacted=True)


async def _licence(city: Driver, case: Case) -> None:
    await city.dispatch(case)
    await city.unit(case, "zz-shichang", "sign-in")
    await city.wait(case, hours=2)
    await city.unit(case, "zz-shichang", "submit-result", text="已电话说明变更经营范围所需材料和网上办理入口。")
    await city.wait(case, hours=8)
    await city.step(case, "callback", "call-back", reached=True, rating=4, solved=True, contacted=True)


STORIES = [
    Story(
        "居民家中水压变小",
        "an ordinary case, on time",
        {
            "channel": "phone", "name": "赵先生", "phone": "13800000001", "address": "丰庆路与国基路口丰庆佳苑6号楼",
            "text": "这几天家里水压变小，热水器打不着，想请人来看看是什么原因。", "category": "help",
        },
        _low_pressure,
        Expected(ORDINARY),
    ),
    Story(
        "值班人员发现夜间漏水",
        "found before anybody called; the unit's own system reports progress and result by webhook",
        {
            "channel": "grid", "name": "漏损监测值班室", "phone": "13800000002", "address": "未来路燕乐里新田小区",
            "text": "噪声记录仪凌晨报警，供水管道漏水，请排查。", "category": "help", "item": "water-leak",
        },
        _leak,
        Expected("received dispatched signed_in progress_reported result_submitted called_back closed:resolved"),
    ),
    Story(
        "慢性病门特用药申请未通过",
        "the citizen presses for an answer, and rates by the invitation in the text",
        {
            "channel": "phone", "name": "孙女士", "phone": "13800000003",
            "text": "我的门特慢性病用药变更申请一直没有通过审批，再拖下去就要断药了。", "category": "help",
        },
        _drug_approval,
        Expected("received dispatched signed_in hurried result_submitted rated closed:resolved"),
    ),
    Story(
        "隔离护栏底座缺失",
        "two units on one case, lead and assisting",
        {
            "channel": "snapshot", "name": "李先生", "phone": "13800000004", "address": "郑东新区西周路与安平路",
            "text": "路口隔离护栏有好几处底座缺失，晚上骑车容易撞上。", "category": "help", "item": "guard-rail",
        },
        _guard_rail,
        Expected(
            "received dispatched signed_in signed_in progress_reported result_submitted called_back closed:resolved"
        ),
    ),
    Story(
        "高龄老人家中自来水发黄",
        "the citizen adds to the request; the second callback reaches her",
        {
            "channel": "phone", "name": "陈奶奶", "phone": "13800000005", "address": "花园路街道文化小区2号楼",
            "text": "老人一百多岁独自居住，早上自来水水质发黄有锈味，希望上门检测。", "category": "help",
            "item": "water-quality",
        },
        _old_resident,
        Expected(
            "received dispatched signed_in supplemented result_submitted called_back called_back closed:resolved"
        ),
    ),
    Story(
        "省热线转来的营业执照咨询",
        "sent by the province: due one working day earlier",
        {
            "channel": "province", "name": "周女士", "phone": "13800000006", "original_number": "HN-2026-118",
            "text": "想咨询个体户营业执照变更经营范围要准备什么材料。", "category": "consultation",
        },
        _licence,
        Expected(ORDINARY),
    ),
]  # fmt: skip
