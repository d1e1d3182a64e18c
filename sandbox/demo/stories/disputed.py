"""Requests on which unit, hotline and citizen do not agree at once."""

from datetime import UTC, datetime, timedelta

from sandbox.demo.driver import Case, Driver
from sandbox.demo.story import Expected, Story


async def _fire_lane(city: Driver, case: Case) -> None:
    await city.dispatch(case)
    await city.unit(case, "zz-xiaofang", "sign-in")
    await city.wait(case, days=2)
    await city.unit(case, "zz-xiaofang", "submit-result", text="已现场劝离占道车辆。")
    await city.wait(case, days=1)
    await city.step(
        case, "callback", "call-back", reached=True, rating=2, solved=False, contacted=True, text="晚上又停满了。"
    )
    await city.wait(case, days=3)
    await city.unit(case, "zz-xiaofang", "submit-result", text="已划线、装设隔离桩，连续三晚复查无占用。")
    await city.wait(case, days=1)
    await city.step(case, "callback", "call-back", reached=True, rating=5, solved=True, contacted=True)


async def _manhole(city: Driver, case: Case) -> None:
    await city.dispatch(case, lead="zz-water", assisting=[])
    await city.unit(case, "zz-water", "request-return", text="现场核实为雨水井盖，不属供水设施。")
    await city.wait(case, hours=2)
    await city.step(case, "dispatcher", "decide-return", accepted=True, text="情况属实，同意退单。")
    await city.dispatch(case, lead="zz-shizheng", assisting=[])
    await city.refused(case, "zz-shizheng", "request-return", "return_after_arbitration", text="建议派给城管部门。")
    await city.unit(case, "zz-shizheng", "sign-in")
    await city.wait(case, hours=6)
    await city.unit(case, "zz-shizheng", "submit-result", text="井盖已更换并加装防坠网。")
    await city.wait(case, days=1)
    await city.step(case, "callback", "call-back", reached=True, rating=5, solved=True, contacted=True)


async def _radiators(city: Driver, case: Case) -> None:
    await city.dispatch(case)
    await city.unit(case, "zz-heat", "sign-in")
    await city.wait(case, days=2)
    await city.unit(case, "zz-heat", "request-extension", text="老旧串联管道气堵，需分段排气并更换阀件。", limit="3wd")
    await city.wait(case, hours=1)
    await city.step(case, "dispatcher", "decide-extension", granted=True, text="管道老旧，须分段排气并更换阀件。")
    await city.refused(case, "zz-heat", "request-extension", "extension_used", text="再延长几天。")
    await city.wait(case, days=3)
    await city.unit(case, "zz-heat", "submit-result", text="整栋楼排气调试完成，入户测温达标。")
    await city.wait(case, days=1)
    await city.step(case, "callback", "call-back", reached=True, rating=5, solved=True, contacted=True)


async def _heat_retrofit(city: Driver, case: Case) -> None:
    await city.dispatch(case)
    await city.unit(case, "zz-heat", "sign-in")
    await city.wait(case, hours=30)
    until = (datetime.now(UTC) + timedelta(days=60)).date().isoformat()
    await city.unit(
        case, "zz-heat", "request-suspension", until=until, text="须待供暖期结束后改造楼内管网，已与业主协商。"
    )
    await city.step(case, "supervisor", "decide-suspension", granted=True, text="同意挂账，期间采取临时保暖措施。")
    await city.wait_past_due(case, hours=20)
    await city.unit(case, "zz-heat", "submit-result", text="楼内立管改造完成。")
    await city.wait(case, hours=20)
    await city.step(case, "callback", "call-back", reached=True, rating=4, solved=True, contacted=True)


STORIES = [
    Story(
        "消防通道被占用",
        "the citizen is not satisfied: back to the unit, then closed",
        {
            "channel": "phone", "name": "冯先生", "phone": "13800000011", "address": "二七区云立方小区",
            "text": "小区消防通道长期被私家车占用，万一起火消防车进不来。", "category": "complaint",
        },
        _fire_lane,
        Expected(
            "received dispatched signed_in result_submitted called_back rework_ordered result_submitted called_back "
            "closed:resolved",
            texts="received result rework result",
        ),
    ),
    Story(
        "路面井盖破损",
        "returned with reason; the unit named after arbitration may not return it again",
        {
            "channel": "110", "name": "魏某", "phone": "13800000012", "address": "建设路","original_number": "110-7781",
            "text": "机动车道上井盖破损下陷，已有车辆爆胎。", "category": "help", "item": "manhole",
        },
        _manhole,
        Expected(
            "received dispatched return_requested return_accepted dispatched signed_in result_submitted called_back "
            "closed:resolved"
        ),
    ),
    Story(
        "整栋楼暖气不热",
        "one extension, explained to the citizen; a second is refused",
        {
            "channel": "wechat", "name": "蒋女士", "phone": "13800000013", "address": "杜岭街八栋楼社区",
            "text": "老旧小区好几户暖气不热，摸着冰凉，家里有老人。", "category": "help", "item": "heat-cold",
        },
        _radiators,
        Expected(
            "received dispatched signed_in extension_requested extension_granted result_submitted called_back "
            "closed:resolved",
            texts="received extended result",
        ),
    ),
    Story(
        "楼内供暖立管改造",
        "cannot be solved now: put off with approval, and taken up again by itself on the day",
        {
            "channel": "mayor_mailbox", "name": "沈先生", "phone": "13800000014", "address": "南阳路街道某小区",
            "text": "楼内暖气立管老化，每年供暖都漏，希望改造。", "category": "suggestion", "item": "heat-service",
        },
        _heat_retrofit,
        Expected(
            "received dispatched signed_in suspension_requested suspension_granted resumed result_submitted "
            "called_back closed:resolved",
            texts="received suspended result",
        ),
    ),
]  # fmt: skip
